"""Starting: the environment, its faults, and what is said of them before anything listens."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import asyncpg
import pytest

from common.config import ConfigError
from strangler.config import ProxyConfig
from tests.proxy.running import ROOT, ROUTES, free_port

if TYPE_CHECKING:
    from pathlib import Path

NEEDED = {"BANYAN_UPSTREAM_LEGACY": "http://localhost:8010", "BANYAN_REDIS_URL": "redis://localhost:6379/0"}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "strangler", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **{f"BANYAN_{name}": value for name, value in env.items()}},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_upstreams_are_named_by_variables_and_may_have_several_addresses():
    config = ProxyConfig.from_env(
        NEEDED | {"BANYAN_UPSTREAM_QR": "http://a:1, http://b:2", "BANYAN_UPSTREAM_AUTH": ""}
    )
    assert config.upstreams == {
        "legacy": ("http://localhost:8010",),
        "qr": ("http://a:1", "http://b:2"),
        "auth": (),
    }


def test_the_side_is_shown_locally_and_elsewhere_only_if_asked_for():
    assert ProxyConfig.from_env(NEEDED).show_side
    elsewhere = NEEDED | {"BANYAN_ENVIRONMENT": "production"}
    assert not ProxyConfig.from_env(elsewhere).show_side
    assert ProxyConfig.from_env(elsewhere | {"BANYAN_SHOW_SIDE": "yes"}).show_side


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TRUSTED_PROXIES", "10.0.0.0/33"),
        ("WORKERS", "0"),
        ("PORT", "eighty"),
        ("UPSTREAM_QR", "https://a"),
        ("ACCESS_LOG_SAMPLE_PERCENT", "101"),
        ("ROUTES_FILE", "/nowhere.toml"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(name, value):
    with pytest.raises(ConfigError, match=f"BANYAN_{name}"):
        ProxyConfig.from_env(NEEDED | {f"BANYAN_{name}": value})


def test_all_missing_variables_are_named_at_once():
    done = run("proxy")
    assert done.returncode == 2
    assert "BANYAN_UPSTREAM_LEGACY" in done.stderr
    assert "BANYAN_REDIS_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_route_table_with_faults_is_told_before_anything_starts(tmp_path: Path):
    routes = tmp_path / "routes.toml"
    routes.write_text(ROUTES.replace('read = ["things"]', 'read = ["thongs"]'), encoding="utf-8")
    done = run("proxy", UPSTREAM_LEGACY="http://a", REDIS_URL="redis://a", ROUTES_FILE=str(routes), PORT="0")
    assert done.returncode == 2
    assert "thongs" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("taken", ["PORT", "ADMIN_PORT"])
def test_a_port_that_is_taken_is_told(taken):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        env = {"PORT": str(free_port()), "ADMIN_PORT": str(free_port()), "REDIS_URL": "redis://localhost:1"}
        env[taken] = str(other.getsockname()[1])
        done = run("proxy", UPSTREAM_LEGACY="http://localhost", **env)
    assert done.returncode == 1
    assert "address already in use" in done.stderr.lower()
    assert "Traceback" not in done.stderr


async def test_migrate_makes_the_tables_and_has_nothing_to_do_the_second_time(fresh_database: str):
    done = run("migrate", DATABASE_URL=fresh_database)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("0001_pre_")
    assert run("migrate", DATABASE_URL=fresh_database).stdout == "Nothing to do.\n"
    connection = await asyncpg.connect(fresh_database)
    tables = await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    assert tables > 0


def test_everything_else_is_the_command_line():
    done = run("--help")
    assert done.returncode == 0
    assert "flag" in done.stdout
