"""The few SVG elements that charts and boards are made of. Everything foreign goes through ``escape``."""

from html import escape

__all__ = ["Drawing", "escape", "picture_file"]

SHOWN_WIDTH = 720
"""Of a picture that is a file of its own, in pixels."""
STYLE = """
.rule { stroke: #d9d5cc; stroke-width: 1; }
.tick { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: #5b5f66; }
"""
"""What a report's page says of a line chart, for pictures without a page around them."""


class Drawing:
    """Collects elements and writes them as one inline ``<svg>``. Coordinates are in units of the view box."""

    def __init__(self, width: float, height: float, *, label: str, css_class: str = "") -> None:
        self.width = width
        self.height = height
        self._label = label
        self._class = css_class
        self._parts: list[str] = []

    @property
    def parts(self) -> list[str]:
        """The markup of its elements, in the order in which they are drawn."""
        return list(self._parts)

    def add(self, tag: str, text: str | None = None, /, **attributes: object) -> None:
        """Adds ``<tag attribute="value">text</tag>``; ``_`` in attribute names becomes ``-``, a last one is dropped."""
        written = _written(attributes)
        self._parts.append(f"<{tag}{written}/>" if text is None else f"<{tag}{written}>{escape(text)}</{tag}>")

    def line(self, x1: float, y1: float, x2: float, y2: float, **attributes: object) -> None:
        self.add("line", x1=x1, y1=y1, x2=x2, y2=y2, **attributes)

    def circle(self, x: float, y: float, radius: float, **attributes: object) -> None:
        self.add("circle", cx=x, cy=y, r=radius, **attributes)

    def rect(self, x: float, y: float, width: float, height: float, **attributes: object) -> None:
        self.add("rect", x=x, y=y, width=width, height=height, **attributes)

    def text(self, x: float, y: float, text: str, **attributes: object) -> None:
        self.add("text", text, x=x, y=y, **attributes)

    def group(self, inner: str, **attributes: object) -> None:
        """Adds trusted SVG markup (the fixed shapes of pieces) inside a group."""
        self._parts.append(f"<g{_written(attributes)}>{inner}</g>")

    def __str__(self) -> str:
        css = f' class="{self._class}"' if self._class else ""
        return (
            f'<svg{css} viewBox="0 0 {_value(self.width)} {_value(self.height)}" role="img" '
            f'aria-label="{escape(self._label, quote=True)}">{"".join(self._parts)}</svg>'
        )


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return escape(str(value), quote=True)


def _written(attributes: dict[str, object]) -> str:
    return "".join(f' {name.rstrip("_").replace("_", "-")}="{_value(value)}"' for name, value in attributes.items())


def picture_file(svg: str) -> str:
    """An inline line chart as the text of a file: with its namespace, size, ground and style; empty stays empty."""
    opening, ending, rest = svg.partition(">")
    if not ending:
        return svg
    head = f' xmlns="http://www.w3.org/2000/svg" width="{SHOWN_WIDTH}" style="background: #fff">'
    return f"{opening}{head}<style>{STYLE}</style>{rest}\n"
