"""The parent of the workers: opens their sockets, starts them, replaces what dies, answers on the admin port.

Each worker slot has a listening socket of its own on the one port (SO_REUSEPORT: the kernel spreads
connections), which stays open in here when its worker ends: what waits in its queue is accepted by the next
worker. SIGTERM drains and ends; SIGHUP replaces the workers one by one, with the code as it is then on disk.
"""

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Collection
from dataclasses import dataclass, field
from time import monotonic
from typing import Any, Final

import orjson
import structlog

from strangler.config import ProxyConfig
from strangler.proxy.admin import serve_admin
from strangler.routing.restoring import keep_filled

FIRST_BACKOFF_S: Final = 0.1
LONGEST_BACKOFF_S: Final = 5.0
STEADY_S: Final = 10.0
"""A worker that has lived this long has not failed at its start."""
START_TIMEOUT_S: Final = 30.0
REPORT_TIMEOUT_S: Final = 2.0
REPORT_BYTES: Final = 64 << 20
KILL_AFTER_S: Final = 2.0

_log: Final = structlog.get_logger("supervisor")


class WorkerGone(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """The worker ended, or does not answer."""


@dataclass(slots=True)
class Worker:
    process: asyncio.subprocess.Process
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    started: float = field(default_factory=monotonic)
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)
    ready: bool = False

    async def wait_until_ready(self) -> None:
        async with asyncio.timeout(START_TIMEOUT_S):
            if not await self.reader.readline():
                raise WorkerGone
        self.ready = True

    async def report(self) -> dict[str, Any]:
        """Raises `WorkerGone`."""
        try:
            async with self.asking, asyncio.timeout(REPORT_TIMEOUT_S):
                self.writer.write(b"report\n")
                line = await self.reader.readline()
        except (TimeoutError, OSError) as error:
            raise WorkerGone from error
        if not line:
            raise WorkerGone
        answer: dict[str, Any] = orjson.loads(line)
        return answer

    async def end(self, within_s: float) -> None:
        """Ask it to drain; kill it if it does not end."""
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        try:
            async with asyncio.timeout(within_s):
                await self.process.wait()
        except TimeoutError:
            _log.warning("worker did not end in time", pid=self.process.pid)
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        self.writer.close()


class Supervisor:
    def __init__(self, config: ProxyConfig) -> None:
        self.config = config
        self.listeners = open_listeners(config.host, config.port, config.workers)
        self.workers: list[Worker | None] = [None] * config.workers
        self.stopping = asyncio.Event()

    @property
    def port(self) -> int:
        port: int = self.listeners[0].getsockname()[1]
        return port

    def warn_of_upstreams_without_routes(self, domains: Collection[str]) -> None:
        """A name that is no domain's is most likely misspelt, and its domain's service missing."""
        for name in self.config.upstreams.keys() - {"legacy", *domains}:
            _log.warning("upstream without routes", variable=f"BANYAN_UPSTREAM_{name.upper()}")

    async def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stopping.set)
        rolls: set[asyncio.Task[None]] = set()

        def roll() -> None:
            task = asyncio.create_task(self.roll())
            rolls.add(task)
            task.add_done_callback(rolls.discard)

        loop.add_signal_handler(signal.SIGHUP, roll)
        try:
            async with serve_admin(self):
                tasks = [asyncio.create_task(self._keep_slot(slot)) for slot in range(self.config.workers)]
                if self.config.database_url:
                    filler = keep_filled(self.config.redis_url, self.config.database_url)
                    tasks.append(asyncio.create_task(filler))
                _log.info("listening", host=self.config.host, port=self.port, workers=self.config.workers)
                await self.stopping.wait()
                await self._end([*tasks, *rolls])
        finally:
            for listener in self.listeners:
                listener.close()

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        within_s = self.config.timeouts.drain_s + KILL_AFTER_S
        await asyncio.gather(*(worker.end(within_s) for worker in self.workers if worker))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def reports(self) -> list[dict[str, Any] | None]:
        """Of each slot, what its worker reports; None where there is none or it does not answer."""
        results = await asyncio.gather(
            *(worker.report() for worker in self.workers if worker and worker.ready), return_exceptions=True
        )
        answers = [result if isinstance(result, dict) else None for result in results]
        return answers + [None] * (len(self.workers) - len(answers))

    async def roll(self) -> None:
        """Replace the workers one after the other; the old one ends when the new one serves."""
        for slot, old in enumerate(self.workers):
            new = await self._start(slot)
            try:
                await new.wait_until_ready()
            except (WorkerGone, TimeoutError):
                _log.error("new worker did not start; the old ones stay", slot=slot)
                await new.end(0)
                return
            self.workers[slot] = new
            if old is not None:
                await old.end(self.config.timeouts.drain_s + KILL_AFTER_S)

    async def _keep_slot(self, slot: int) -> None:
        """Keep one worker alive in the slot; after a crash wait, and longer if it crashes at once again."""
        backoff_s = FIRST_BACKOFF_S
        while not self.stopping.is_set():
            worker = self.workers[slot]
            if worker is None:
                worker = self.workers[slot] = await self._start(slot)
                with contextlib.suppress(WorkerGone, TimeoutError):
                    await worker.wait_until_ready()
            code = await worker.process.wait()
            if self.stopping.is_set():
                return
            if self.workers[slot] is not worker:
                continue  # replaced on purpose
            self.workers[slot] = None
            worker.writer.close()
            if monotonic() - worker.started > STEADY_S:
                backoff_s = FIRST_BACKOFF_S
            _log.error("worker ended", slot=slot, pid=worker.process.pid, code=code, restart_in_s=backoff_s)
            await asyncio.sleep(backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _start(self, slot: int) -> Worker:
        ours, theirs = socket.socketpair()
        listener = self.listeners[slot]
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "strangler",
                "proxy-worker",
                str(listener.fileno()),
                str(theirs.fileno()),
                pass_fds=(listener.fileno(), theirs.fileno()),
                start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then drains them
            )
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=REPORT_BYTES)
        return Worker(process, reader, writer)


def open_listeners(host: str, port: int, count: int) -> list[socket.socket]:
    """A listening socket for each worker, all on one port. Raises OSError if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:  # SO_REUSEPORT would share the port with another strangler
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((host, port))
    listeners = []
    for _ in range(count):
        listener = socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
        listener.listen(2048)
        port = listener.getsockname()[1]
        listeners.append(listener)
    return listeners
