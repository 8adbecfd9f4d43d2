"""Draws a ticket's code as PNG or SVG. Pure Python and slow (some 20 ms), so call it off the event loop."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO
from typing import Final, Literal, TypeAlias

import qrcode
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.util import QRData

Correction: TypeAlias = Literal["L", "M", "Q", "H"]
Matrix: TypeAlias = tuple[tuple[bool, ...], ...]

QUIET_ZONE: Final = 4  # modules of white around the code, as ISO/IEC 18004 asks for
_ALPHANUMERIC: Final = 2  # the library's MODE_ALPHA_NUM, as its type wants it: a literal
_LEVELS: Final = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}


@lru_cache(maxsize=512)
def draw_matrix(token: str, correction: Correction = "M") -> Matrix:
    """The code's modules, row by row, with the quiet zone around them; true is dark."""
    code = qrcode.QRCode(error_correction=_LEVELS[correction], border=QUIET_ZONE)
    code.add_data(QRData(token, mode=_ALPHANUMERIC), optimize=0)
    code.make(fit=True)
    return tuple(tuple(map(bool, row)) for row in code.get_matrix())


def draw_png(token: str, size: int, correction: Correction = "M") -> bytes:
    """A square of `size` pixels, or of one pixel a module if that is more; modules are whole pixels."""
    matrix = draw_matrix(token, correction)
    modules = len(matrix)
    scale = max(1, size // modules)
    side = max(size, modules)
    code = Image.new("1", (modules, modules))
    code.putdata([0 if dark else 1 for row in matrix for dark in row])
    image = Image.new("1", (side, side), 1)
    offset = (side - modules * scale) // 2
    image.paste(code.resize((modules * scale, modules * scale), Image.Resampling.NEAREST), (offset, offset))
    file = BytesIO()
    image.save(file, "PNG", optimize=True)
    return file.getvalue()


@lru_cache(maxsize=512)
def draw_svg(token: str, correction: Correction = "M", size: int | None = None) -> bytes:
    """One path on white, a unit a module; without a size it takes the room it is given."""
    matrix = draw_matrix(token, correction)
    modules = len(matrix)
    extent = f' width="{size}" height="{size}"' if size else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg"{extent} viewBox="0 0 {modules} {modules}"'
        ' shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{modules}v{modules}H0z"/><path d="{_outline(matrix)}"/></svg>'
    ).encode()


def _outline(matrix: Matrix) -> str:
    """Each run of dark modules as a bar one unit high."""
    bars: list[str] = []
    for y, row in enumerate(matrix):
        x = 0
        while x < len(row):
            run = x
            while run < len(row) and row[run]:
                run += 1
            if run > x:
                bars.append(f"M{x} {y}h{run - x}v1h-{run - x}z")
            x = run + 1
    return "".join(bars)
