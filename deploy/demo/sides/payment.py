"""payment-service's database: payments, refunds and the ledger, and what it keeps of bookings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NULL, YES, Table, instant, int4, int8, sized, text
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table("companies", "id:uuid name:text source_seq:int8")
BOOKINGS: Final = Table(
    "bookings",
    "id:uuid reference:text user_id:uuid company_id:uuid status:text total_minor:int8 currency:text "
    "refund_due_minor:int8 refund_reason:text seats:int4 expires_at:timestamptz? journey:jsonb "
    "updated_at:timestamptz noted_at:timestamptz source_seq:int8",
)
PAYMENTS: Final = Table(
    "payments",
    "id:uuid booking_id:uuid user_id:uuid company_id:uuid provider:text status:text amount_minor:int8 "
    "currency:text card_brand:text card_last4:text attempted_at:timestamptz created_at:timestamptz "
    "updated_at:timestamptz",
)
REFUNDS: Final = Table(
    "refunds",
    "id:uuid payment_id:uuid booking_id:uuid company_id:uuid amount_minor:int8 currency:text status:text "
    "booking_due:bool reason:text attempted_at:timestamptz created_at:timestamptz updated_at:timestamptz",
)
LEDGER: Final = Table(
    "ledger",
    "id:uuid at:timestamptz debit:text credit:text amount_minor:int8 currency:text payment_id:uuid "
    "refund_id:uuid? memo:text",
)
TABLES: Final = (COMPANIES, BOOKINGS, PAYMENTS, REFUNDS, LEDGER)


def add(rows: Rows, company: Company, given: Given) -> None:
    rows.put(COMPANIES, [(company.id.bytes, text(company.name), UNHEARD)])
    owed = text(f"company:{company.id}")
    for booking in company.bookings:
        updated_at = instant(booking.updated_at)
        rows.put(
            BOOKINGS,
            [(booking.id.bytes, text(booking.reference), booking.user.id.bytes, company.id.bytes,
              text(booking.status), int8(booking.total), text(CURRENCY), int8(booking.refund_due),
              text(booking.refund_reason), int4(len(booking.tickets)), sized(instant(booking.expires_at)),
              given.journeys.of(booking), updated_at, updated_at, UNHEARD)],
        )  # fmt: skip
        _add_money(rows, company, booking, owed)


def _add_money(rows: Rows, company: Company, booking: Booking, owed: bytes) -> None:
    payment, refund = booking.payment, booking.refund
    if payment is None:
        return
    payment_id, at, currency = payment.id.bytes, instant(payment.at), text(CURRENCY)
    provider, succeeded, mine = text("provider:sandbox"), text("succeeded"), company.id.bytes
    amount = int8(payment.amount)
    rows.put(
        PAYMENTS,
        [(payment_id, booking.id.bytes, booking.user.id.bytes, mine, text("sandbox"), text(payment.status),
          amount, currency, text(payment.card_brand), text(payment.card_last4), at,
          instant(booking.created_at), at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(payment.entry_id.bytes, at, provider, owed, amount, currency, payment_id, NULL,
          text(f"captured for {booking.reference}"))],
    )  # fmt: skip
    if refund is None:
        return
    refunded_at, amount = instant(refund.at), int8(refund.amount)
    rows.put(
        REFUNDS,
        [(refund.id.bytes, payment_id, booking.id.bytes, mine, amount, currency, succeeded, YES,
          text(refund.reason), refunded_at, refunded_at, refunded_at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(refund.entry_id.bytes, refunded_at, owed, provider, amount, currency, payment_id,
          sized(refund.id.bytes), text(f"refunded for {booking.reference}"))],
    )  # fmt: skip
