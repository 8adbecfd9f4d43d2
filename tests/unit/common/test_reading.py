"""Who is read through to does not ask on; that is all that can be said by a header."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from common.reading import MARK, READER, Reader, read_through


class Owner(Reader):
    """Answers whatever it is asked."""

    async def get(self, path: str, headers: dict[str, str]) -> dict[str, Any] | None:
        return {"path": path, "marked": MARK in headers}


@pytest.fixture
def app():
    app = web.Application()
    app[READER] = Owner("http://site")
    return app


async def test_a_reading_of_somebody_else_is_not_read_through(app):
    request = make_mocked_request("GET", "/api/things/1", headers={MARK: "1"}, app=app)
    assert await read_through(request, "/api/parts/1") is None


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
async def test_no_header_keeps_a_change_from_asking_the_owner(app, method):
    request = make_mocked_request(method, "/api/things/1", headers={MARK: "1"}, app=app)
    assert await read_through(request, "/api/parts/1") == {"path": "/api/parts/1", "marked": True}
