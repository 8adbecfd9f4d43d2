"""What each service keeps of others' things, held against the things themselves."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import asyncpg

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.stack import RunningStack

Rows = dict[str, dict[str, Any]]

# Of the projection itself, or named alike and yet something else.
NOT_COMPARED: Final = frozenset({"source_seq"})


@dataclass(frozen=True, slots=True)
class Projection:
    """`mirror` of `listener` follows `table` of `source`; of rows that `heard` leaves out nothing is told.

    `key` is the source's, `mirror_key` the mirror's. A removed row may be gone from the mirror or marked.
    """

    source: str
    table: str
    listener: str
    mirror: str
    key: str = "id"
    mirror_key: str = "id"
    heard: str = "true"

    def __str__(self) -> str:
        return f"{self.source}.{self.table} in {self.listener}.{self.mirror}"


NETWORK: Final = ("companies", "stops", "routes", "trips")
SETTLED: Final = "status IN ('confirmed', 'cancelled')"
TOLD_TICKETS: Final = "status <> 'held' AND sold"

PROJECTIONS: Final = (
    *(
        Projection("company", table, listener, table)
        for table in NETWORK
        for listener in ("ticketing", "qr", "user")
    ),
    *(Projection("company", "companies", listener, "companies") for listener in ("auth", "payment")),
    *(Projection("company", table, "ticketing", table) for table in ("layouts", "buses", "drivers")),
    Projection("company", "layouts", "user", "layouts"),
    Projection("company", "buses", "qr", "buses"),
    Projection("auth", "users", "user", "accounts"),
    Projection("auth", "users", "ticketing", "accounts"),
    Projection("auth", "users", "company", "users", heard="company_id IS NOT NULL"),
    Projection("user", "profiles", "auth", "profiles", "user_id", "user_id"),
    Projection("user", "profiles", "ticketing", "profiles", "user_id", "user_id"),
    Projection("ticketing", "bookings", "payment", "bookings"),
    Projection("ticketing", "bookings", "user", "bookings", heard=SETTLED),
    Projection("ticketing", "bookings", "qr", "bookings", heard=SETTLED),
    *(
        Projection("ticketing", "tickets", listener, "tickets", heard=TOLD_TICKETS)
        for listener in ("qr", "user", "company")
    ),
    Projection("payment", "payments", "ticketing", "payments", heard="status = 'succeeded'"),
    Projection("payment", "refunds", "user", "refunds"),
    Projection(
        "qr", "scans", "ticketing", "check_ins", "ticket_id", "ticket_id", "recorded AND NOT duplicate"
    ),
    Projection("qr", "scans", "user", "check_ins", "ticket_id", "ticket_id", "recorded AND NOT duplicate"),
    Projection("qr", "scans", "company", "check_ins", "ticket_id", "ticket_id", "recorded AND NOT duplicate"),
)


def differences(stack: RunningStack) -> list[str]:
    """What any projection does not show as it is; nothing when all have converged."""
    domains = {each.source for each in PROJECTIONS} | {each.listener for each in PROJECTIONS}
    return asyncio.run(differences_between({domain: stack.dsn(domain) for domain in domains}))


async def differences_between(databases: Mapping[str, str]) -> list[str]:
    """The same, of databases by domain."""
    connections = {domain: await asyncpg.connect(dsn) for domain, dsn in databases.items()}
    try:
        found = []
        for projection in PROJECTIONS:
            found += await _compare(projection, connections)
        return found
    finally:
        for connection in connections.values():
            await connection.close()


async def _compare(projection: Projection, connections: dict[str, Any]) -> list[str]:
    source, listener = connections[projection.source], connections[projection.listener]
    columns = sorted(
        (await _columns(source, projection.table))
        & (await _columns(listener, projection.mirror)) - NOT_COMPARED
    )
    truth = await _rows(source, projection.table, projection.key, columns, projection.heard)
    shown = await _rows(listener, projection.mirror, projection.mirror_key, columns, "true")
    return [
        f"{projection} {key}: {_first_difference(row, shown.get(key))}"
        for key, row in truth.items()
        if shown.get(key) != row
    ]


async def _columns(connection: Any, table: str) -> set[str]:
    rows = await connection.fetch(
        "SELECT column_name FROM information_schema.columns "
        "WHERE table_schema = 'public' AND table_name = $1",
        table,
    )
    assert rows, table
    return {row["column_name"] for row in rows}


async def _rows(connection: Any, table: str, key: str, columns: list[str], where: str) -> Rows:
    chosen = ", ".join(f'to_jsonb("{column}") AS "{column}"' for column in columns)
    rows = await connection.fetch(f'SELECT "{key}"::text AS the_key, {chosen} FROM {table} WHERE {where}')
    return {row["the_key"]: {column: row[column] for column in columns} for row in rows}


def _first_difference(truth: dict[str, Any], shown: dict[str, Any] | None) -> str:
    if shown is None:
        return "missing"
    return next(
        f"{name} is {shown[name]} and not {truth[name]}" for name in truth if shown[name] != truth[name]
    )
