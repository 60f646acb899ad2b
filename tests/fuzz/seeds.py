"""Small inputs that fuzzing starts from, and the words of each format. All made here or from the bundled replays."""

import bz2
import gzip
import io
import lzma
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import zstandard

REPOSITORY = Path(__file__).resolve().parents[2]

PGN = [
    b'[Event "x"]\n[White "A, B"]\n[Result "1-0"]\n[WhiteElo "2000"]\n[FEN "8/8/8/8/8/8/8/K1k5 w - - 0 1"]\n\n'
    b"1. e4 {[%clk 0:01:02.5] words} e5 $1 (1... c5 2. Nf3 (2. c3)) 2. Nf3! Nc6?! ; to the end\n3. O-O-O e8=Q+ 1-0\n\n",
    b'[Event "y"]\n[Variant "Chess960"]\n\n% escape\n1.d4 d5 2.0-0 0-0-0 e.p. +/- 1/2-1/2 1. e4 *\n',
    b'e4 e5 Nf3 *\r\n\r\n[Event "z"]\r\n[Date "2001.??.01"]\r\n\r\n1. P@e4 -- 0-0\r\n',
]
SGF = [
    b"(;GM[1]FF[4]CA[UTF-8]SZ[9]KM[7.5]HA[2]AB[cc][gg]PB[a]PW[b]BR[3d]WR[5k]RE[W+R]DT[2001-01-02]\n"
    b";W[ee]WL[10.5];B[cg]BL[9]C[a \\] b](;W[gc];B[])(;W[cc]))\n",
    b"(;FF[3]GaMe[1]SiZe[19];Black[pd];W[tt](;B[dd])(;B[dp]))(;GM[1];AB[aa:cc];B[qq])",
    b"(;GM[11]SZ[11]PB[p]PW[q]RE[B];W[a2];B[swap];W[f6])",
    "(;GM[1]KM[375]RE[黑中盘胜]PB[黑];B[aa];B[bb];W[cc])".encode("gb18030"),
]
JSONL = [
    b'{"game":"connect_four","moves":["x3","o3"],"players":[{"name":"a","rating":1}],"returns":[1,-1],"tags":{"a":"b"}}\n',
    b'{"game":"go","notation":"sgf","parameters":{"board_size":9,"komi":5.5},"moves":["aa",""],"movers":[0,1],'
    b'"setup":[[0,"bb"]],"clocks":[1.5,null],"comments":{"-1":"x"},"date":"2001-??-??","start":null}\n',
]
WTHOR = [
    # 16 bytes of header: date, one game, no other records, year 2001, 8x8 board; then one game of 68 bytes.
    bytes([20, 1, 1, 1])
    + (1).to_bytes(4, "little")
    + bytes(2)
    + (2001).to_bytes(2, "little")
    + bytes([8, 0, 22, 0])
    + bytes([1, 0, 2, 0, 3, 0, 40, 40])
    + bytes([56, 64, 53, 46, 35, 66])
    + bytes(54),
]
TEXT = {
    "othello": [b'[Event "x"]\n[White "a"]\n\n1. F5 D6 2. C3 D3 3. C4 F4 1-0\n', b"1. F5 f6 2. -- {a} 10-54\n"],
    "othello-transcripts": [b"f5d6c3d3c4f4\nF5 D6 C3 33-31\n"],
    "hex-text": [b"White places a5.\nBlack swaps.\nWhite places b6.\nBlack resigns.\n"],
    "pdn": [b'[Event "x"]\n[GameType "21"]\n[Result "2-0"]\n\n1. 11-15 22x18 2. 15x22x29 {a} (2. 1-5) 2-0\n'],
    "mat": [
        b" 5 point match\n\n Game 1\n A : 0                  B : 0\n  1) 31: 8/5 6/5            52: 13/8 24/22\n"
        b"  2)  Doubles => 2           Takes\n  3) 66: 24/18*/12(2)\n      Wins 1 point\n",
        b'; [Site "x"]\n 1 point match\n\n Game 1\n A : 0       B : 0\n  1)             21: bar/24 off/1\n',
    ],
    "usi": [b"position startpos moves 7g7f 3c3d 8h2b+ B*4e resign\n", b"sfen 4k4/9/9/9/9/9/9/9/4K4 b - 1 moves 5i5h\n"],
    "overcooked": [
        # Pickles: plain values around an array, and the beginnings of a table.
        pickle.dumps({"table": [("state", 1.5, None), np.arange(3)]}, 4),
        b"\x80\x04\x8c\x11pandas.core.frame\x8c\tDataFrame\x93)\x81}(\x8c\x04_mgrN\x8c\x05attrs}ub.",
    ],
    "kif": [
        "#KIF\n手合割：平手\n先手：a\n   1 ７六歩(77) ( 0:01/00:00:01)\n*words\n   2 同　歩成(33)\n".encode(),
        "手合割：香落ち\n上手：a\n   1 ３四歩(33)\n   2 ７六歩打\n変化：2手\n   2 中断\n".encode("cp932"),
    ],
}
WORDS: dict[str, list[bytes]] = {
    "pgn": [
        b'[Event "',
        b'"]',
        b"[FEN ",
        b"[Variant ",
        b"{",
        b"}",
        b"(",
        b")",
        b";",
        b"%",
        b"$1",
        b"1.",
        b"1...",
        b"O-O",
        b"0-0",
        b"e4",
        b"Nbxd7+",
        b"e8=Q#",
        b"P@e4",
        b"1-0",
        b"1/2-1/2",
        b"*",
        b"[%clk 0:00:01]",
        b"--",
        b"\n\n",
        b"\r\n",
        b"\xef\xbb\xbf",
    ],
    "sgf": [
        b"(;",
        b")",
        b";B[",
        b";W[",
        b"]",
        b"\\",
        b"SZ[19]",
        b"SZ[9:9]",
        b"KM[6.5]",
        b"HA[2]",
        b"AB[aa:cc]",
        b"AW[",
        b"AE[",
        b"GM[1]",
        b"GM[11]",
        b"FF[4]",
        b"CA[GB18030]",
        b"CA[UTF-8]",
        b"RE[B+R]",
        b"C[",
        b"BL[",
        b"tt",
        b"DT[",
        b"XT[",
    ],
    "jsonl": [
        b'{"game":"',
        b'"moves":[',
        b'"notation":"',
        b'"movers":',
        b'"setup":',
        b'"returns":',
        b'"clocks":',
        b'"comments":',
        b'"parameters":',
        b'"players":',
        b'"tags":',
        b"null",
        b"1e999",
        b"-1",
        b"\\ud800",
        b"}\n",
        b"[[",
        b"true",
        b'"start":',
    ],
}


