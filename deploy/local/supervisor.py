"""Runs the parts of a stack: each starts when what it needs is ready, and again when it died.

What it must never do: restart without a pause, or wait for anything without an end.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from common.tasks import call_off
from deploy.local.parts import Daemon, Part, Step, in_order
from deploy.local.processes import Child, Spawner, outcome
from deploy.local.readiness import NOT_YET
from deploy.local.refusals import StartFailed

if TYPE_CHECKING:
    from collections.abc import Iterable

State = Literal["waiting", "starting", "ready", "restarting", "stopping", "stopped", "done"]
_PROBE_TIMEOUT_S = 3.0
_PROBE_PAUSES_S = (0.02, 0.02, 0.03, 0.05, 0.05, 0.1, 0.1, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class RestartRule:
    """Pauses double from `first_s` to `cap_s`; after `healthy_s` of running they begin anew."""

    first_s: float = 0.5
    cap_s: float = 30.0
    healthy_s: float = 60.0
    start_attempts: int = 3
    """A process that never became ready is tried this often before the whole start is given up."""

    def pause(self, failures: int) -> float:
        return min(self.cap_s, self.first_s * 2.0 ** min(max(failures - 1, 0), 30))


@dataclass(slots=True)
class Unit:
    """A daemon as it runs now."""

    spec: Daemon
    state: State = "waiting"
    child: Child | None = None
    restarts: int = 0
    ready_after_s: float | None = None
    keeper: asyncio.Task[None] | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    stop_asked: asyncio.Event = field(default_factory=asyncio.Event)
    gave_up: asyncio.Future[str] | None = None


class Supervisor:
    """One stack from its start to its end."""

    def __init__(self, parts: Iterable[Part], spawner: Spawner, rule: RestartRule | None = None) -> None:
        self.parts = in_order(parts)
        self.units = {part.name: Unit(part) for part in self.parts if isinstance(part, Daemon)}
        self.step_states: dict[str, State] = {p.name: "waiting" for p in self.parts if isinstance(p, Step)}
        self._spawner = spawner
        self._rule = rule or RestartRule()
        self._force = asyncio.Event()
        self._done = {part.name: asyncio.Event() for part in self.parts}

    async def start(self) -> None:
        """Everything, side by side where the graph allows; raises StartFailed at the first that cannot."""
        tasks = [asyncio.create_task(self._start(part), name=part.name) for part in self.parts]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def stop(self) -> None:
        """In reverse order: a part is asked to stop when nothing that needs it runs any more."""
        stopped = {name: asyncio.Event() for name in self._done}

        async def stop_one(part: Part) -> None:
            for other in self.parts:
                if part.name in other.needs or (
                    isinstance(other, Daemon) and part.name in other.stops_before
                ):
                    await stopped[other.name].wait()
            if isinstance(part, Daemon):
                await self.stop_unit(part.name)
            stopped[part.name].set()

        await asyncio.gather(*(stop_one(part) for part in self.parts))

    def force(self) -> None:
        """Stop waiting for anybody: whoever is still there is killed."""
        self._force.set()

    async def stop_unit(self, name: str) -> None:
        """Stop one daemon and leave it stopped."""
        unit = self.units[name]
        unit.stop_asked.set()
        if unit.keeper is not None:
            await asyncio.wait({unit.keeper})
        unit.state = "stopped"

    async def start_unit(self, name: str) -> None:
        """Start one daemon that was stopped; returns when it is ready, raises StartFailed if it cannot be."""
        unit = self.units[name]
        if unit.keeper is None or unit.keeper.done():
            self._keep(unit)
        await _until_up(unit)

    def kill_unit(self, name: str, number: int) -> int:
        """Send a signal to one daemon, as a crash would come; answers its pid."""
        child = self.units[name].child
        if child is None or child.exited.done():
            raise StartFailed(f"{name} is not running")
        child.send(number)
        return child.pid

    async def _start(self, part: Part) -> None:
        for need in part.needs:
            await self._done[need].wait()
        if isinstance(part, Step):
            self.step_states[part.name] = "starting"
            began = time.monotonic()
            await part.act(self._spawner)
            self.step_states[part.name] = "done"
            self._spawner.terminal.line(part.name, f"done in {time.monotonic() - began:.1f} s".encode())
        else:
            unit = self.units[part.name]
            self._keep(unit)
            await _until_up(unit)
            note = f" ({part.note})" if part.note else ""
            self._spawner.terminal.line(part.name, f"ready in {unit.ready_after_s:.1f} s{note}".encode())
        self._done[part.name].set()

    def _keep(self, unit: Unit) -> None:
        unit.stop_asked = asyncio.Event()
        unit.gave_up = asyncio.get_running_loop().create_future()
        unit.keeper = asyncio.create_task(self._keep_running(unit), name=f"keep {unit.spec.name}")

    async def _keep_running(self, unit: Unit) -> None:
        """Start, watch, and start again, until it is not wanted or never came up."""
        log = self._spawner.log(unit.spec.name)
        failures = 0
        came_up = False
        while not unit.stop_asked.is_set():
            unit.state = "starting"
            began = time.monotonic()
            child = unit.child = await self._spawner.spawn(unit.spec.name, unit.spec.command)
            reason = await self._until_ready(unit, child)
            if reason is None:
                came_up = True
                unit.ready_after_s = time.monotonic() - began
                unit.state = "ready"
                unit.ready.set()
                await _exited_or_asked(child, unit)
                unit.ready.clear()
            if unit.stop_asked.is_set():
                unit.state = "stopping"
                if not await child.stop(unit.spec.command.stop_signal, unit.spec.stop_within_s, self._force):
                    log.say("did not stop in time and was killed")
            code = await child.exited
            await self._spawner.buried(unit.spec.name, child)
            if unit.stop_asked.is_set():
                break
            uptime = time.monotonic() - began
            failures = 1 if reason is None and uptime >= self._rule.healthy_s else failures + 1
            if not came_up and failures >= self._rule.start_attempts:
                unit.state = "stopped"
                assert unit.gave_up is not None
                unit.gave_up.set_result(
                    f"{unit.spec.name} did not start: {reason}.{self._spawner.story(unit.spec.name)}"
                )
                return
            pause = self._rule.pause(failures)
            unit.state = "restarting"
            unit.restarts += 1
            log.say(f"{reason or outcome(code)} after {uptime:.1f} s; starting it again in {pause:.1f} s")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(unit.stop_asked.wait(), pause)
        unit.state = "stopped"

    async def _until_ready(self, unit: Unit, child: Child) -> str | None:
        """None when it answers; else why it does not, with the process ended."""
        probing = asyncio.create_task(_probe(unit.spec))
        asked = asyncio.ensure_future(unit.stop_asked.wait())
        try:
            await _first_of(probing, child.exited, asked, timeout_s=unit.spec.start_within_s)
            if asked.done():
                return "it was stopped"
            if child.exited.done():
                return outcome(child.exited.result())
            if probing.done():
                probing.result()
                return None
        finally:
            asked.cancel()
            await call_off([probing])
        reason = await _one_probe(unit.spec) or "it answered at the last moment"
        await child.stop(unit.spec.command.stop_signal, unit.spec.stop_within_s, self._force)
        return f"not ready within {unit.spec.start_within_s:.0f} s ({reason})"


async def _until_up(unit: Unit) -> None:
    assert unit.gave_up is not None
    assert unit.keeper is not None
    up = asyncio.ensure_future(unit.ready.wait())
    try:
        await _first_of(up, unit.gave_up, unit.keeper)
    finally:
        up.cancel()
    if unit.gave_up.done():
        raise StartFailed(unit.gave_up.result())
    if unit.keeper.done():
        unit.keeper.result()
        if not unit.ready.is_set():
            raise StartFailed(f"{unit.spec.name} was stopped while it was starting")


async def _probe(spec: Daemon) -> None:
    attempt = 0
    while await _one_probe(spec) is not None:
        await asyncio.sleep(_PROBE_PAUSES_S[min(attempt, len(_PROBE_PAUSES_S) - 1)])
        attempt += 1


async def _one_probe(spec: Daemon) -> str | None:
    try:
        await asyncio.wait_for(spec.ready(), _PROBE_TIMEOUT_S)
    except NOT_YET as error:
        return str(error) or type(error).__name__
    return None


async def _exited_or_asked(child: Child, unit: Unit) -> None:
    asked = asyncio.ensure_future(unit.stop_asked.wait())
    try:
        await _first_of(child.exited, asked)
    finally:
        asked.cancel()


async def _first_of(*futures: asyncio.Future[Any], timeout_s: float | None = None) -> None:
    await asyncio.wait(futures, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
