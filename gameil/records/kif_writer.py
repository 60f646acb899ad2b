"""Writes shogi records as KIF in UTF-8. Follows which piece stands where, since KIF names the piece that moves."""

from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.kif_board import board_sfen, draw_board
from gameil.records.kif_reader import ENDINGS, FILES, HANDICAP_REST, HANDICAPS, HANDS, RANKS
from gameil.records.record import GameRecord
from gameil.records.usi_reader import MOVE, first_seat

USUAL_RANKS = "lnsgkgsnl/1r5b1"
NAMES = {"P": "歩", "L": "香", "N": "桂", "S": "銀", "G": "金", "B": "角", "R": "飛", "K": "玉"}
PROMOTED = {"P": "と", "L": "成香", "N": "成桂", "S": "成銀", "B": "馬", "R": "龍"}
HEADER_NAMES = {"手合割", "先手", "後手", "下手", "上手", "棋戦", "持ち時間", *HANDS[0], *HANDS[1]}


def format_kif(record: GameRecord) -> str:
    """One game and an empty line. Raises ``RecordsError`` for what KIF cannot carry."""
    if record.game != "shogi" or record.notation != "action" or not all(map(MOVE.fullmatch, record.moves)):
        raise RecordsError(f"kif holds shogi in USI moves, not {record.game} in {record.notation!r}")
    held = [name for name in ("parameters", "setup", "clocks") if getattr(record, name)]
    if held or any(player.rating or player.title for player in record.players):
        raise RecordsError(f"kif cannot carry {', '.join(held) or 'ratings and titles'} of a record of shogi")
    starts = {None if ranks is None else ranks + HANDICAP_REST: name for name, ranks in HANDICAPS.items()}
    lines = ["#KIF version=2.0 encoding=UTF-8", *_header(record, starts.get(record.start, "その他"))]
    if record.start is not None and record.start not in starts:
        lines += _drawn(record.start)
    lines += ["手数----指手---------消費時間--", *_comment(record, -1)]
    for index, text in enumerate(_moves(record)):
        lines += [f"{index + 1:>4} {text}", *_comment(record, index)]
    ending = _ending(record)
    if ending:
        lines.append(ending if ending.startswith("まで") else f"{len(record.moves) + 1:>4} {ending}")
    return "\n".join(lines) + "\n\n"


def _header(record: GameRecord, handicap: str) -> Iterator[str]:
    if record.date is not None and "開始日時" not in record.tags:
        yield f"開始日時：{record.date.replace('-', '/')}"
    if record.event is not None:
        yield f"棋戦：{_line(record.event)}"
    if record.time_control is not None:
        yield f"持ち時間：{_line(record.time_control)}"
    yield f"手合割：{handicap}"
    for seat, player in zip(
        ("先手", "後手") if record.start is None else ("下手", "上手"), record.players, strict=False
    ):
        yield f"{seat}：{_line(player.name or '')}"
    for name, value in record.tags.items():
        if name in HEADER_NAMES or "：" in name or len(name) > 40 or name != _line(name) or name[:1] in "*#&0123456789":
            raise RecordsError(f"kif cannot carry a tag named {name[:40]!r}")
        yield f"{name}：{_line(value)}"


def _drawn(start: str) -> list[str]:
    """The board of a start that has no name. Raises ``RecordsError`` where it would be read back otherwise."""
    try:
        rows, hands, white_moves = draw_board(start)
    except (ValueError, KeyError):
        rows, hands, white_moves = [], ("", ""), False
    if board_sfen(rows, hands, white_moves) != start:
        raise RecordsError(f"kif cannot draw the start {start[:80]!r}: not an SFEN of move 1 in its usual form")
    frame = "+---------------------------+"
    files = "  ９ ８ ７ ６ ５ ４ ３ ２ １"
    lines = [f"後手の持駒：{hands[1]}", files, frame, *rows, frame, f"先手の持駒：{hands[0]}"]
    return [*lines, "後手番"] if white_moves else lines


def _line(text: str) -> str:
    return " ".join(text.split())


def _comment(record: GameRecord, index: int) -> list[str]:
    return [f"*{line}" for line in record.comments[index].splitlines()] if index in record.comments else []


def _moves(record: GameRecord) -> Iterator[str]:
    """The moves in Japanese; the origin in brackets makes them complete whatever piece is named."""
    board = _board((record.start or USUAL_RANKS + HANDICAP_REST).split()[0])
    last = ""
    for move in record.moves:
        square = move[2:4]
        place = "同　" if square == last else FILES[int(square[0]) - 1] + RANKS["abcdefghi".index(square[1])]
        last = square
        if move[1] == "*":
            board[square] = move[0]
            yield f"{place}{NAMES[move[0]]}打"
            continue
        piece = board.pop(move[:2], "P")
        name = PROMOTED.get(piece[1:], NAMES["P"]) if piece[0] == "+" else NAMES[piece]
        promotes = move.endswith("+")
        board[square] = f"+{piece}" if promotes and piece[0] != "+" else piece
        yield f"{place}{name}{'成' * promotes}({move[0]}{'abcdefghi'.index(move[1]) + 1})"


def _board(ranks: str) -> dict[str, str]:
    """The piece on each square that is not empty, without its side."""
    board: dict[str, str] = {}
    for rank, text in zip("abcdefghi", ranks.split("/"), strict=True):
        file = 9
        for sign in text:
            if sign.isdigit():
                file -= int(sign)
            else:
                board[f"{file}{rank}"] = sign.upper()
                file -= 1
    return board


def _ending(record: GameRecord) -> str:
    """The word behind the last move; empty where the outcome is not known."""
    if record.returns is None:
        return "" if record.termination == "unknown" else _no_word(record)
    mover = (len(record.moves) + first_seat(record.start)) % 2
    kind = {1.0: "won", 0.0: "drawn", -1.0: "lost"}.get(record.returns[mover])
    if kind is None or tuple(record.returns) not in ((1.0, -1.0), (0.0, 0.0), (-1.0, 1.0)):
        raise RecordsError(f"kif cannot carry returns of {record.returns}")
    word = next((word for word, meant in ENDINGS.items() if meant == (kind, record.termination)), None)
    if word is not None:
        return word
    if kind == "drawn":
        return "まで千日手" if record.termination == "unknown" else _no_word(record)
    winner = "先手" if record.returns[0] > 0 else "後手"
    return f"まで{winner}の勝ち" if record.termination == "unknown" else _no_word(record)


def _no_word(record: GameRecord) -> str:
    raise RecordsError(f"kif has no word for returns of {record.returns} by {record.termination!r}")
