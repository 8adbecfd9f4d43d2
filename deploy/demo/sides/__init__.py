"""The neutral rows in each database's own schema: legacy's one, and those of the six services.

A service's database gets what is its own and what it keeps of the others' things, as their events would have
told it. So nothing needs to be told, and whoever reads either side reads the same. Each module answers rows
for its database alone; what its triggers derive from them they derive here as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deploy.demo.sides import auth, company, legacy, payment, qr, ticketing, user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from deploy.demo.copying import Rows, Table
    from deploy.demo.rows import Company, User
    from deploy.demo.sides.given import Given

LEGACY: Final = "legacy"
SERVICES: Final = ("auth", "user", "company", "ticketing", "qr", "payment")


@dataclass(frozen=True, slots=True)
class Side:
    """How one database is written.

    `tables` are in the order that foreign keys and triggers want; `add` puts a company's rows; `add_admin`
    those of the platform's admin with the hash of a password, where accounts are known.
    """

    tables: tuple[Table, ...]
    add: Callable[[Rows, Company, Given], None]
    add_admin: Callable[[Rows, User, str], None] | None = None
    last: frozenset[str] = frozenset()
    """Tables that are only written when all others have everything."""
    watched: frozenset[str] = frozenset()
    """Tables from whose rows triggers derive others; what other tables' triggers do is not wanted here."""
    before: str | None = None
    """What a big load executes before it takes the tables: a lock that other writers take first."""


SIDES: Final[Mapping[str, Side]] = {
    "legacy": Side(
        legacy.TABLES,
        legacy.add,
        legacy.add_account,
        watched=frozenset({"layouts", "stops", "route_stops", "ledger"}),
    ),
    "auth": Side(auth.TABLES, auth.add, auth.add_account),
    "user": Side(
        user.TABLES,
        user.add,
        user.add_account,
        frozenset({"companies"}),
        frozenset({"companies", "accounts"}),
        "SELECT take_turn_to_count()",
    ),
    "company": Side(company.TABLES, company.add),
    "ticketing": Side(
        ticketing.TABLES,
        ticketing.add,
        ticketing.add_account,
        watched=frozenset({"layouts", "stops", "routes"}),
    ),
    "qr": Side(qr.TABLES, qr.add),
    "payment": Side(payment.TABLES, payment.add, watched=frozenset({"ledger"})),
}
