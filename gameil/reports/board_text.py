"""A state as a picture in the terminal."""

from gameil.reports.boards import read_position


def board_text(name: str, text: str) -> str:
    """A state's text made readable where it is not: chess (a FEN), and boards without coordinates."""
    position = read_position(name, text) if name in ("chess", "connect_four", "tic_tac_toe") else None
    if position is None:
        return "\n" + text.rstrip("\n") + "\n"
    lines = [" ".join(row) for row in position.cells]
    if name == "chess":
        lines = [f"{8 - index} {line}" for index, line in enumerate(lines)] + ["  a b c d e f g h"]
    elif name == "connect_four":
        lines.append(" ".join(str(column) for column in range(len(position.cells[0]))))
    return "\n" + "\n".join(f"    {line}" for line in lines) + "\n"
