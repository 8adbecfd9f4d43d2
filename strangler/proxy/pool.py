"""The connections to one upstream: its addresses, their health, and who waits for a connection.

`acquire` never awaits: it gives an idle connection at once, or puts the exchange in line and opens one. A
connection that opens or falls idle goes to whoever is first in line, so that an exchange waits for any
connection and not for one. The line is bounded in length, and by the exchange's deadline in time.
"""

import asyncio
import random
from collections import deque
from time import perf_counter
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from strangler.proxy import refusals
from strangler.proxy.health import Health
from strangler.proxy.refusals import Refusal, Refused
from strangler.proxy.upstream import UpstreamConnection

if TYPE_CHECKING:
    from strangler.config import Limits, Timeouts
    from strangler.proxy.exchange import Exchange

RETRY_BUDGET: Final = 32.0
"""Retries that may be made at once; each request earns a tenth of one."""
RETRY_EARNED: Final = 0.1


class Address:
    """One address of an upstream."""

    __slots__ = ("busy", "connecting", "health", "host", "idle", "label", "port")

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self.host = parts.hostname
        self.port = parts.port or 80
        self.label = f"{self.host}:{self.port}".encode()
        self.health = Health()
        self.idle: list[UpstreamConnection] = []
        self.busy = 0
        self.connecting = 0


