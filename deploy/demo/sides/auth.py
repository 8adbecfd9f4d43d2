"""auth-service's database: accounts, and what it keeps of profiles and companies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from deploy.demo.copying import NULL, Table, instant, text
from deploy.demo.sides.mirrored import UNHEARD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deploy.demo.copying import Rows
    from deploy.demo.rows import Company, User
    from deploy.demo.sides.given import Given

COMPANIES: Final = Table("companies", "id name source_seq")
USERS: Final = Table(
    "users", "id email password_hash role company_id full_name phone locale created_at updated_at"
)
PROFILES: Final = Table("profiles", "user_id full_name locale source_seq")
TABLES: Final = (COMPANIES, USERS, PROFILES)


def add(rows: Rows, company: Company, given: Given) -> None:
    rows.put(COMPANIES, [(company.id, text(company.name), UNHEARD)])
    _add_accounts(rows, (*company.staff, *company.passengers), given.password_hash)


def add_account(rows: Rows, user: User, password_hash: str) -> None:
    _add_accounts(rows, (user,), password_hash)


def _add_accounts(rows: Rows, users: Iterable[User], password_hash: str) -> None:
    hash_ = text(password_hash)
    for user in users:
        user_id, name, at = user.id, text(user.full_name), instant(user.created_at)
        company_id = user.company_id or NULL
        locale = text(user.locale)
        rows.put(
            USERS,
            [(user_id, text(user.email), hash_, text(user.role), company_id, name, text(user.phone),
              locale, at, at)],
        )  # fmt: skip
        rows.put(PROFILES, [(user_id, name, locale, UNHEARD)])
