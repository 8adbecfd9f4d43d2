"""The ledger: double entry, one row per transfer, never changed; a correction is a row the other way.

`provider:<name>` is what a provider holds for us, `company:<id>` what we owe a company. A capture debits the
first and credits the second; a refund goes back the same way in an entry of its own.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from common.ids import uuid7
from common.money import money, to_minor
from legacy.queries import ledger as queries

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from common.database import Connection, Pool
    from legacy.queries.ledger import Row

NOTES: Final = 5000


async def enter_capture(conn: Connection, payment: Row) -> None:
    """The payment's money came in; a second entry of it is an error of the database."""
    await queries.insert_entry(
        conn,
        uuid7(),
        debit=f"provider:{payment['provider']}",
        credit=f"company:{payment['company_id']}",
        amount=payment["amount"],
        currency=payment["currency"],
        payment_id=payment["id"],
        refund_id=None,
        memo="capture",
    )


async def enter_refund(conn: Connection, payment: Row, refund: Row) -> None:
    """Some of the payment's money went back."""
    await queries.insert_entry(
        conn,
        uuid7(),
        debit=f"company:{payment['company_id']}",
        credit=f"provider:{payment['provider']}",
        amount=refund["amount"],
        currency=payment["currency"],
        payment_id=payment["id"],
        refund_id=refund["id"],
        memo="refund",
    )


async def list_entries(
    pool: Pool, account: str | None, payment_id: UUID | None, before: UUID | None, limit: int
) -> list[Row]:
    """Entries, newest first, of an account or a payment where one is named."""
    if payment_id is not None:
        return await queries.list_of_payment(pool, payment_id, account, before, limit)
    if account is not None:
        return await queries.list_of_account(pool, account, before, limit)
    return await queries.list_entries(pool, before, limit)


async def add_up(pool: Pool) -> int:
    """Add the notes that entries leave to the totals of their accounts; how many. Sums read both."""
    return await queries.add_up(pool, NOTES)


async def sum_accounts(pool: Pool) -> list[dict[str, Any]]:
    """Debit, credit and their difference of each account and currency, in minor units."""
    return [
        {
            "account": row["account"],
            "currency": row["currency"],
            "debit": to_minor(row["debit"], row["currency"]),
            "credit": to_minor(row["credit"], row["currency"]),
            "balance": to_minor(row["debit"] - row["credit"], row["currency"]),
        }
        for row in await queries.sum_accounts(pool)
    ]


def trial_balance(accounts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sum of all balances in each currency: zero, or the ledger is broken."""
    sums: dict[str, int] = {}
    for account in accounts:
        sums[account["currency"]] = sums.get(account["currency"], 0) + account["balance"]
    return [money(total, currency) for currency, total in sorted(sums.items())]


def entry_wire(row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "at": row["at"],
        "debit": row["debit"],
        "credit": row["credit"],
        "amount": money(to_minor(Decimal(row["amount"]), row["currency"]), row["currency"]),
        "payment_id": row["payment_id"],
        "refund_id": row["refund_id"],
        "reverses": row["reverses"],
        "memo": row["memo"],
    }
