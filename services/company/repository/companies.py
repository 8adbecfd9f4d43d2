"""All SQL of companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def get_company(conn: Connection, company_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM companies WHERE id = $1", company_id)


async def lock_company(conn: Connection, company_id: UUID) -> Row | None:
    """The row, kept from other changes until the transaction ends; what refers to it can still be made."""
    return await conn.fetchrow("SELECT * FROM companies WHERE id = $1 FOR NO KEY UPDATE", company_id)


async def list_companies(
    conn: Connection, after: UUID | None, limit: int, *, with_suspended: bool
) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM companies
               WHERE ($1::uuid IS NULL OR id > $1) AND (status = 'active' OR $3)
               ORDER BY id LIMIT $2""",
            after,
            limit,
            with_suspended,
        )
    )


async def insert_company(conn: Connection, company: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """INSERT INTO companies
               (id, name, slug, contact_email, contact_phone, time_zone, currency, refund_policy)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING *""",
        company["id"],
        company["name"],
        company["slug"],
        company["contact_email"],
        company["contact_phone"],
        company["time_zone"],
        company["currency"],
        company["refund_policy"],
    )


async def update_company(conn: Connection, company: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """UPDATE companies
           SET name = $2, slug = $3, contact_email = $4, contact_phone = $5, time_zone = $6, currency = $7,
               refund_policy = $8, status = $9, updated_at = now()
           WHERE id = $1 RETURNING *""",
        company["id"],
        company["name"],
        company["slug"],
        company["contact_email"],
        company["contact_phone"],
        company["time_zone"],
        company["currency"],
        company["refund_policy"],
        company["status"],
    )


async def has_routes(conn: Connection, company_id: UUID) -> bool:
    return bool(await conn.fetchval("SELECT EXISTS (SELECT FROM routes WHERE company_id = $1)", company_id))
