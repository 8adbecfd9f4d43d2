"""What others hear of payments and refunds, and what payments hear of bookings and companies.

`translate` is pure. What is heard is stored by its sequence number: twice, late or out of order, the newest
stays. What follows from it a sweep does, so that it is done whether or not the event was the first to tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from uuid import UUID

from common.events import EventType, Handler, Message
from services.payment.domain.payments import Status
from services.payment.domain.refunds import Status as RefundStatus
from services.payment.names import REFUNDS
from services.payment.repository import mirrors

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from common.database import Connection
    from common.events import Change, Event

REFUND: Final = "payment.refund."
PAYMENT_FIELDS: Final[Mapping[str, str]] = {
    "id": "the payment's id",
    "booking_id": "what is paid for",
    "user_id": "who pays",
    "company_id": "whom it is owed to",
    "provider": "who moves the money",
    "status": "succeeded",
    "amount_minor": "in minor units of the currency",
    "currency": "ISO 4217",
    "created_at": "instant",
    "updated_at": "instant of the last change",
}
REFUND_FIELDS: Final[Mapping[str, str]] = {
    "id": "the refund's id",
    "payment_id": "what it is given back of",
    "booking_id": "the payment's",
    "company_id": "the payment's",
    "amount_minor": "in minor units of the currency",
    "currency": "ISO 4217",
    "status": "pending, succeeded or failed: the last part of the type",
    "booking_due": "whether it pays what the booking is owed, rather than an operator's goodwill",
    "reason": "why, in words",
    "created_at": "instant",
    "updated_at": "instant of the last change",
}
_REFUND_IS: Final[Mapping[RefundStatus, str]] = {
    RefundStatus.PENDING: "Money is on its way back.",
    RefundStatus.SUCCEEDED: "Money has gone back.",
    RefundStatus.FAILED: "It did not go back; what a booking is owed is tried again.",
}
PAYMENT_SUCCEEDED: Final = EventType(
    "payment.payment.succeeded",
    1,
    "The money has come. Of a payment before that, or from which none comes, nothing is said: nobody would do"
    " anything about it.",
    PAYMENT_FIELDS,
)
PUBLISHES: Final = (
    PAYMENT_SUCCEEDED,
    *(EventType(REFUND + status, 1, _REFUND_IS[status], REFUND_FIELDS) for status in RefundStatus),
)


def translate(change: Change) -> Message | None:
    """A payment that has succeeded, or a refund; never a card, nor what the provider calls it."""
    row = change.row
    if row is None:
        return None
    if change.table == "payments" and row["status"] == Status.SUCCEEDED:
        return Message(PAYMENT_SUCCEEDED.type, row["id"], {name: row[name] for name in PAYMENT_FIELDS})
    if change.table == "refunds":
        return Message(REFUND + row["status"], row["id"], {name: row[name] for name in REFUND_FIELDS})
    return None


async def store_bookings(conn: Connection, events: Sequence[Event]) -> None:
    """Keep whose bookings are, what they cost, and what they are owed."""
    await mirrors.store_bookings(conn, [{**event.data, "source_seq": event.seq} for event in newest(events)])


async def store_companies(conn: Connection, events: Sequence[Event]) -> None:
    """Keep what companies are called."""
    await mirrors.store_companies(
        conn, [(UUID(event.data["id"]), event.data["name"], event.seq) for event in newest(events)]
    )


def newest(events: Iterable[Event]) -> Iterable[Event]:
    """The last of each subject: a statement cannot write a row twice."""
    last: dict[str, Event] = {}
    for event in events:
        known = last.get(event.subject)
        if known is None or known.seq <= event.seq:
            last[event.subject] = event
    return last.values()


HANDLERS: Final = (
    Handler(("ticketing.booking.held",), store_bookings),
    Handler(
        ("ticketing.booking.confirmed", "ticketing.booking.cancelled", "ticketing.booking.expired"),
        store_bookings,
        wakes=(REFUNDS,),
    ),
    Handler(("company.company.changed",), store_companies),
)