class Pool:
    """What stands behind one side of one domain."""

    __slots__ = (
        "_limits",
        "_loop",
        "_only",
        "_tasks",
        "_timeouts",
        "addresses",
        "closing",
        "name",
        "retry_budget",
        "waiting",
    )

    def __init__(self, name: str, urls: tuple[str, ...], limits: "Limits", timeouts: "Timeouts") -> None:
        self.name = name
        self.addresses = [Address(url) for url in urls]
        self._only = self.addresses[0] if len(urls) == 1 else None
        self.waiting: deque[Exchange] = deque()
        self.retry_budget = RETRY_BUDGET
        self.closing = False
        self._limits = limits
        self._timeouts = timeouts
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def acquire(self, exchange: "Exchange") -> UpstreamConnection | None:
        """An idle connection; or None, and `exchange.connected` is called when there is one.

        Raises `Refused`. A retry is given a connection that has not been used, not a second stale one.
        """
        if self.retry_budget < RETRY_BUDGET:
            self.retry_budget += RETRY_EARNED
        address = self._only
        if address is None or address.health.state != "healthy":
            address = self._choose(again=exchange.retries > 0)
        idle = address.idle
        if idle and not self.waiting and not exchange.retries and address.health.state == "healthy":
            address.busy += 1
            return (
                idle.pop()
            )  # if it is closing, nothing is sent on it, and that is noticed at the turn's end
        if len(self.waiting) >= self._limits.waiting_for_upstream + address.connecting:
            raise Refused(refusals.UPSTREAM_BUSY)
        self.waiting.append(exchange)
        if not self._connect_for_waiting(address):
            for one in (address, *self.addresses):  # the chosen one first, or one on trial is never tried
                self._serve_waiting(one)
        return None

    def _choose(self, *, again: bool = False) -> Address:
        """Of two addresses taken at random, the one with less to do; ejected ones are left out.

        `again` asks for where a second attempt is most likely to succeed.
        """
        addresses = self.addresses
        usable = [address for address in addresses if address.health.state != "ejected"]
        if not usable:
            last = addresses[0].health.last_failure
            detail = f"{last.detail} It is tried again by itself."
            raise Refused(last.because(detail, retry_after_s=1))
        if again:
            return min(usable, key=lambda address: address.health.failures)
        one, other = random.choice(usable), random.choice(usable)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — balancing is no secret
        return one if one.busy + one.connecting <= other.busy + other.connecting else other

    def release(self, connection: UpstreamConnection) -> None:
        """A connection whose answer is complete, to be used again."""
        address = connection.address
        address.busy -= 1
        address.idle.append(connection)
        if self.waiting:
            self._serve_waiting(address)

    def lost(self, connection: UpstreamConnection, *, was_busy: bool) -> None:
        """A connection is gone; whoever waits may need another one in its place."""
        address = connection.address
        if was_busy:
            address.busy -= 1
        elif connection in address.idle:
            address.idle.remove(connection)
        if self.waiting and address.health.state != "ejected":
            self._connect_for_waiting(address)

    def failed(self, address: Address, failure: Refusal) -> None:
        """An address broke off, or stayed silent for too long, before it had answered."""
        address.health.failed(failure, perf_counter())
        self._fail_waiting(failure)

    def answered(self, address: Address) -> None:
        """An address that had failed answers again."""
        address.health.answered()
        while self.waiting and self._connect_for_waiting(address):
            pass

    def forget(self, exchange: "Exchange") -> None:
        """An exchange waits no longer: its client is gone, or its time is over."""
        if exchange in self.waiting:
            self.waiting.remove(exchange)

    def may_retry(self) -> bool:
        """Take one retry from the budget, if there is one left."""
        if self.retry_budget < 1:
            return False
        self.retry_budget -= 1
        return True

    def is_full(self) -> bool:
        """Whether every usable address has all its connections in use."""
        most = self._limits.upstream_connections
        return all(address.busy >= most for address in self.addresses if address.health.state != "ejected")

    def tick(self, now: float) -> None:
        """Close what has been idle for long, before the upstream does; try ejected addresses again."""
        oldest = now - self._timeouts.upstream_idle_s
        for address in self.addresses:
            idle = address.idle
            if idle and idle[0].idle_since < oldest:
                for connection in [one for one in idle if one.idle_since < oldest]:
                    idle.remove(connection)
                    connection.transport.close()
            if address.health.due(now) and not address.connecting:
                self._connect(address)

    async def close(self) -> None:
        self.closing = True
        for address in self.addresses:
            for connection in address.idle:
                connection.transport.abort()
            address.idle.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _serve_waiting(self, address: Address) -> None:
        while self.waiting and address.idle and self._has_room(address):
            connection = address.idle.pop()
            if connection.transport.is_closing():
                continue
            address.busy += 1
            self.waiting.popleft().connected(connection)

    def _connect_for_waiting(self, address: Address) -> bool:
        """Open one more connection if those that are being opened are not enough."""
        if address.idle or address.connecting >= len(self.waiting) or not self._has_room(address):
            return False
        if address.busy + address.connecting >= self._limits.upstream_connections:
            return False
        self._connect(address)
        return True

    @staticmethod
    def _has_room(address: Address) -> bool:
        return address.health.state == "healthy" or (address.health.state == "trial" and not address.busy)

    def _connect(self, address: Address) -> None:
        address.connecting += 1
        task = self._loop.create_task(self._open(address))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, address: Address) -> None:
        failure: Refusal | None = None
        try:
            async with asyncio.timeout(self._timeouts.connect_s):
                _, connection = await self._loop.create_connection(
                    lambda: UpstreamConnection(self, address), address.host, address.port
                )
        except TimeoutError:
            failure = refusals.UPSTREAM_TIMEOUT.because("No connection could be made in time.")
        except OSError:
            failure = refusals.UPSTREAM_DOWN
        finally:
            address.connecting -= 1
        if failure is not None:
            self._not_opened(address, failure)
        elif self.closing:
            connection.transport.abort()
        else:
            address.health.reachable()
            connection.idle_since = perf_counter()
            address.idle.append(connection)
            self._serve_waiting(address)

    def _not_opened(self, address: Address, failure: Refusal) -> None:
        """The first in line is told, unless the attempt was made for nobody:

        to see whether an address is back.
        """
        for_nobody = address.health.state == "ejected"
        address.health.failed(failure, perf_counter())
        if self.waiting and not for_nobody:
            self.waiting.popleft().not_connected(failure)
        self._fail_waiting(failure)

    def _fail_waiting(self, failure: Refusal) -> None:
        """When every address is ejected, nobody waits for anything."""
        if all(address.health.state == "ejected" for address in self.addresses):
            waiting, self.waiting = self.waiting, deque()
            for exchange in waiting:
                exchange.not_connected(failure)
