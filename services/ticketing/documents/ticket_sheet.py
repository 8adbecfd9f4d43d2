"""A ticket on paper: one page that a passenger can fold, with a code that scans from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from services.ticketing.documents.press import ACCENT, FAINT, INK, new_document, write_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fpdf import FPDF

CODE_MM: Final = 62.0
LEFT: Final = 15.0
RIGHT_COLUMN: Final = 210 - LEFT - CODE_MM
LEFT_WIDTH: Final = RIGHT_COLUMN - LEFT - 8


@dataclass(frozen=True, slots=True)
class TicketSheet:
    """All that is on it, in the reader's language; `facts` are labels with what they label."""

    language: str
    title: str
    company: str
    journey: str
    boarding: tuple[str, str, str]
    """Label, place and time; so has `arrival`."""
    arrival: tuple[str, str, str]
    passenger: tuple[str, str]
    facts: Sequence[tuple[str, str]]
    notes: Sequence[str]
    code: Sequence[Sequence[bool]]


def draw_ticket(sheet: TicketSheet) -> bytes:
    """The sheet as PDF."""
    pdf = new_document(sheet.title, sheet.language)
    pdf.add_page()
    write_line(pdf, sheet.company, size=18, bold=True, colour=ACCENT, width=LEFT_WIDTH)
    write_line(pdf, sheet.journey, size=11, colour=FAINT, width=LEFT_WIDTH)
    pdf.ln(5)
    for label, place, time in (sheet.boarding, sheet.arrival):
        write_line(pdf, label, size=9, colour=FAINT, width=LEFT_WIDTH)
        write_line(pdf, time, size=15, bold=True, width=LEFT_WIDTH)
        write_line(pdf, place, size=11, width=LEFT_WIDTH)
        pdf.ln(4)
    below_left = pdf.get_y()
    _draw_code(pdf, sheet.code, RIGHT_COLUMN, LEFT)
    pdf.set_xy(LEFT, max(below_left, LEFT + CODE_MM + 4))

    pdf.set_draw_color(*FAINT)
    pdf.line(LEFT, pdf.get_y(), 210 - LEFT, pdf.get_y())
    pdf.ln(5)
    label, name = sheet.passenger
    write_line(pdf, label, size=9, colour=FAINT)
    write_line(pdf, name, size=15, bold=True)
    pdf.ln(3)
    _draw_facts(pdf, sheet.facts)
    pdf.ln(4)
    for note in sheet.notes:
        write_line(pdf, note, size=9, colour=FAINT)
        pdf.ln(1)
    return bytes(pdf.output())


def _draw_facts(pdf: FPDF, facts: Sequence[tuple[str, str]]) -> None:
    """Three to a row, each label above what it labels."""
    width = (210 - 2 * LEFT) / 3
    for start in range(0, len(facts), 3):
        top, bottom = pdf.get_y(), pdf.get_y()
        for place, (label, value) in enumerate(facts[start : start + 3]):
            pdf.set_xy(LEFT + place * width, top)
            write_line(pdf, label, size=9, colour=FAINT, width=width - 3)
            pdf.set_x(LEFT + place * width)
            write_line(pdf, value, size=12, bold=True, width=width - 3)
            bottom = max(bottom, pdf.get_y())
        pdf.set_xy(LEFT, bottom + 3)


def _draw_code(pdf: FPDF, code: Sequence[Sequence[bool]], x: float, y: float) -> None:
    """As bars, a run of dark modules each: sharp at any size, and small."""
    module = CODE_MM / len(code)
    pdf.set_fill_color(*(0, 0, 0))
    for row, modules in enumerate(code):
        column = 0
        while column < len(modules):
            end = column
            while end < len(modules) and modules[end]:
                end += 1
            if end > column:
                pdf.rect(x + column * module, y + row * module, (end - column) * module, module, style="F")
            column = end + 1
    pdf.set_text_color(*INK)
