"""Tickets and passenger lists as documents: the rows put into words, in the reader's language."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from common.instants import format_instant
from common.web.formats import date_text, instant_text, instant_time_text, money_text
from legacy import booking_state
from legacy.codes import code_of
from legacy.documents.passenger_list import PassengerList, draw_passengers, write_csv
from legacy.documents.press import in_background
from legacy.documents.ticket_sheet import TicketSheet, draw_ticket
from legacy.qr_images import draw_matrix
from legacy.rules.money import to_minor
from legacy.schemas.manifest import manifest_wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.web.i18n import Language
    from legacy.desk import Desk
    from legacy.manifest import Manifest
    from legacy.queries.bookings import Row

CSV_COLUMNS = (
    "seat", "name", "age", "gender", "phone", "from_seq", "from_name", "to_seq", "to_name", "class",
    "booking_reference", "status", "checked_in_at", "ticket_id",
)  # fmt: skip


def ticket_sheet(desk: Desk, booking: Row, ticket: Row) -> TicketSheet:
    """The page for one confirmed ticket, in the language of whoever booked it."""
    reader = desk.languages.get(booking["user_locale"]) or desk.languages.first
    text = reader.gettext
    currency = booking["currency"]
    boards_at = booking_state.boards_at(booking)
    arrives_at = booking["departs_at"] + timedelta(seconds=booking["arrive_s"])
    facts = [
        (text("Seat"), ticket["seat"]),
        (text("Deck"), text(_DECKS[ticket["deck"]])),
        (text("Booking"), booking["reference"]),
        (text("Class"), ticket["seat_class"].capitalize()),
        (text("Price"), money_text(to_minor(ticket["price"], currency), currency, reader.locale)),
    ]
    if ticket["passenger_age"] is not None:
        facts.append((text("Age"), str(ticket["passenger_age"])))
    notes = [
        text("Show this code at the door. It is good for one passenger and one journey."),
        text("Times are those of the stops. Be there ten minutes early."),
    ]
    if booking["delay_min"]:
        notes.insert(0, text("The bus is %(minutes)s minutes late.") % {"minutes": booking["delay_min"]})
    return TicketSheet(
        language=reader.code,
        title=text("Ticket %(reference)s, seat %(seat)s")
        % {"reference": booking["reference"], "seat": ticket["seat"]},
        company=booking["company_name"],
        journey=booking["route_name"],
        boarding=(
            text("Departure"),
            f"{booking['from_city']}, {booking['from_name']}",
            instant_text(boards_at, booking["from_zone"], reader.locale),
        ),
        arrival=(
            text("Arrival"),
            f"{booking['to_city']}, {booking['to_name']}",
            instant_text(arrives_at, booking["to_zone"], reader.locale),
        ),
        passenger=(text("Passenger"), ticket["passenger_name"]),
        facts=facts,
        notes=notes,
        code=draw_matrix(_code_of(desk, booking, ticket)),
    )


async def print_ticket(sheet: TicketSheet) -> bytes:
    return await in_background(draw_ticket, sheet)


async def print_manifest(desk: Desk, manifest: Manifest) -> bytes:
    """The passenger list as PDF, in English: it is the crew's."""
    return await in_background(draw_passengers, passenger_list(desk.languages.first, manifest))


def passenger_list(reader: Language, manifest: Manifest) -> PassengerList:
    trip, text = manifest.trip, reader.gettext
    zone = trip["time_zone"]
    lines = [
        f"{trip['company_name']}, {trip['route_name']}",
        instant_text(trip["departs_at"], zone, reader.locale),
        ", ".join(filter(None, [trip["bus_plate"], trip["driver_name"]])),
        text("%(count)s passengers, %(boarded)s on board")
        % {"count": len(manifest.passengers), "boarded": manifest.checked_in},
        text("As of %(time)s") % {"time": instant_text(manifest.generated_at, zone, reader.locale)},
    ]
    return PassengerList(
        language=reader.code,
        title=text("Passengers, %(day)s") % {"day": date_text(trip["service_date"], reader.locale)},
        lines=[line for line in lines if line],
        headings=[
            text("Seat"),
            text("Passenger"),
            text("Age"),
            text("From"),
            text("To"),
            text("Booking"),
            text("Phone"),
            text("On board"),
        ],
        widths=[10, 40, 9, 34, 34, 20, 26, 16],
        rows=[_row(each, zone, reader) for each in manifest.passengers],
    )


def manifest_csv(manifest: Manifest) -> bytes:
    """The passenger list as CSV: the wire's fields, and no cell that a spreadsheet runs."""
    rows: list[dict[str, Any]] = manifest_wire(manifest)["passengers"]
    return write_csv(CSV_COLUMNS, ({name: _plain(row[name]) for name in CSV_COLUMNS} for row in rows))


_DECKS = {"lower": "Lower deck", "upper": "Upper deck"}


def _row(each: Mapping[str, Any], zone: str, reader: Language) -> list[str]:
    scanned_at: datetime | None = each["scanned_at"]
    age = each["passenger_age"]
    return [
        each["seat"],
        each["passenger_name"],
        "" if age is None else str(age),
        each["from_name"],
        each["to_name"],
        each["reference"],
        each["contact_phone"] or "",
        instant_time_text(scanned_at, zone, reader.locale) if scanned_at else "",
    ]


def _plain(value: object) -> object:
    return format_instant(value) if isinstance(value, datetime) else value


def _code_of(desk: Desk, booking: Row, ticket: Row) -> str:
    return code_of(
        desk.codes,
        {
            **dict(ticket),
            "boards_at": booking_state.boards_at(booking),
            "arrives_at": booking["arrives_at"],
        },
    )
