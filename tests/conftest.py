"""Real servers for every suite: one PostgreSQL and one Valkey per test run, a whole stack on demand."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import pytest
import redis
import structlog

from deploy.local.folders import folders_of
from tests import stack as stacks
from tests.databases import Administrator, PostgresServer, prepare, wait_for

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.stack import RunningStack


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes more than a few seconds")
    config.addinivalue_line(
        "markers", "stretched_passwords: passwords cost here what they cost in production"
    )
    # The traceback that structlog would draw takes half a second and more, and the event loop waits for it.
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
    # Every stack is a dozen interpreters, which would compile the same packages again and again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # asyncpg would prepare for TLS, and ask for it in vain, at each of ten thousand connections.
    os.environ.setdefault("PGSSLMODE", "disable")
    # A shell starts what it runs in the background deaf to Ctrl-C, and so would be every program under test.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.stash[_FOLDER] = stacks.open_test_folder()


def pytest_collection_finish(session: pytest.Session) -> None:
    """What was collected stays to the end: no search for garbage need look through it again.

    That is most of a worker's objects, and a full search takes a quarter of a second.
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure(config: pytest.Config) -> None:
    """On the controller, when every worker has ended; also after Ctrl-C."""
    folder = config.stash.get(_FOLDER, None)
    if folder is not None:
        stacks.close_test_folder(folder)


_FOLDER = pytest.StashKey[Path]()


class CloneDatabase(Protocol):
    """Answers the DSN of a fresh copy of a template, built by the first who asks for it."""

    async def __call__(self, template: str, build: Callable[[str], Awaitable[object]]) -> str: ...


@pytest.fixture(scope="session")
def servers() -> RunningStack:
    """PostgreSQL and Valkey, started once for all workers."""
    return stacks.shared_stack("servers", "--only", "postgres,valkey")


@pytest.fixture(scope="session")
def postgres(servers: RunningStack) -> Iterator[PostgresServer]:
    with stacks.one_at_a_time("prepare"):
        wait_for(prepare(servers.admin_dsn))
    administrator = Administrator(servers.admin_dsn)
    yield PostgresServer(servers.admin_dsn, administrator)
    administrator.close()


@pytest.fixture
async def fresh_database(postgres: PostgresServer) -> AsyncIterator[str]:
    """The DSN of an empty database with the extensions that Banyan uses."""
    dsn = await postgres.create()
    yield dsn
    await postgres.drop(dsn)


@pytest.fixture
async def clone_database(postgres: PostgresServer) -> AsyncIterator[CloneDatabase]:
    """`await clone_database("legacy", build)`: as many copies as the test wants, dropped after it."""
    made: list[str] = []

    async def clone(template: str, build: Callable[[str], Awaitable[object]]) -> str:
        made.append(await postgres.clone(template, build))
        return made[-1]

    yield clone
    for dsn in made:
        await postgres.drop(dsn)


@pytest.fixture
def redis_url(servers: RunningStack, worker_id: str) -> str:
    """An empty Redis database that no other worker uses."""
    number = int(worker_id.removeprefix("gw")) + 1 if worker_id != "master" else 0
    url = servers.redis_url.removesuffix("/0") + f"/{number}"
    with redis.Redis.from_url(url) as client:
        client.flushdb()
    return url


@pytest.fixture(scope="session")
def stack() -> RunningStack:
    """The stack with the monolith alone, empty, shared by all workers: leave its processes as they are."""
    return stacks.shared_stack("legacy", "--no-demo", "--side", "legacy", "--admin", stacks.ADMIN_EMAIL)


@pytest.fixture(scope="session")
def services_stack() -> RunningStack:
    """The same with the six services alone: every flag is on `service`, and there is no legacy process."""
    return stacks.shared_stack("services", "--no-demo", "--side", "service", "--admin", stacks.ADMIN_EMAIL)


@pytest.fixture(scope="session", params=["legacy", "service"])
def site(request: pytest.FixtureRequest) -> RunningStack:
    """Each side in turn, as a visitor comes to it: through the gateway and the strangler."""
    return request.getfixturevalue("stack" if request.param == "legacy" else "services_stack")


@pytest.fixture(scope="module")
def private_stack(request: pytest.FixtureRequest, worker_id: str) -> Iterator[RunningStack]:
    """A stack of a module's own, to stop and kill things in: a whole one, or of the module's `SIDE`."""
    name = f"{request.module.__name__.rpartition('.')[2]}-{worker_id}"
    folders = folders_of(stacks.test_folder() / name)
    side = getattr(request.module, "SIDE", "both")
    yield stacks.start_stack(folders, "--no-demo", "--side", side, "--admin", stacks.ADMIN_EMAIL)
    stacks.stop_stack(folders)
    shutil.rmtree(folders.state, ignore_errors=True)
