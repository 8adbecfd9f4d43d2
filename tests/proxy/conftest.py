"""The proxy runs on uvloop, so its tests do."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol

import pytest
import uvloop
from hypothesis import settings

from tests.proxy.edge import Edge, open_edge
from tests.proxy.running import Application, Strangler, running

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path


class StartStrangler(Protocol):
    """Starts one before two applications; the words are its environment's, without BANYAN_."""

    def __call__(self, *, workers: int = 2, **env: str) -> AbstractAsyncContextManager[Strangler]: ...


# A first example under load may take long; how long says nothing about the proxy.
settings.register_profile("proxy", deadline=None)
settings.load_profile("proxy")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(scope="session")
def applications() -> Iterator[dict[str, Application]]:
    """What stands behind the stranglers of all tests, which may kill it: it remembers nothing."""
    made: dict[str, Application] = {}
    yield made
    for application in made.values():
        application.kill()


@pytest.fixture
def start(tmp_path: Path, redis_url: str, applications: dict[str, Application]) -> StartStrangler:
    """`async with start(workers=1, DRAIN_S="1") as strangler`."""
    return partial(running, tmp_path, redis_url, applications)


@pytest.fixture
async def edge() -> AsyncIterator[Edge]:
    """A proxy in this process, before an upstream that answers each request with its target."""
    async with open_edge() as opened:
        yield opened
