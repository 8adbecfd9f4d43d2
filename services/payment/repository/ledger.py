"""All SQL that reads the ledger; entries are made by what moves the money, in the same statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def sum_accounts(conn: Connection) -> list[dict[str, Any]]:
    """What was debited and credited to each account in each currency: totals and notes, in one look."""
    rows = await conn.fetch(
        """SELECT account, currency, sum(debit_minor)::bigint AS debit, sum(credit_minor)::bigint AS credit,
                  sum(debit_minor - credit_minor)::bigint AS balance
           FROM (SELECT account, currency, debit_minor, credit_minor FROM ledger_totals
                 UNION ALL
                 SELECT account, currency, debit_minor, credit_minor FROM ledger_notes) AS sides
           GROUP BY account, currency ORDER BY account, currency"""
    )
    return [dict(row) for row in rows]


async def add_up(conn: Connection, limit: int) -> int:
    """Add notes that nobody else is adding to the totals of their accounts, and delete them; how many."""
    added: int = await conn.fetchval(
        """WITH gone AS (
               DELETE FROM ledger_notes
               WHERE id = ANY(ARRAY(SELECT id FROM ledger_notes ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED))
               RETURNING account, currency, debit_minor, credit_minor
           ), added AS (
               INSERT INTO ledger_totals AS t (account, currency, debit_minor, credit_minor)
               SELECT account, currency, sum(debit_minor), sum(credit_minor) FROM gone
               GROUP BY account, currency ORDER BY account, currency
               ON CONFLICT (account, currency)
               DO UPDATE SET debit_minor = t.debit_minor + excluded.debit_minor,
                             credit_minor = t.credit_minor + excluded.credit_minor
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
