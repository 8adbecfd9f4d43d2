"""Starting one operating-system process so that it can always be found and ended again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from deploy.local.leftovers import end_orphans
from deploy.local.logs import ProcessLog, Terminal
from deploy.local.marks import is_alive, read_mark
from deploy.local.refusals import StartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.folders import Folders
    from deploy.local.parts import Command

_LAUNCHER = str(Path(__file__).with_name("launch.py"))
_FLUSH_S = 1.0


class Child(asyncio.SubprocessProtocol):
    """A running process: its output goes to its log, its end into `exited` (negative: by that signal)."""

    def __init__(self, log: ProcessLog) -> None:
        loop = asyncio.get_running_loop()
        self.pid = 0
        self.exited: asyncio.Future[int] = loop.create_future()
        self._closed: asyncio.Future[None] = loop.create_future()
        self._log = log
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.SubprocessTransport", transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        del fd
        self._log.feed(data)

    def process_exited(self) -> None:
        assert self._transport is not None
        code = self._transport.get_returncode()
        # Its children are of its session; of a master that was killed they live on (nginx's workers do).
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGTERM)
        if not self.exited.done():
            self.exited.set_result(code if code is not None else 0)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._log.end()
        if not self._closed.done():
            self._closed.set_result(None)

    async def last_words(self) -> None:
        """Wait until its output is read; a grandchild that holds the pipe open is not waited for."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._closed), _FLUSH_S)
        if self._transport is not None:
            self._transport.close()

    def send(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                os.kill(self.pid, number)

    async def stop(self, number: int, within_s: float, force: asyncio.Event) -> bool:
        """Ask it to end; kill it when the time is over or `force` is set. Whether it ended by itself."""
        self.send(number)
        forced = asyncio.ensure_future(force.wait())
        try:
            waiting: list[asyncio.Future[Any]] = [self.exited, forced]
            await asyncio.wait(waiting, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            forced.cancel()
        ended = self.exited.done()
        if not ended:
            self.send(signal.SIGKILL)
        await self.exited
        return ended


class Spawner:
    """Starts processes of one stack, each in a session of its own with a pid file and a log."""

    def __init__(self, folders: Folders, terminal: Terminal, environment: Mapping[str, str]) -> None:
        self.folders = folders
        self.terminal = terminal
        self._environment = {**environment, "BANYAN_LOCAL_DIR": str(folders.state)}
        self._logs: dict[str, ProcessLog] = {}
        self._order = 0

    def log(self, name: str) -> ProcessLog:
        if name not in self._logs:
            self._logs[name] = ProcessLog(name, self.folders.logs / f"{name}.log", self.terminal)
        return self._logs[name]

    async def spawn(self, name: str, command: Command) -> Child:
        """Start it; the caller must wait for `exited` and then call `buried`."""
        self._order += 1
        order = {
            "name": name,
            "order": self._order,
            "state": str(self.folders.state),
            "pid_file": str(self._pid_file(name)),
            "stop_signal": int(command.stop_signal),
            "identity": command.identity,
            "parent": os.getpid(),
            "command": command.argv,
        }
        loop = asyncio.get_running_loop()
        log = self.log(name)
        log.aloud = command.aloud
        _, child = await loop.subprocess_exec(
            lambda: Child(log),
            sys.executable,
            "-I",
            "-S",
            _LAUNCHER,
            json.dumps(order),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=command.folder or self.folders.root,
            env={**self._environment, **command.environment},
            start_new_session=True,
        )
        return child

    async def buried(self, name: str, child: Child) -> None:
        """After its end: what is left of it is read, its orphans are ended, its pid file goes."""
        await child.last_words()
        path = self._pid_file(name)
        mark = read_mark(path)
        if mark is not None and mark.pid == child.pid and not is_alive(mark):
            end_orphans(mark)
            path.unlink(missing_ok=True)

    async def run(self, name: str, command: Command, within_s: float = 600.0) -> None:
        """Run a program to its end; raises StartFailed with what it said unless it answers 0."""
        child = await self.spawn(name, command)
        try:
            code = await asyncio.wait_for(asyncio.shield(child.exited), within_s)
        except TimeoutError:
            child.send(signal.SIGKILL)
            await child.exited
            raise StartFailed(f"{name} did not finish within {within_s:.0f} s.{self.story(name)}") from None
        except asyncio.CancelledError:
            await child.stop(command.stop_signal, 5.0, asyncio.Event())
            raise
        finally:
            await self.buried(name, child)
        if code != 0:
            raise StartFailed(f"{name} failed ({outcome(code)}).{self.story(name)}")

    def story(self, name: str) -> str:
        """The last lines of its log, indented, for the message of a failure."""
        lines = self.log(name).last
        told = "".join(f"\n    {line}" for line in lines) if lines else " It said nothing."
        return f" Its last words (all of them: {self.log(name).path}):{told}" if lines else told

    def close(self) -> None:
        for log in self._logs.values():
            log.close()

    def _pid_file(self, name: str) -> Path:
        return self.folders.pids / f"{name}.json"


def outcome(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"
