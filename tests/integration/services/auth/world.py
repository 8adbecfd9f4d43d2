"""Makes the rows that a test of auth-service starts from, quickly and by SQL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import TYPE_CHECKING

from common.ids import uuid7
from common.principals import Role
from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token

if TYPE_CHECKING:
    from uuid import UUID

    from common.database import Pool

_NUMBERS = count(1)


@dataclass(frozen=True, slots=True)
class Company:
    id: UUID
    name: str


@dataclass(frozen=True, slots=True)
class User:
    id: UUID
    email: str
    role: Role
    company_id: UUID | None


class World:
    """A factory over one database. Each method inserts a row, and says what it made."""

    def __init__(self, pool: Pool, keys: KeyRing) -> None:
        self.pool = pool
        self._keys = keys

    def bearer(self, user: User) -> dict[str, str]:
        """Headers of an API client."""
        token = issue_access_token(
            self._keys,
            user_id=user.id,
            role=user.role,
            company_id=user.company_id,
            session_id=uuid7(),
            issuer=ISSUER,
            audience=AUDIENCE,
            now=datetime.now(UTC),
        )
        return {"Authorization": f"Bearer {token}"}

    async def company(self) -> Company:
        """One that has been heard of."""
        made = Company(uuid7(), f"Company {next(_NUMBERS)}")
        await self.pool.execute("INSERT INTO companies VALUES ($1, $2, 1)", made.id, made.name)
        return made

    async def user(
        self, role: Role | str = Role.PASSENGER, company: Company | None = None, *, email: str | None = None
    ) -> User:
        """A staff role needs its company. The password matches nothing."""
        made = User(
            uuid7(),
            email or f"user{next(_NUMBERS)}@example.com",
            Role(role),
            company.id if company else None,
        )
        await self.pool.execute(
            """
            INSERT INTO users (id, email, password_hash, role, company_id, full_name)
            VALUES ($1, $2, '!', $3, $4, 'Asha Rao')
            """,
            made.id,
            made.email,
            made.role,
            made.company_id,
        )
        return made
