"""A departure's passengers on paper, for the driver's clipboard, or as a table for a spreadsheet."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from services.ticketing.documents.press import FAINT, FAMILY, new_document, write_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class PassengerList:
    """A title, lines below it, and a table whose columns have these widths, relative to each other."""

    language: str
    title: str
    lines: Sequence[str]
    headings: Sequence[str]
    widths: Sequence[int]
    rows: Sequence[Sequence[str]]


def draw_passengers(sheet: PassengerList) -> bytes:
    """The list as PDF, its headings again on each page."""
    pdf = new_document(sheet.title, sheet.language, landscape=True)
    pdf.add_page()
    write_line(pdf, sheet.title, size=16, bold=True)
    for line in sheet.lines:
        write_line(pdf, line, size=10, colour=FAINT)
    pdf.ln(4)
    pdf.set_font(FAMILY, size=9)
    pdf.set_text_color(0)
    headings = FontFace(family=FAMILY, emphasis="BOLD", fill_color=(230, 236, 232))
    with pdf.table(
        col_widths=tuple(sheet.widths),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=headings,
        line_height=6,
        text_align="LEFT",
    ) as table:
        for cells in (sheet.headings, *sheet.rows):
            row = table.row()
            for cell in cells:
                row.cell(cell)
    return bytes(pdf.output())


def write_csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    """RFC 4180 in UTF-8; no cell is a formula, whatever a passenger calls himself."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[column]) for column in columns])
    return file.getvalue().encode()


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection): an apostrophe goes before it."""
    return "'" + text if text.lstrip()[:1] in {"=", "+", "-", "@"} or text[:1] in {"\t", "\r", "\n"} else text


def _cell(value: object) -> object:
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else value
