"""What the strangler can move is what the monolith answers, no more and no less."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import make_mocked_request

from common.keyring import write_new_key
from tests.unit.strangler.tables import declared

if TYPE_CHECKING:
    from pathlib import Path

    from aiohttp import web

# Not part of any domain: always the monolith's, as long as there is one.
ITS_OWN = re.compile(r"/api/openapi\.json|/api/docs(/.*)?|/static/.*|/healthz|/readyz|/metrics")


@pytest.fixture
def monolith(tmp_path: Path) -> web.Application:
    from legacy.app import create_app
    from legacy.config import Config

    write_new_key(tmp_path / "tokens.json")
    write_new_key(tmp_path / "codes.json")
    told = {
        "DATABASE_URL": "postgresql://nobody@localhost/nothing",
        "TOKEN_KEYS_FILE": str(tmp_path / "tokens.json"),
        "QR_KEYS_FILE": str(tmp_path / "codes.json"),
        "SECRET_KEY": "0123456789abcdef" * 4,
        "SANDBOX_WEBHOOK_SECRETS": "0123456789abcdef" * 4,
        "MAIL_URL": (tmp_path / "mail").as_uri(),
        "PUBLIC_URL": "http://localhost:8080",
    }
    return create_app(Config.from_env({f"BANYAN_{name}": value for name, value in told.items()}))


def shape(method: str, template: str) -> str:
    """Without the names of its parameters, which no request shows."""
    return f"{method} {re.sub(r'{[^}]*}', '{}', template)}"


def answered_by(monolith: web.Application) -> set[str]:
    return {
        shape(route.method, route.resource.canonical)
        for route in monolith.router.routes()
        if route.resource is not None
        and route.method != "HEAD"
        and not ITS_OWN.fullmatch(route.resource.canonical)
    }


def test_the_monoliths_routes_and_the_declared_ones_are_the_same(monolith):
    ours = {shape(route.method, route.template) for route in declared().routes}
    theirs = answered_by(monolith)
    assert ours == theirs, f"not declared: {sorted(theirs - ours)}; not answered: {sorted(ours - theirs)}"


async def test_both_find_the_same_route_for_a_path(monolith):
    table = declared()
    for route in table.routes:
        path = re.sub(r"{[^}]*}", "0197a2c4-7d3e-7a11-9b5e-2f64c1d0a001", route.template)
        index = table.trie.find(route.method.encode(), path.encode())
        assert index is not None, route.name
        found = await monolith.router.resolve(make_mocked_request(route.method, path))
        assert found.http_exception is None, route.name
        assert found.route.resource is not None
        ours = table.routes[index]
        assert shape(route.method, found.route.resource.canonical) == shape(ours.method, ours.template)
