"""The formats that come with the package. Where several fit a text, the later one is taken: general ones first."""

import re
from dataclasses import dataclass

from gameil.records.sources import NUMPY_ARCHIVE


@dataclass(frozen=True)
class Format:
    """One way of writing games down. Its functions are ``module:function``, imported when first used."""

    name: str
    extensions: tuple[str, ...]
    content: re.Pattern[bytes]
    """What the first bytes of such a file look like; of text, byte order mark and white space are left out."""
    splitter: str
    """``(Source) -> Iterator[RawRecord | RecordError]``: cheap, streaming, in flat memory."""
    parser: str
    """``(RawRecord) -> GameRecord | RecordError``: one outcome a raw record, whatever its bytes; never raises."""
    writer: str | None
    """``(GameRecord) -> str``: the text of one record, with its line end; None where records are only read."""
    packer: str | None = None
    """``(file, records) -> number of records``: writes a whole binary file, in place of ``writer``."""
    binary: bool = False
    """Files are no text: control bytes are expected in them."""


BUILT_IN = (
    Format(
        "pgn",
        (".pgn",),
        re.compile(rb"\[[A-Za-z]\w*[ \t]*\"|%|[;{]|1\s*\.\s*[A-Za-z]"),
        splitter="gameil.records.pgn_reader:split_pgn",
        parser="gameil.records.pgn_reader:parse_pgn",
        writer="gameil.records.pgn_writer:format_pgn",
    ),
    Format(
        "sgf",
        (".sgf",),
        re.compile(rb"\(\s*;"),
        splitter="gameil.records.sgf_reader:split_sgf",
        parser="gameil.records.sgf_reader:parse_sgf",
        writer="gameil.records.sgf_writer:format_sgf",
    ),
    Format(
        "jsonl",
        (".jsonl", ".ndjson"),
        re.compile(rb"\{\s*\""),
        splitter="gameil.records.jsonl_reader:split_jsonl",
        parser="gameil.records.jsonl_reader:parse_jsonl",
        writer="gameil.records.jsonl_writer:format_jsonl",
    ),
    Format(
        "wthor",
        (".wtb",),
        # Century, year, month and day; games, no names; year played; board size, kind.
        re.compile(
            rb"[\x13\x14][\x00-\x63][\x01-\x0c][\x01-\x1f].{4}\x00\x00.[\x07\x08][\x00-\x0a][\x00\x01]", re.DOTALL
        ),
        splitter="gameil.records.wthor_reader:split_wthor",
        parser="gameil.records.wthor_reader:parse_wthor",
        writer=None,
        binary=True,
    ),
    Format(
        "mat",
        (".mat",),
        # Looked at before PGN, whose comments start with a semicolon too.
        re.compile(rb"(?>;[^\n]*+\n\s*+)*+\d{1,9}[ \t]+points?[ \t]+match"),
        splitter="gameil.records.backgammon_reader:split_match",
        parser="gameil.records.backgammon_reader:parse_match_game",
        writer="gameil.records.backgammon_writer:format_match",
    ),
    Format(
        "othello",
        (".pgn",),
        # Tags as in PGN; a square in capitals where chess would have its first move, or the name of the game.
        re.compile(
            rb"(?>\[[^\n]*+\n\s*+)*+1\s*\.\s*[A-H][1-8]\s"
            rb"|(?>\[(?!Game|Variant)[^\n]*+\n\s*+)*+\[(?:Game|Variant)\s+\"(?i:othello|reversi)"
        ),
        splitter="gameil.records.othello_reader:split_othello",
        parser="gameil.records.othello_reader:parse_othello",
        writer="gameil.records.othello_writer:format_othello",
    ),
    Format(
        "othello-transcripts",
        (),
        re.compile(rb"(?:[A-Ha-h][1-8][ \t]*+){4}"),
        splitter="gameil.records.othello_reader:split_transcripts",
        parser="gameil.records.othello_reader:parse_transcript",
        writer=None,
    ),
    Format(
        "usi",
        (".usi", ".sfen"),
        re.compile(rb"(?:position[ \t]+)?(?:startpos|sfen[ \t]+[1-9A-Za-z+]+/)"),
        splitter="gameil.records.usi_reader:split_usi",
        parser="gameil.records.usi_reader:parse_usi",
        writer="gameil.records.usi_writer:format_usi",
    ),
    Format(
        "kif",
        (".kif", ".kifu"),
        # In UTF-8 or Shift_JIS: the words for start, handicap, event, players, or the line above the moves.
        re.compile(
            rb"#KIF|(?>#[^\n]*+\n\s*+)*+(?:"
            + b"|".join(
                re.escape(word.encode(charset))
                for word in ("開始日時：", "手合割：", "棋戦：", "先手：", "下手：", "手数--")
                for charset in ("utf-8", "cp932")
            )
            + rb")"
        ),
        splitter="gameil.records.kif_reader:split_kif",
        parser="gameil.records.kif_reader:parse_kif",
        writer="gameil.records.kif_writer:format_kif",
    ),
    Format(
        "npz",
        (".npz",),
        NUMPY_ARCHIVE,
        splitter="gameil.records.trajectories_reader:split_trajectories",
        parser="gameil.records.trajectories_reader:parse_trajectory",
        writer=None,
        packer="gameil.records.trajectories_writer:pack_trajectories",
        binary=True,
    ),
    Format(
        "overcooked",
        (".pickle", ".pkl"),
        re.compile(rb"\x80[\x02-\x05](?:\x95.{8})?\x8c?.{0,4}pandas\.core\.frame", re.DOTALL),
        splitter="gameil.records.overcooked_reader:split_trials",
        parser="gameil.records.overcooked_reader:parse_trial",
        writer=None,
        binary=True,
    ),
    Format(
        "hex-text",
        (),
        re.compile(rb"(?:White|Black) (?:places [a-z]\d|swaps|resigns)"),
        splitter="gameil.records.hex_text_reader:split_hex_text",
        parser="gameil.records.hex_text_reader:parse_hex_text",
        writer=None,
    ),
    Format(
        "pdn",
        (".pdn",),
        # Tags as in PGN, then a move by numbers; or the tag of the game's type.
        re.compile(
            rb"(?>\[[^\n]*+\n\s*+)*+1\s*\.\s*\d{1,2}[-x:]\d"
            rb"|(?>\[(?!GameType)[^\n]*+\n\s*+)*+\[GameType\s+\"\d"
        ),
        splitter="gameil.records.pdn_reader:split_pdn",
        parser="gameil.records.pdn_reader:parse_pdn",
        writer="gameil.records.pdn_writer:format_pdn",
    ),
)
