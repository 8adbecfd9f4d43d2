"""All SQL of layouts, buses and drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from common.database import Connection

Row = Any
"""An asyncpg.Record: read by column name."""


async def list_layouts(conn: Connection, company_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM layouts WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
               ORDER BY id LIMIT $3""",
            company_id,
            after,
            limit,
        )
    )


async def list_layout_names(conn: Connection, company_id: UUID, limit: int) -> list[Row]:
    """Layouts without their seats."""
    return list(
        await conn.fetch(
            "SELECT id, name, classes, capacity FROM layouts WHERE company_id = $1 ORDER BY id LIMIT $2",
            company_id,
            limit,
        )
    )


async def get_layouts(conn: Connection, layout_ids: Collection[UUID]) -> list[Row]:
    return list(await conn.fetch("SELECT * FROM layouts WHERE id = ANY ($1)", layout_ids))


async def get_layout(conn: Connection, layout_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM layouts WHERE id = $1", layout_id)


async def insert_layout(conn: Connection, layout: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """INSERT INTO layouts (id, company_id, name, decks, classes, seats, capacity)
           VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING *""",
        layout["id"],
        layout["company_id"],
        layout["name"],
        layout["decks"],
        layout["classes"],
        layout["seats"],
        len(layout["seats"]),
    )


async def list_buses(conn: Connection, company_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT b.*, l.capacity FROM buses b JOIN layouts l ON l.id = b.layout_id
               WHERE b.company_id = $1 AND ($2::uuid IS NULL OR b.id > $2)
               ORDER BY b.id LIMIT $3""",
            company_id,
            after,
            limit,
        )
    )


async def get_bus(conn: Connection, bus_id: UUID) -> Row | None:
    return await conn.fetchrow(
        "SELECT b.*, l.capacity FROM buses b JOIN layouts l ON l.id = b.layout_id WHERE b.id = $1", bus_id
    )


async def lock_bus(conn: Connection, bus_id: UUID) -> Row | None:
    """The bus; whoever wants to assign or change it waits until the transaction ends."""
    return await conn.fetchrow(
        """SELECT b.*, l.capacity FROM buses b JOIN layouts l ON l.id = b.layout_id
           WHERE b.id = $1 FOR NO KEY UPDATE OF b""",
        bus_id,
    )


async def insert_bus(conn: Connection, bus: Mapping[str, Any]) -> Row | None:
    """The new bus; None if its layout is not one of the company's. Raises UniqueViolationError."""
    return await conn.fetchrow(
        """WITH layout AS (SELECT id, capacity FROM layouts WHERE id = $5 AND company_id = $2),
           made AS (
               INSERT INTO buses (id, company_id, plate, name, layout_id)
               SELECT $1, $2, $3, $4, layout.id FROM layout RETURNING *)
           SELECT made.*, layout.capacity FROM made, layout""",
        bus["id"],
        bus["company_id"],
        bus["plate"],
        bus["name"],
        bus["layout_id"],
    )


async def update_bus(conn: Connection, bus: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """UPDATE buses SET name = $2, layout_id = $3, status = $4, updated_at = now() WHERE id = $1
           RETURNING *, (SELECT capacity FROM layouts WHERE id = $3) AS capacity""",
        bus["id"],
        bus["name"],
        bus["layout_id"],
        bus["status"],
    )


async def list_drivers(conn: Connection, company_id: UUID, after: UUID | None, limit: int) -> list[Row]:
    return list(
        await conn.fetch(
            """SELECT * FROM drivers WHERE company_id = $1 AND ($2::uuid IS NULL OR id > $2)
               ORDER BY id LIMIT $3""",
            company_id,
            after,
            limit,
        )
    )


async def get_driver(conn: Connection, driver_id: UUID) -> Row | None:
    return await conn.fetchrow("SELECT * FROM drivers WHERE id = $1", driver_id)


async def lock_driver(conn: Connection, driver_id: UUID) -> Row | None:
    """The driver; whoever wants to assign or change them waits until the transaction ends."""
    return await conn.fetchrow("SELECT * FROM drivers WHERE id = $1 FOR NO KEY UPDATE", driver_id)


async def insert_driver(conn: Connection, driver: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """INSERT INTO drivers (id, company_id, name, phone, licence, user_id)
           VALUES ($1, $2, $3, $4, $5, $6) RETURNING *""",
        driver["id"],
        driver["company_id"],
        driver["name"],
        driver["phone"],
        driver["licence"],
        driver["user_id"],
    )


async def update_driver(conn: Connection, driver: Mapping[str, Any]) -> Row:
    return await conn.fetchrow(
        """UPDATE drivers
           SET name = $2, phone = $3, licence = $4, user_id = $5, status = $6, updated_at = now()
           WHERE id = $1 RETURNING *""",
        driver["id"],
        driver["name"],
        driver["phone"],
        driver["licence"],
        driver["user_id"],
        driver["status"],
    )
