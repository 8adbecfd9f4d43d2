"""Tickets and passenger lists as documents: what the API answers, put into words of the reader's language.

It reads the shapes of the wire and nothing else: a column that is renamed does not reach the paper.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from common.instants import format_instant
from common.web.formats import date_text, instant_text, instant_time_text, money_text
from services.ticketing.documents.code import code_matrix
from services.ticketing.documents.passenger_list import PassengerList, draw_passengers, write_csv
from services.ticketing.documents.press import in_background
from services.ticketing.documents.ticket_sheet import TicketSheet, draw_ticket

if TYPE_CHECKING:
    from collections.abc import Mapping

    from common.web.i18n import Language

CSV_COLUMNS: Final = (
    "seat", "name", "age", "gender", "phone", "from_seq", "from_name", "to_seq", "to_name", "class",
    "booking_reference", "status", "checked_in_at", "ticket_id",
)  # fmt: skip
_DECKS: Final = {"lower": "Lower deck", "upper": "Upper deck"}


async def print_ticket(reader: Language, ticket: Mapping[str, Any], token: str) -> bytes:
    """One page for a confirmed ticket (`GET /api/tickets/{id}`) and the text of its QR code."""
    return await in_background(_print_ticket, reader, ticket, token)


async def print_manifest(reader: Language, manifest: Mapping[str, Any]) -> bytes:
    """The passenger list (`GET /api/trips/{id}/manifest`) as PDF."""
    return await in_background(_print_manifest, reader, manifest)


def manifest_csv(manifest: Mapping[str, Any]) -> bytes:
    """The passenger list as CSV: the wire's fields, and no cell that a spreadsheet runs."""
    return write_csv(
        CSV_COLUMNS,
        ({name: _plain(each[name]) for name in CSV_COLUMNS} for each in manifest["passengers"]),
    )


def ticket_sheet(reader: Language, ticket: Mapping[str, Any], token: str) -> TicketSheet:
    text = reader.gettext
    start, end, price = ticket["from"], ticket["to"], ticket["price"]
    facts = [
        (text("Seat"), ticket["seat"]),
        (text("Deck"), text(_DECKS[ticket["deck"]])),
        (text("Booking"), ticket["booking_reference"]),
        (text("Class"), text(ticket["class"].replace("-", " ").capitalize())),
        (text("Price"), money_text(price["amount"], price["currency"], reader.locale)),
    ]
    if ticket["passenger"]["age"] is not None:
        facts.append((text("Age"), str(ticket["passenger"]["age"])))
    notes = [
        text("Show this code at the door. It is good for one passenger and one journey."),
        text("Times are those of the stops. Be there ten minutes early."),
    ]
    if ticket["delay_min"]:
        notes.insert(0, text("The bus is %(minutes)s minutes late.") % {"minutes": ticket["delay_min"]})
    return TicketSheet(
        language=reader.code,
        title=text("Ticket %(reference)s, seat %(seat)s")
        % {"reference": ticket["booking_reference"], "seat": ticket["seat"]},
        company=ticket["company_name"],
        journey=ticket["route_name"],
        boarding=(
            text("Departure"),
            _place(start),
            instant_text(start["departs_at"], start["time_zone"], reader.locale),
        ),
        arrival=(
            text("Arrival"),
            _place(end),
            instant_text(end["arrives_at"], end["time_zone"], reader.locale),
        ),
        passenger=(text("Passenger"), ticket["passenger"]["name"]),
        facts=facts,
        notes=notes,
        code=code_matrix(token),
    )


def passenger_list(reader: Language, manifest: Mapping[str, Any]) -> PassengerList:
    trip, passengers, text = manifest["trip"], manifest["passengers"], reader.gettext
    zone = trip["time_zone"]
    lines = [
        f"{trip['company_name']}, {trip['route_name']}",
        instant_text(trip["departs_at"], zone, reader.locale),
        ", ".join(filter(None, [trip["bus_plate"], trip["driver_name"]])),
        text("%(count)s passengers, %(boarded)s on board")
        % {"count": manifest["counts"]["confirmed"], "boarded": manifest["counts"]["checked_in"]},
        text("As of %(time)s") % {"time": instant_text(manifest["generated_at"], zone, reader.locale)},
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
        rows=[_row(each, zone, reader) for each in passengers],
    )


def _print_ticket(reader: Language, ticket: Mapping[str, Any], token: str) -> bytes:
    return draw_ticket(ticket_sheet(reader, ticket, token))


def _print_manifest(reader: Language, manifest: Mapping[str, Any]) -> bytes:
    return draw_passengers(passenger_list(reader, manifest))


def _place(stop: Mapping[str, Any]) -> str:
    return f"{stop['city']}, {stop['name']}"


def _row(each: Mapping[str, Any], zone: str, reader: Language) -> list[str]:
    checked_in_at: datetime | None = each["checked_in_at"]
    crossed = each["status"] == "cancelled"
    return [
        each["seat"],
        f"{each['name']} ({reader.gettext('on board, though the ticket was given back')})"
        if crossed
        else each["name"],
        "" if each["age"] is None else str(each["age"]),
        each["from_name"],
        each["to_name"],
        each["booking_reference"],
        each["phone"] or "",
        instant_time_text(checked_in_at, zone, reader.locale) if checked_in_at else "",
    ]


def _plain(value: object) -> object:
    return format_instant(value) if isinstance(value, datetime) else value
