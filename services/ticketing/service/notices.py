"""What passengers are told by mail of their bookings, in their language, in the transaction it is about."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from common.mail import mailer
from common.web.formats import instant_text, money_text
from services.ticketing.domain.bookings import Reason
from services.ticketing.service import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from common.database import Connection
    from common.web.i18n import Language
    from services.ticketing.desk import Desk

    Row = Mapping[str, Any]


async def tell_confirmed(conn: Connection, desk: Desk, booking: Row, tickets: Iterable[Row]) -> None:
    reader = _reader(desk, booking)
    text = reader.gettext
    await _send(
        conn,
        booking,
        text("Your seats are booked: %(reference)s") % {"reference": booking["reference"]},
        text("Your booking %(reference)s is confirmed.") % {"reference": booking["reference"]},
        _journey(reader, booking),
        text("Seats: %(seats)s")
        % {"seats": ", ".join(f"{each['seat']} ({each['passenger_name']})" for each in tickets)},
        text("Price: %(amount)s") % {"amount": _money(reader, booking["total_minor"], booking)},
        text("Your tickets with their codes: %(url)s") % {"url": _link(desk, booking)},
    )


async def tell_cancelled(
    conn: Connection, desk: Desk, booking: Row, seats: Iterable[str], refund_minor: int
) -> None:
    """`seats` have been given back; `refund_minor` is what comes back for them."""
    reader = _reader(desk, booking)
    text = reader.gettext
    await _send(
        conn,
        booking,
        text("Cancelled: %(reference)s") % {"reference": booking["reference"]},
        text("These seats of your booking %(reference)s are cancelled: %(seats)s.")
        % {"reference": booking["reference"], "seats": ", ".join(seats)},
        _journey(reader, booking),
        _refund(reader, booking, refund_minor),
        text("Your booking: %(url)s") % {"url": _link(desk, booking)},
    )


async def tell_trip_cancelled(conn: Connection, desk: Desk, booking: Row, refund_minor: int) -> None:
    reader = _reader(desk, booking)
    text = reader.gettext
    reason = booking["cancel_reason"]
    await _send(
        conn,
        booking,
        text("Your bus does not run: %(reference)s") % {"reference": booking["reference"]},
        text("%(company)s has cancelled the departure of your booking %(reference)s.")
        % {"company": booking["company_name"], "reference": booking["reference"]},
        text("The reason given: %(reason)s") % {"reason": reason} if reason else "",
        _journey(reader, booking),
        _refund(reader, booking, refund_minor),
        text("Your booking: %(url)s") % {"url": _link(desk, booking)},
    )


async def tell_seats_withdrawn(
    conn: Connection,
    desk: Desk,
    booking: Row,
    seats: Iterable[str],
    refund_minor: int,
    *,
    some_are_left: bool,
) -> None:
    """`seats` are not on the bus that runs; `refund_minor` is what comes back for them."""
    reader = _reader(desk, booking)
    text = reader.gettext
    await _send(
        conn,
        booking,
        text("Your seats are not on the bus: %(reference)s") % {"reference": booking["reference"]},
        text(
            "%(company)s has put another bus on the departure of your booking %(reference)s. "
            "It does not have these seats, which are cancelled: %(seats)s."
        )
        % {
            "company": booking["company_name"],
            "reference": booking["reference"],
            "seats": ", ".join(seats),
        },
        text("Your other seats stay as they are.") if some_are_left else "",
        _journey(reader, booking),
        _refund(reader, booking, refund_minor),
        text("Look for other seats: %(url)s") % {"url": f"{desk.public_url}/trips/{booking['trip_id']}"},
    )


_WHY_USELESS = {
    Reason.PAID_LATE: (
        "Your payment for booking %(reference)s arrived when the seats had been sold to somebody else."
    ),
    Reason.PAID_AFTER_CANCELLATION: (
        "Your payment for booking %(reference)s arrived when the booking had been cancelled."
    ),
    Reason.PAID_TOO_LITTLE: "Your payment for booking %(reference)s does not cover the price.",
}


async def tell_paid_in_vain(
    conn: Connection, desk: Desk, booking: Row, reason: str | None, refund_minor: int
) -> None:
    reader = _reader(desk, booking)
    text = reader.gettext
    await _send(
        conn,
        booking,
        text("Your payment is on its way back: %(reference)s") % {"reference": booking["reference"]},
        text(_WHY_USELESS[Reason(reason or "")]) % {"reference": booking["reference"]},
        _journey(reader, booking),
        _refund(reader, booking, refund_minor),
        text("Look for other seats: %(url)s") % {"url": f"{desk.public_url}/trips/{booking['trip_id']}"},
    )


async def tell_seats_free(conn: Connection, desk: Desk, waiting: Row) -> None:
    """`waiting` is a row of the waitlist with its trip, both stops, and the user's address and locale."""
    reader = _reader(desk, waiting)
    text = reader.gettext
    stretch = f"from={waiting['from_seq']}&to={waiting['to_seq']}&passengers={waiting['seats']}"
    url = f"{desk.public_url}/trips/{waiting['trip_id']}?{stretch}"
    await _send(
        conn,
        waiting,
        text("Seats are free again: %(from)s to %(to)s")
        % {"from": waiting["from_city"], "to": waiting["to_city"]},
        text("You are waiting for seats on this departure, and now there are some.")
        + " "
        + text("They are not reserved for you: who comes first has them."),
        _journey(reader, waiting),
        text("Choose your seats: %(url)s") % {"url": url},
    )


async def _send(conn: Connection, booking: Row, subject: str, *paragraphs: str) -> None:
    body = "\n\n".join(filter(None, paragraphs)) + "\n"
    await mailer.queue(conn, booking["contact_email"], subject, body)


def _reader(desk: Desk, booking: Row) -> Language:
    return desk.languages.get(booking["user_locale"]) or desk.languages.first


def _journey(reader: Language, booking: Row) -> str:
    """Where from and to, and when, by the timetable, at the stops' own time."""
    arrives_at = booking["departs_at"] + timedelta(seconds=booking["arrive_s"])
    leaves = instant_text(state.boards_at(booking), booking["from_zone"], reader.locale)
    arrives = instant_text(arrives_at, booking["to_zone"], reader.locale)
    lines = [
        f"{booking['from_city']}, {booking['from_name']}: {leaves}",
        f"{booking['to_city']}, {booking['to_name']}: {arrives}",
        f"{booking['company_name']}, {booking['route_name']}",
    ]
    return "\n".join(lines)


def _refund(reader: Language, booking: Row, refund_minor: int) -> str:
    if not refund_minor:
        return ""
    return reader.gettext("%(amount)s goes back to where it was paid from.") % {
        "amount": _money(reader, refund_minor, booking)
    }


def _money(reader: Language, amount_minor: int, booking: Row) -> str:
    return money_text(amount_minor, booking["currency"], reader.locale)


def _link(desk: Desk, booking: Row) -> str:
    return f"{desk.public_url}/bookings/{booking['id']}"
