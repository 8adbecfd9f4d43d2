"""Double entry: which account gives and which takes, for money that comes in and money that goes back.

`provider:<name>` is what a provider holds for us, `company:<id>` what we owe a company. A capture debits the
first and credits the second; a refund goes back the same way in an entry of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID


class Sides(NamedTuple):
    """The accounts of a transfer."""

    debit: str
    credit: str


def of_capture(provider: str, company_id: UUID) -> Sides:
    return Sides(f"provider:{provider}", f"company:{company_id}")


def of_refund(provider: str, company_id: UUID) -> Sides:
    return Sides(f"company:{company_id}", f"provider:{provider}")


def trial_balance(accounts: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The sum of all balances in each currency: zero, or the ledger is broken."""
    sums: dict[str, int] = {}
    for account in accounts:
        sums[account["currency"]] = sums.get(account["currency"], 0) + account["balance"]
    return dict(sorted(sums.items()))
