"""The proxy runs on uvloop, so its tests do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import uvloop
from hypothesis import settings

from tests.proxy.edge import Edge, open_edge

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Mapping


# A first example under load may take long; how long says nothing about the proxy.
settings.register_profile("proxy", deadline=None)
settings.load_profile("proxy")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A proxy in this process, before an upstream that answers each request with its target."""
    async with open_edge() as opened:
        yield opened
