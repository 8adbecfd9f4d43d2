"""What the ledger says: entries, and the sums of accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from services.payment.repository import ledger as repository

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Pool
    from services.payment.repository.ledger import Row

NOTES: Final = 5000


async def list_entries(
    pool: Pool, account: str | None, payment_id: UUID | None, before: UUID | None, limit: int
) -> list[Row]:
    """Entries, newest first, of an account or a payment where one is named."""
    if payment_id is not None:
        return await repository.list_of_payment(pool, payment_id, account, before, limit)
    if account is not None:
        return await repository.list_of_account(pool, account, before, limit)
    return await repository.list_entries(pool, before, limit)


async def add_up(pool: Pool) -> int:
    """Add the notes that entries leave to the totals of their accounts; how many. Sums read both."""
    return await repository.add_up(pool, NOTES)
