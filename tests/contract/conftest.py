"""The suite runs against both sides, each through the gateway and the strangler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from common.tokens import AUDIENCE, ISSUER, KeyRing, issue_access_token
from tests.contract.world import Company, World

if TYPE_CHECKING:
    from tests.contract.client import Client


@pytest.fixture(scope="session")
def world(site) -> World:
    return World(site.gateway_url, site.admin_email, site.admin_password)


@pytest.fixture(scope="session")
def company(world) -> Company:
    """A company that tests share; each makes its own departures."""
    return world.company()


@pytest.fixture(scope="session")
def inspector(world, company) -> Client:
    return world.staff(company.operator, company.id, "inspector")


@pytest.fixture(scope="session")
def other_company(world) -> Company:
    return world.company()


@pytest.fixture
def anyone(world) -> Client:
    return world.anyone()


@pytest.fixture
def passenger(world) -> Client:
    return world.passenger()


@pytest.fixture
def stranger(world) -> Client:
    """Another passenger, to whom nothing belongs."""
    return world.passenger("Somebody Else")


@pytest.fixture(scope="session")
def public_url(site) -> str:
    """Where browsers believe the site to be, whichever way a test takes to it."""
    return site.environment["BANYAN_PUBLIC_URL"]


@pytest.fixture(scope="session")
def webhook_secret(site) -> str:
    return site.environment["BANYAN_SANDBOX_WEBHOOK_SECRETS"].split(",")[0]


@pytest.fixture(scope="session")
def expired_token(site) -> str:
    """Signed with the site's own key, and over since an hour ago."""
    return issue_access_token(
        KeyRing.from_file(Path(site.environment["BANYAN_TOKEN_KEYS_FILE"])),
        user_id=UUID(int=7),
        role="passenger",
        company_id=None,
        session_id=uuid4(),
        issuer=ISSUER,
        audience=AUDIENCE,
        now=datetime.now(UTC) - timedelta(hours=1, minutes=15),
    )
