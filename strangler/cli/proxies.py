"""Asking the proxies' admin ports, and the upstreams themselves, how they are."""

import asyncio
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import aiohttp

ANSWER_WITHIN_S: Final = 3.0
_AWAY: Final = (aiohttp.ClientError, OSError, TimeoutError, ValueError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an address said: a status and a document, or why there is none."""

    url: str
    status: int | None
    document: Any
    trouble: str | None


async def ask(urls: tuple[str, ...], path: str) -> list[Answer]:
    """All at once; an address that does not answer in time is an answer with its trouble."""
    timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        return list(await asyncio.gather(*(_ask_one(session, url, path) for url in urls)))


async def wait_for_version(urls: tuple[str, ...], version: int, within_s: float) -> tuple[int, int]:
    """How many workers have taken over a version, of how many that answer, once all have or time is up."""
    deadline = monotonic() + within_s
    while True:
        workers = [worker for answer in await ask(urls, "/healthz") for worker in workers_of(answer)]
        done = sum(worker.get("flags", {}).get("version", 0) >= version for worker in workers)
        if (workers and done == len(workers)) or monotonic() > deadline:
            return done, len(workers)
        await asyncio.sleep(0.05)


def workers_of(answer: Answer) -> list[dict[str, Any]]:
    document = answer.document
    workers = document.get("workers") if isinstance(document, dict) else None
    return [worker for worker in workers if isinstance(worker, dict)] if isinstance(workers, list) else []


async def _ask_one(session: aiohttp.ClientSession, url: str, path: str) -> Answer:
    try:
        async with session.get(url + path) as response:
            is_json = response.content_type.endswith("json")
            document = await response.json(content_type=None) if is_json else None
            return Answer(url, response.status, document, None)
    except _AWAY as error:
        return Answer(url, None, None, str(error) or f"no answer within {ANSWER_WITHIN_S:g} s")
