"""`banyan gtfs` against the monolith: a feed in, its departures on sale, a feed out."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from common.passwords import hash_password
from tests.unit.legacy.company.feeds import SMALL, zip_of

ROOT = Path(__file__).parents[4]
PASSWORD = "a long enough secret"


@pytest.fixture
async def company(world):
    return await world.company("Hill Coaches")


@pytest.fixture
async def banyan(client, world, company):
    """Runs `banyan gtfs …` as the company's operator; answers exit code, output and what was told."""
    operator = await world.user("operator", company, password_hash=await hash_password(PASSWORD))
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith("BANYAN_")},
        "BANYAN_EMAIL": operator.email,
        "BANYAN_PASSWORD": PASSWORD,
        "BANYAN_PUBLIC_URL": str(client.server.make_url("")).rstrip("/"),
        "COLUMNS": "200",
    }

    async def run(*words: Any, **more: str) -> tuple[int, str, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "deploy.cli",
            "gtfs",
            *map(str, words),
            env=env | more,
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, told = await process.communicate()
        assert process.returncode is not None
        return process.returncode, out.decode(), told.decode()

    return run


async def test_a_feed_is_imported_put_on_sale_and_written_again(banyan, tmp_path, pool, company):
    feed = tmp_path / "hills.zip"
    feed.write_bytes(zip_of(SMALL))
    code, out, told = await banyan("import", feed, "--dates", "2026-06-05:2026-06-06", "--leg-fare", "5000")
    assert code == 0, told
    assert out == ""
    assert "Hill Coaches has now 4 stops, 2 routes, 3 timetables, 2 calendars." in told
    assert "3 departures are on sale" in told
    assert f"{company.id}" not in told
    assert await pool.fetchval("SELECT count(*) FROM trips") == 3
    assert await pool.fetchval("SELECT file_name FROM gtfs_imports") == "hills.zip"

    code, out, told = await banyan(
        "import", feed, "--dates", "2026-06-05", "--json", "--company", str(company.id)
    )
    assert code == 0, told
    came = json.loads(out)
    assert came["trips"] == {"created": 0, "skipped": 2}
    assert came["import"]["stops"] == 4

    back = tmp_path / "back.zip"
    code, _, told = await banyan("export", back, "--dates", "2026-06-01:2026-06-30")
    assert code == 0, told
    code, out, told = await banyan("check", back, "--json")
    assert code == 0, told
    assert json.loads(out)["timetables"] == 3


async def test_what_is_wrong_is_told_with_its_place(banyan, tmp_path, pool):
    feed = tmp_path / "hills.zip"
    feed.write_bytes(zip_of({**SMALL, "stops.txt": SMALL["stops.txt"].replace("12.3052", "north")}))
    for command in ("check", "import"):
        code, _, told = await banyan(command, feed)
        assert code == 1
        assert "stops.txt:4:stop_lat" in told
    assert await pool.fetchval("SELECT count(*) FROM stops") == 0
    nowhere = "\n".join(line.rpartition(",")[0] for line in SMALL["stops.txt"].splitlines())
    feed.write_bytes(zip_of({**SMALL, "stops.txt": nowhere}))
    code, _, told = await banyan("import", feed)
    assert code == 1
    assert "city" in told


async def test_who_is_not_let_in_and_where_nobody_answers(banyan, tmp_path):
    feed = tmp_path / "hills.zip"
    feed.write_bytes(zip_of(SMALL))
    code, _, told = await banyan("import", feed, BANYAN_PASSWORD="not the password")
    assert (code, "Traceback" in told) == (1, False)
    code, _, told = await banyan("import", feed, "--company", "nobody-coaches")
    assert code == 1
    assert "no company nobody-coaches" in told
    code, _, told = await banyan("import", feed, BANYAN_PUBLIC_URL="http://127.0.0.1:9")
    assert code == 2
    assert "does not answer" in told
    code, _, told = await banyan("import", feed, "--dates", "tomorrow")
    assert code == 2
