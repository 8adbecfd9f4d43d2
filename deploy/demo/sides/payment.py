"""payment-service's database: payments, refunds and the ledger, and what it keeps of bookings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NULL, YES, Table, instant, int4, int8, sized, text
from deploy.demo.identifiers import uuid_of
from deploy.demo.rows import CURRENCY
from deploy.demo.sides.mirrored import UNHEARD

if TYPE_CHECKING:
    from deploy.demo.copying import Rows
    from deploy.demo.rows import Booking, Company
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table("companies", "id name source_seq")
BOOKINGS: Final = Table(
    "bookings",
    "id reference user_id company_id status total_minor currency refund_due_minor refund_reason seats "
    "expires_at journey updated_at noted_at source_seq",
)
PAYMENTS: Final = Table(
    "payments",
    "id booking_id user_id company_id provider status amount_minor currency card_brand card_last4 "
    "attempted_at created_at updated_at",
)
REFUNDS: Final = Table(
    "refunds",
    "id payment_id booking_id company_id amount_minor currency status booking_due reason attempted_at "
    "created_at updated_at",
)
LEDGER: Final = Table("ledger", "id at debit credit amount_minor currency payment_id refund_id memo")
TABLES: Final = (COMPANIES, BOOKINGS, PAYMENTS, REFUNDS, LEDGER)


def add(rows: Rows, company: Company, given: Given) -> None:
    rows.put(COMPANIES, [(company.id, text(company.name), UNHEARD)])
    mine, owed, currency = company.id, text(f"company:{uuid_of(company.id)}"), text(CURRENCY)
    rows.put(
        BOOKINGS,
        ((sale.id, sale.reference, sale.user_id, mine, sale.status, sale.total_minor, currency,
          sale.refund_due_minor, sale.refund_reason, int4(len(sale.tickets)), sale.expires_at,
          given.journeys.of(sale.booking), sale.updated_at, sale.updated_at, UNHEARD)
         for sale in given.sales),
    )  # fmt: skip
    for sale in given.sales:
        _add_money(rows, company, sale.booking, owed)


def _add_money(rows: Rows, company: Company, booking: Booking, owed: bytes) -> None:
    payment, refund = booking.payment, booking.refund
    if payment is None:
        return
    payment_id, at, currency = payment.id, instant(payment.at), text(CURRENCY)
    provider, succeeded, mine = text("provider:sandbox"), text("succeeded"), company.id
    amount = int8(payment.amount)
    rows.put(
        PAYMENTS,
        [(payment_id, booking.id, booking.user.id, mine, text("sandbox"), text(payment.status),
          amount, currency, text(payment.card_brand), text(payment.card_last4), at,
          instant(booking.created_at), at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(payment.entry_id, at, provider, owed, amount, currency, payment_id, NULL,
          sized(f"captured for {booking.reference}".encode()))],
    )  # fmt: skip
    if refund is None:
        return
    refunded_at, amount = instant(refund.at), int8(refund.amount)
    rows.put(
        REFUNDS,
        [(refund.id, payment_id, booking.id, mine, amount, currency, succeeded, YES,
          text(refund.reason), refunded_at, refunded_at, refunded_at)],
    )  # fmt: skip
    rows.put(
        LEDGER,
        [(refund.entry_id, refunded_at, owed, provider, amount, currency, payment_id,
          refund.id, sized(f"refunded for {booking.reference}".encode()))],
    )  # fmt: skip
