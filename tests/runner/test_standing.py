"""PostgreSQL refuses root: every way of standing in for it is tried with the real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from deploy.local import identity, postgres
from deploy.local.applications import process_environment
from deploy.local.folders import CHECKOUT, Folders, folders_of, make_folders
from deploy.local.logs import Terminal
from deploy.local.parts import Step
from deploy.local.ports import free_ports
from deploy.local.processes import Spawner
from deploy.local.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Iterator

as_root = pytest.mark.skipif(os.getuid() != 0, reason="only root has to step down")
NOBODY = 65534


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can reach, which pytest's own are not."""
    made = Path("/var/tmp") / f"banyan-test-standing-{os.getpid()}"
    made.mkdir()
    made.chmod(0o755)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@asynccontextmanager
async def running(folders: Folders) -> AsyncGenerator[postgres.Postgres]:
    make_folders(folders)
    spawner = Spawner(folders, Terminal(None), process_environment(os.environ))
    with free_ports() as ports:
        server = postgres.lay_out(folders, ports["postgres"], "secret", fast=True)
        supervisor = Supervisor([Step("cluster", server.prepare), server.daemon(("cluster",))], spawner)
        try:
            await supervisor.start()
            yield server
        finally:
            await supervisor.stop()
            spawner.close()


async def value(server: postgres.Postgres, query: str) -> Any:
    connection = await asyncpg.connect(server.dsn())
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def owner_of_postmaster(server: postgres.Postgres) -> int:
    pid = int((server.data / "postmaster.pid").read_text().split()[0])
    return Path(f"/proc/{pid}").stat().st_uid


async def test_the_server_runs_and_its_data_stays(place):
    folders = folders_of(place / "state")
    async with running(folders) as server:
        await value(server, "SELECT 1 FROM pg_create_logical_replication_slot('x', 'test_decoding') LIMIT 0")
        assert await value(server, "SHOW server_version_num") >= "180000"
        await value(server, "CREATE TABLE kept (); ")
    async with running(folders) as server:
        assert await value(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 1


@as_root
async def test_root_steps_down_to_nobody(place):
    async with running(folders_of(place / "state")) as server:
        assert isinstance(server.standing.identity, tuple)
        assert owner_of_postmaster(server) == server.standing.identity[0] != 0


@as_root
async def test_root_in_a_closed_folder_uses_a_namespace(place):
    place.chmod(0o700)
    if not identity.can_enter_namespace():
        pytest.skip("no user namespaces here")
    async with running(folders_of(place / "state")) as server:
        assert server.standing.identity == "own-namespace"
        assert server.data.is_relative_to(place)
        assert await value(server, "SELECT 1") == 1


@as_root
async def test_root_in_a_closed_folder_without_namespaces_keeps_its_data_elsewhere(place, monkeypatch):
    monkeypatch.setattr(identity, "can_enter_namespace", lambda: False)
    place.chmod(0o700)
    folders = folders_of(place / "state")
    async with running(folders) as server:
        assert not server.data.is_relative_to(place)
        assert await value(server, "SELECT 1") == 1
        elsewhere = Path((folders.state / "elsewhere").read_text())
        assert server.data.is_relative_to(elsewhere)
        assert identity.can_reach(elsewhere, (NOBODY, NOBODY))
    argv = [sys.executable, "-m", "deploy.local", "--state", str(folders.state), "clean", "--yes"]
    subprocess.run(argv, cwd=CHECKOUT, check=True, capture_output=True)
    assert not elsewhere.exists()
    assert not folders.state.exists()


@as_root
async def test_binaries_that_cannot_be_reached_are_copied(place, monkeypatch):
    reach = identity.can_reach
    monkeypatch.setattr(
        identity, "can_reach", lambda path, who: "site-packages" not in str(path) and reach(path, who)
    )
    async with running(folders_of(place / "state")) as server:
        assert server.binary.path.is_relative_to(place)
        assert await value(server, "SELECT 1") == 1


@as_root
async def test_data_made_in_one_way_is_taken_over_in_another(place):
    folders = folders_of(place / "state")
    async with running(folders) as server:
        await value(server, "CREATE TABLE kept ()")
    place.chmod(0o700)
    if not identity.can_enter_namespace():
        pytest.skip("no user namespaces here")
    async with running(folders) as server:
        assert server.standing.identity == "own-namespace"
        assert await value(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 1
    place.chmod(0o755)
    async with running(folders) as server:
        assert await value(server, "SELECT count(*) FROM pg_tables WHERE tablename = 'kept'") == 1


async def test_a_server_that_was_killed_starts_again_over_its_lock_file(place):
    folders = folders_of(place / "state")
    async with running(folders) as server:
        pid = int((server.data / "postmaster.pid").read_text().split()[0])
        lock = (server.data / "postmaster.pid").read_text()
    (server.data / "postmaster.pid").write_text(lock.replace(str(pid), str(os.getpid()), 1))
    async with running(folders) as server:
        assert await value(server, "SELECT 1") == 1


@as_root
def test_an_ordinary_user_runs_it_all_as_itself(place):
    python = interpreter_for_others()
    if python is None:
        pytest.skip("there is no Python that another user could run")
    state = place / "home"
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    argv = [python, "-m", "deploy.local", "--state", str(state / "state"), "run", "--port", "0", "--fast"]
    argv += ["--only", "databases,valkey,gateway,keys"]
    with subprocess.Popen(
        argv,
        cwd=CHECKOUT,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
        env={"PYTHONPATH": others_path(), "PATH": "/usr/bin:/bin", "HOME": str(state)},
        stdout=subprocess.PIPE,
        text=True,
    ) as runner:
        assert runner.stdout is not None
        lines = []
        for line in runner.stdout:
            lines.append(line)
            if line.startswith("banyan") and "ready in" in line:
                break
        runner.terminate()
        lines += runner.stdout.readlines()
        assert runner.wait(30) == 0, "".join(lines)
    assert "everything has stopped" in lines[-1], "".join(lines)
    strangers = {str(path) for path in (state / "state").rglob("*") if path.lstat().st_uid != NOBODY}
    assert not strangers


def others_path() -> str:
    return os.pathsep.join([str(CHECKOUT), *(path for path in sys.path if "site-packages" in path)])


def interpreter_for_others() -> str | None:
    """One of our version outside any closed home, for which our packages are complete."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for candidate in (sys.executable, f"/usr/bin/python{version}", f"/usr/local/bin/python{version}"):
        path = Path(candidate)
        if not path.exists() or not identity.can_reach(path.resolve().parent, (NOBODY, NOBODY)):
            continue
        trial = [candidate, "-c", "import deploy.local.runner, common.keyring"]
        if (
            subprocess.run(
                trial, env={"PYTHONPATH": others_path()}, capture_output=True, check=False
            ).returncode
            == 0
        ):
            return candidate
    return None
