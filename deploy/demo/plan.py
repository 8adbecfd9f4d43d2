"""What is missing where: the demo companies that a database lacks, and the instant that they are made for.

Whatever is there already stays as it is. What one database has and another lacks is made once more for the
same instant, so it comes out with the same ids: a fill that was killed is completed, and a side that came
later gets what the other one has.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from deploy.demo import LOGINS
from deploy.demo.generate import admin_made_at, company_slug, made_at, tail_of
from deploy.demo.identifiers import id_of, tail

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from common.database import Connection

ADMIN_EMAIL: Final = LOGINS[-1][1]
# Who knows of accounts, and so whether the admin is there.
_ADMINS: Final[Mapping[str, str]] = {
    "legacy": "SELECT id FROM users WHERE email = $1",
    "auth": "SELECT id FROM users WHERE email = $1",
    "user": "SELECT id FROM accounts WHERE email = $1",
    "ticketing": "SELECT id FROM accounts WHERE email = $1",
}
_NAMED: Final = frozenset({"legacy", "company"})  # whose companies have a slug


@dataclass(frozen=True, slots=True)
class Found:
    """The companies of one database: ids, and slugs where it knows them; and who has the admin's address."""

    ids: frozenset[bytes]
    slugs: Mapping[str, bytes]
    admin_id: bytes | None

    @classmethod
    async def in_(cls, owner: str, conn: Connection) -> Found:
        slug = "slug" if owner in _NAMED else "NULL AS slug"
        rows: Sequence[Any] = await conn.fetch(f"SELECT id, {slug} FROM companies")  # ruff: ignore[hardcoded-sql-expression] — one of two literals
        admin_id = await conn.fetchval(_ADMINS[owner], ADMIN_EMAIL) if owner in _ADMINS else None
        return cls(
            frozenset(id_of(row["id"]) for row in rows),
            {row["slug"]: id_of(row["id"]) for row in rows if row["slug"] is not None},
            id_of(admin_id) if admin_id is not None else None,
        )


@dataclass(frozen=True, slots=True)
class Missing:
    """A demo company, for which instant it is to be made, and the databases that lack it."""

    index: int
    now: datetime
    owners: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    companies: tuple[Missing, ...]
    admin: Missing | None
    has_others: bool
    """Somebody has companies of their own there, and no demo."""

    def wanted_of(self, owner: str) -> int:
        """How many companies this database lacks."""
        return sum(owner in each.owners for each in self.companies)


def plan(found: Mapping[str, Found], count: int, now: datetime, seed: int) -> Plan:
    """Bring every database to the first `count` demo companies, and to those that any of them has."""
    known = _known(found, count, seed)
    companies = []
    for index in range(max([count, *(each + 1 for each in known)])):
        there = known.get(index)
        if there is None and index >= count:
            continue
        if there is None and any(company_slug(index) in each.slugs for each in found.values()):
            continue  # somebody else's company of that name
        owners = frozenset(owner for owner in found if there is None or there[0] not in found[owner].ids)
        if owners:
            companies.append(Missing(index, there[1] if there else now, owners))
    has_others = not known and any(each.ids for each in found.values())
    return Plan(tuple(companies), _plan_admin(found, now, seed), has_others)


def _known(found: Mapping[str, Found], count: int, seed: int) -> dict[int, tuple[bytes, datetime]]:
    """The demo companies that are anywhere, by index, with the instant for which they were made.

    Ids tell by their random half which company it is. Demo companies are made in order, so among as many as
    there are rows, or are wanted, are all of them.
    """
    by_tail = {tail(each): each for one in found.values() for each in one.ids}
    if not by_tail:
        return {}
    known = {}
    for index in range(max(count, len(by_tail))):
        company_id = by_tail.get(tail_of(index, seed))
        made = made_at(index, company_id, seed) if company_id is not None else None
        if company_id is not None and made is not None:
            known[index] = company_id, made
    return known


def _plan_admin(found: Mapping[str, Found], now: datetime, seed: int) -> Missing | None:
    holders = {owner: one.admin_id for owner, one in found.items() if owner in _ADMINS}
    made = {admin_id: admin_made_at(admin_id, seed) for admin_id in holders.values() if admin_id is not None}
    ours = next((admin_id for admin_id, at in made.items() if at is not None), None)
    lacking = {owner for owner, admin_id in holders.items() if admin_id is None}
    if holders.get("auth") not in {None, ours}:
        lacking -= {"auth", "user", "ticketing"}  # the services have an admin of that address already
    if not lacking:
        return None
    at = made[ours] if ours is not None else None
    return Missing(-1, at or now, frozenset(lacking))
