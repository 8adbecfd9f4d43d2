"""Events as part of an application: the relay and the consumer run as long as it lives."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

import redis.asyncio as redis
import structlog
from aiohttp import web
from prometheus_client import Histogram
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from common.events import bells
from common.events.consumer import Consumer
from common.events.event import stream_of
from common.events.relay import Relay
from common.metrics import METRICS
from common.principals import SAFE_METHODS
from common.sweeps import SWEEPER
from common.tasks import call_off

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from aiohttp.typedefs import Handler as RequestHandler

    from common.events.connections import Redis
    from common.events.event import Handler, Translate

log = structlog.get_logger(__name__)

SEEN_WITHIN_S: Final = 0.25
"""As long as nothing else is said: what a rare write may take longer for others to have heard of it."""
NOT_ASKED_FOR_S: Final = 5.0
"""After listeners were too slow once, nobody waits for them for so long."""
_POLLS_S: Final = (0.002, 0.003, 0.005, 0.01)
_TIMEOUT_S: Final = 5.0
_LAGS_S: Final = (0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 15, 60, 300)


class Events:
    """The relay of an application, and what it takes to know who has heard."""

    def __init__(
        self, client: Redis, source: str, relay: Relay, seen_within_s: float = SEEN_WITHIN_S
    ) -> None:
        self._redis = client
        self._source = source
        self.relay = relay
        self._seen_within_s = seen_within_s
        self._not_before = 0.0

    async def until_seen(self) -> bool:
        """Wait until every listener that is alive has applied what is committed now; whether all have."""
        if time.monotonic() < self._not_before:
            return False
        try:
            async with asyncio.timeout(self._seen_within_s):
                await self._all_applied(_numbers(await self.relay.flushed()))
        except (TimeoutError, RedisError, OSError) as error:
            log.info("listeners are behind", source=self._source, error=repr(error))
            self._not_before = time.monotonic() + NOT_ASKED_FOR_S
            return False
        return True

    async def _all_applied(self, entry: tuple[int, int]) -> None:
        attempt = 0
        while True:
            applied = await self._redis.hgetall(f"{stream_of(self._source)}:applied")
            behind = [name.decode() for name, last in applied.items() if _numbers(last.decode()) < entry]
            if not behind:
                return
            alive = await self._redis.mget([f"events:alive:{name}" for name in behind])
            if not any(alive):
                return
            if attempt == 0:
                await self._ring(behind)  # who does not want it hears only now and then that it was said
            await asyncio.sleep(_POLLS_S[min(attempt, len(_POLLS_S) - 1)])
            attempt += 1

    async def _ring(self, listeners: Iterable[str]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            bells.ring(pipe, listeners)
            await pipe.execute()


EVENTS: Final = web.AppKey("events", Events)


def add_events(
    app: web.Application,
    *,
    source: str,
    database_url: str,
    redis_url: str,
    translate: Translate,
    handlers: Sequence[Handler],
    seen_within_s: float = SEEN_WITHIN_S,
) -> None:
    """Publish this application's changes and hear those of others.

    Call it after the metrics, the sweeper and the pool are set up. With Redis gone nothing is published or
    heard, nothing is lost, and nothing else is the matter.
    """
    client: Redis = redis.Redis.from_url(
        redis_url,
        protocol=2,
        socket_timeout=_TIMEOUT_S,
        socket_connect_timeout=_TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),  # the relay and the consumer begin again by themselves
    )
    relay = Relay(database_url, client, source, translate)
    app[EVENTS] = Events(client, source, relay, seen_within_s)
    lag = Histogram(
        "event_lag_seconds",
        "Time from a change at its source to its being applied here.",
        ("source",),
        buckets=_LAGS_S,
        registry=app[METRICS].registry,
    )
    sweeper = app.get(SWEEPER)
    if sweeper is not None:
        sweeper.did_work = relay.wake
    consumer = Consumer(
        database_url,
        client,
        source,
        handlers,
        woken=sweeper.wake if sweeper is not None else _nobody_to_wake,
        wrote=relay.wake,
        noted=lambda of, seconds: lag.labels(of).observe(seconds),
    )

    async def run(_app: web.Application) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(relay.run(), name="relay")]
        if consumer.sources:
            tasks.append(asyncio.create_task(consumer.run(), name="consumer"))
        yield
        await call_off(tasks)
        await client.aclose()

    app.cleanup_ctx.append(run)


@web.middleware
async def relay_after_writes(request: web.Request, handler: RequestHandler) -> web.StreamResponse:
    """Let the relay look at once for what a request has changed."""
    try:
        return await handler(request)
    finally:
        if request.method not in SAFE_METHODS:
            relay_now(request)


def relay_now(request: web.Request) -> None:
    """The same for a single request, in a service where few writes are news."""
    request.app[EVENTS].relay.wake()


async def until_seen(request: web.Request) -> None:
    """Wait until the other services show what has just been committed, a quarter of a second at the most.

    For writes that are rare, and whose effect somebody will look for elsewhere at once.
    """
    await request.app[EVENTS].until_seen()


def _numbers(entry_id: str) -> tuple[int, int]:
    milliseconds, _, number = entry_id.partition("-")
    return int(milliseconds), int(number)


def _nobody_to_wake(name: str) -> None:
    log.warning("no sweeper to wake", sweep=name)
