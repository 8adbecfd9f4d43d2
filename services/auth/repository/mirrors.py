"""SQL of what others own: companies, and the profiles of users."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from uuid import UUID

    from common.database import Connection, Pool


async def store_profiles(conn: Connection, profiles: Sequence[tuple[UUID, str, str, int]]) -> None:
    """Rows of user_id, full_name, locale and source_seq, one of a user; an older one changes nothing."""
    user_ids, names, locales, seqs = zip(*profiles, strict=True)
    await conn.execute(
        """
        INSERT INTO profiles (user_id, full_name, locale, source_seq)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[])
        ON CONFLICT (user_id) DO UPDATE SET
            full_name = excluded.full_name, locale = excluded.locale, source_seq = excluded.source_seq
        WHERE profiles.source_seq < excluded.source_seq
        """,
        user_ids,
        names,
        locales,
        seqs,
    )


async def store_companies(conn: Connection | Pool, companies: Sequence[tuple[UUID, str, int]]) -> None:
    """Rows of id, name and source_seq, one of a company; an older one changes nothing."""
    ids, names, seqs = zip(*companies, strict=True)
    await conn.execute(
        """
        INSERT INTO companies (id, name, source_seq)
        SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[])
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, source_seq = excluded.source_seq
        WHERE companies.source_seq < excluded.source_seq
        """,
        ids,
        names,
        seqs,
    )


async def company_exists(conn: Connection | Pool, company_id: UUID) -> bool:
    found: bool = await conn.fetchval("SELECT EXISTS (SELECT FROM companies WHERE id = $1)", company_id)
    return found
