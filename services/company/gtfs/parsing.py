"""Has a feed parsed beside the event loop, which goes on answering meanwhile."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from services.company.gtfs.feed import Feed
from services.company.gtfs.problems import FeedError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from services.company.gtfs.feed import Options

ROOT = Path(__file__).parents[3]
LONGEST_LINE = 1024 * 1024


class ParserDiedError(Exception):
    """The process that parsed the feed ended without an answer."""


async def parse_beside(
    data: bytes, options: Options, progress: Callable[[int, int], Awaitable[None]]
) -> Feed:
    """The feed; raises FeedError for one that is no good, ParserDiedError if the process was killed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.company.gtfs.worker",
        orjson.dumps(asdict(options)).decode(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        limit=LONGEST_LINE,
    )
    feeding = asyncio.create_task(_feed(process, data))
    try:
        return await _read(process, progress)
    finally:
        feeding.cancel()
        with suppress(ProcessLookupError):
            process.kill()
        with suppress(asyncio.CancelledError, ConnectionError):
            await feeding
        await process.wait()


async def _feed(process: asyncio.subprocess.Process, data: bytes) -> None:
    assert process.stdin is not None
    with suppress(ConnectionError):  # it died: the missing answer says so
        process.stdin.write(data)
        await process.stdin.drain()
        process.stdin.close()


async def _read(process: asyncio.subprocess.Process, progress: Callable[[int, int], Awaitable[None]]) -> Feed:
    assert process.stdout is not None
    feed: Feed | None = None
    async for line in process.stdout:
        kind, *values = _parse(line)
        if kind == "progress":
            await progress(*values)
        elif kind == "errors":
            raise FeedError(values[0])
        elif kind == "feed":
            agencies, time_zone, *rest = values
            feed = Feed(agencies, time_zone, [], [], [], [], *rest)
        elif kind == "end" and feed is not None:
            return feed
        elif feed is not None:
            feed.take_line(kind, values)
    raise ParserDiedError(f"the parser ended with {await process.wait()} and no answer")


def _parse(line: bytes) -> list[Any]:
    values: list[Any] = orjson.loads(line)
    return values
