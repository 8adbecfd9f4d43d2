"""Bells: what wakes a listener when a source has said something that it wants to hear.

A stream wakes whoever waits at it, whatever is said there, and to be woken for nothing costs a process
almost as much as to be woken for something. So a listener notes at each source which types of events it
wants, and the relay rings for those whom its entries concern. A bell that is lost costs a second: so
often listeners look by themselves, and learn of what they do not want that it was said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from redis.asyncio.client import Pipeline

    from common.events.connections import Command

WAIT_S: Final = 1
"""For how long a listener waits for its bell before it looks by itself: well below its connection's time-out,
and below half of the time for which it is taken for alive."""


def bell_of(listener: str) -> str:
    """A list that is empty, or of one element: rung."""
    return f"events:bell:{listener}"


def listeners_of(source: str) -> str:
    """A hash of what each listener of a source wants to hear."""
    return f"events:{source}:listeners"


def note_wants(pipe: Pipeline, source: str, listener: str, types: Iterable[str]) -> None:
    pipe.hset(listeners_of(source), listener, " ".join(sorted(types)))


def read_wants(noted: Mapping[bytes, bytes]) -> dict[str, frozenset[str]]:
    """Types of events by listener, of what `note_wants` has written."""
    return {name.decode(): frozenset(types.decode().split()) for name, types in noted.items()}


def concerned(wants: Mapping[str, Collection[str]], types: Collection[str]) -> list[str]:
    """The listeners that want any of these types."""
    return [name for name, wanted in wants.items() if any(each in wanted for each in types)]


def rings(listeners: Iterable[str]) -> Iterator[Command]:
    """What wakes them, or lets them find the bell rung when they come to wait."""
    for name in listeners:
        yield "LPUSH", bell_of(name), "1"
        yield "LTRIM", bell_of(name), 0, 0


def ring(pipe: Pipeline, listeners: Iterable[str]) -> None:
    for command in rings(listeners):
        pipe.execute_command(*command)
