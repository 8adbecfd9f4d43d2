"""Where documents are drawn: one thread, so that a rush for PDFs waits in line instead of eating the process.

The font is FiraGO, which has Latin and Devanagari; its files are unpacked from the wheel at first use.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, ParamSpec

from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import TTFFont

if TYPE_CHECKING:
    from collections.abc import Callable

FAMILY: Final = "FiraGO"
INK: Final = (28, 32, 36)
FAINT: Final = (110, 116, 122)
ACCENT: Final = (20, 92, 66)

_Given = ParamSpec("_Given")
_PRESS: Final = ThreadPoolExecutor(max_workers=1, thread_name_prefix="press")


async def in_background(draw: Callable[_Given, bytes], *args: _Given.args, **kwargs: _Given.kwargs) -> bytes:
    """The document that `draw` makes, while the event loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(_PRESS, lambda: draw(*args, **kwargs))


def new_document(title: str, language: str, *, landscape: bool = False) -> FPDF:
    """An A4 document with the font set up; text in Indic scripts is shaped as it is written."""
    pdf = FPDF(orientation="landscape" if landscape else "portrait", format="A4")
    regular, bold = _fonts()
    pdf.add_font(FAMILY, "", regular)
    pdf.add_font(FAMILY, "B", bold)
    _forget_layout(pdf)
    pdf.set_text_shaping(use_shaping_engine=True)
    pdf.set_title(title)
    pdf.set_lang(language)
    pdf.set_creator("Banyan")
    pdf.set_margins(15, 15, 15)
    pdf.set_auto_page_break(auto=True, margin=15)
    pdf.set_text_color(*INK)
    pdf.set_font(FAMILY, size=10)
    return pdf


def _forget_layout(pdf: FPDF) -> None:
    """HarfBuzz shapes by the file's own tables; taken along, they are two thirds of the work of a document.

    A PDF's copy of the font goes without them, but fontTools reads them all before it leaves them out.
    """
    for font in pdf.fonts.values():
        if isinstance(font, TTFFont):
            for table in {"GDEF", "GPOS", "GSUB"} & set(font.ttfont.keys()):
                del font.ttfont[table]


def write_line(
    pdf: FPDF,
    text: str,
    *,
    size: float = 10,
    bold: bool = False,
    colour: tuple[int, int, int] = INK,
    width: float = 0,
) -> None:
    """Text at the left margin or where the cursor is, broken where it must be; the cursor goes below it."""
    pdf.set_font(FAMILY, "B" if bold else "", size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(width, size * 0.5, text, align="L", new_x=XPos.LEFT, new_y=YPos.NEXT)


@cache
def _fonts() -> tuple[Path, Path]:
    from pymupdf_fonts import FiraGO_Bold, FiraGO_Regular  # ruff: ignore[import-outside-top-level] — unpacks 800 KB each

    logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of each table it drops
    folder = Path(tempfile.mkdtemp(prefix="banyan-fonts-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    regular, bold = folder / "FiraGO-Regular.ttf", folder / "FiraGO-Bold.ttf"
    regular.write_bytes(FiraGO_Regular.fontbuffer)
    bold.write_bytes(FiraGO_Bold.fontbuffer)
    return regular, bold
