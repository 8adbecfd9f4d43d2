"""All SQL of the ledger. Rows are only ever added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def insert_entry(
    conn: Connection,
    entry_id: UUID,
    *,
    debit: str,
    credit: str,
    amount: Decimal,
    currency: str,
    payment_id: UUID,
    refund_id: UUID | None,
    memo: str,
) -> None:
    await conn.execute(
        """INSERT INTO ledger (id, debit, credit, amount, currency, payment_id, refund_id, memo)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        entry_id,
        debit,
        credit,
        amount,
        currency,
        payment_id,
        refund_id,
        memo,
    )


async def sum_accounts(conn: Connection) -> list[Row]:
    """What was debited and credited to each account in each currency: totals and notes, in one look."""
    return list(
        await conn.fetch(
            """SELECT account, currency, sum(debit) AS debit, sum(credit) AS credit
               FROM (SELECT account, currency, debit, credit FROM ledger_totals
                     UNION ALL
                     SELECT account, currency, debit, credit FROM ledger_notes) AS sides
               GROUP BY account, currency ORDER BY account, currency"""
        )
    )


async def add_up(conn: Connection, limit: int) -> int:
    """Add notes that nobody else is adding to the totals of their accounts, and delete them; how many."""
    added: int = await conn.fetchval(
        """WITH gone AS (
               DELETE FROM ledger_notes
               WHERE id = ANY(ARRAY(SELECT id FROM ledger_notes ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
               RETURNING account, currency, debit, credit
           ), added AS (
               INSERT INTO ledger_totals AS t (account, currency, debit, credit)
               SELECT account, currency, sum(debit), sum(credit) FROM gone
               GROUP BY account, currency ORDER BY account, currency
               ON CONFLICT (account, currency)
               DO UPDATE SET debit = t.debit + excluded.debit, credit = t.credit + excluded.credit
           )
           SELECT count(*) FROM gone""",
        limit,
    )
    return added


async def list_entries(conn: Connection, before: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            "SELECT * FROM ledger WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2", before, limit
        )
    )


async def list_of_account(conn: Connection, account: str, before: UUID | None, limit: int) -> list[Row]:
    """Entries on either side of an account, each side from its own index."""
    return list(
        await conn.fetch(
            """SELECT * FROM (
                   (SELECT * FROM ledger WHERE debit = $1 AND ($2::uuid IS NULL OR id < $2)
                    ORDER BY id DESC LIMIT $3)
                   UNION ALL
                   (SELECT * FROM ledger WHERE credit = $1 AND ($2::uuid IS NULL OR id < $2)
                    ORDER BY id DESC LIMIT $3)
               ) AS sides ORDER BY id DESC LIMIT $3""",
            account,
            before,
            limit,
        )
    )


async def list_of_payment(
    conn: Connection, payment_id: UUID, account: str | None, before: UUID | None, limit: int
) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM ledger
               WHERE payment_id = $1 AND ($2::text IS NULL OR $2 IN (debit, credit))
                 AND ($3::uuid IS NULL OR id < $3)
               ORDER BY id DESC LIMIT $4""",
            payment_id,
            account,
            before,
            limit,
        )
    )