def seeds(target: str) -> list[bytes]:
    """Inputs of a target; an empty list where none is known."""
    target = target.removesuffix("-played")
    if target == "pgn":
        games = (REPOSITORY / "replays" / "chess" / "famous-games.pgn").read_bytes().split(b"\n\n[")
        return [*PGN, *(b"[" + game.lstrip(b"[") + b"\n\n" for game in games)]
    if target == "file":
        return [pack(text) for text in (PGN[0], SGF[0], JSONL[0], WTHOR[0]) for pack in _packers()]
    if target == "npz":
        return [_trajectories(zipfile.ZIP_STORED), _trajectories(zipfile.ZIP_DEFLATED)]
    return {"sgf": SGF, "jsonl": JSONL, "wthor": WTHOR, **TEXT}.get(target, [])


def words(target: str) -> list[bytes]:
    """Words that the format gives a meaning."""
    return WORDS.get(target.removesuffix("-played"), [])


def _packers() -> list:
    return [bytes, gzip.compress, bz2.compress, lzma.compress, zstandard.compress, _tar, _zip]


def _tar(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in ("a" * 120 + ".pgn", "b.sgf"):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def _zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.pgn", data)
        archive.writestr("dir/b.sgf", data)
    return buffer.getvalue()


def _trajectories(method: int) -> bytes:
    """Two games as arrays, in the layout of docs/formats.md."""
    from gameil.records.trajectories_reader import LAYOUT

    arrays: dict[str, np.ndarray] = {
        "format": np.array(LAYOUT),
        "game": np.array("pettingzoo:leduc(players=2)"),
        "lengths": np.array([2, 3]),
        "actions": np.array([1, 2, 0, 5, 7]),
        "returns": np.array([[1.0, -1.0], [np.nan, np.nan]]),
        "details": np.array(["", '{"event":"x"}']),
        "observations": np.zeros((5, 2), np.float32),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)
    return buffer.getvalue()
