"""What a stack is made of: processes that stay, and steps that finish. `supervisor` runs them."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping
    from pathlib import Path

    from deploy.local.identity import Identity
    from deploy.local.processes import Spawner
    from deploy.local.readiness import Probe


@dataclass(frozen=True, slots=True)
class Command:
    """A program as it is started; `environment` is added to the stack's common one."""

    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    identity: Identity = None
    stop_signal: signal.Signals = signal.SIGTERM
    aloud: bool = True
    """Whether what it prints is shown on the terminal too, and not in its log alone."""


@dataclass(frozen=True, slots=True)
class Daemon:
    """A process that is kept running; others that need it wait until `ready` answers."""

    name: str
    command: Command
    ready: Probe
    needs: tuple[str, ...] = ()
    note: str = ""
    stops_before: tuple[str, ...] = ()
    """Parts that it does not need in order to start, and that must outlive it."""
    start_within_s: float = 30.0
    stop_within_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done once, when what it needs is ready; it must be able to run again."""

    name: str
    act: Callable[[Spawner], Awaitable[None]]
    needs: tuple[str, ...] = ()


Part = Daemon | Step


class BadGraph(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """A part needs one that does not exist, or needs itself by a detour."""


def in_order(parts: Iterable[Part]) -> list[Part]:
    """The parts so that each comes after what it needs, otherwise as given; raises BadGraph."""
    waiting = {part.name: part for part in parts}
    known = set(waiting)
    for part in waiting.values():
        for need in part.needs:
            if need not in known:
                raise BadGraph(f"{part.name} needs {need}, which is not part of the stack")
    done: dict[str, Part] = {}
    while waiting:
        able = [part for part in waiting.values() if all(need in done for need in part.needs)]
        if not able:
            raise BadGraph("these need each other: " + ", ".join(sorted(waiting)))
        for part in able:
            done[part.name] = waiting.pop(part.name)
    return list(done.values())


def only(parts: Iterable[Part], names: Iterable[str]) -> list[Part]:
    """The named parts and all that they need; raises BadGraph for an unknown name."""
    every = {part.name: part for part in parts}
    wanted: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in every:
            raise BadGraph(f"{name} is not part of the stack; there are: {', '.join(every)}")
        if name not in wanted:
            wanted.add(name)
            pending.extend(every[name].needs)
    return [part for part in every.values() if part.name in wanted]
