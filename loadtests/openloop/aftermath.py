"""What is done when a window is over, so that the next one finds the site as this one did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeAlias

from loadtests.openloop.cast import CannotAskError, Cast, Subject, in_turns
from loadtests.openloop.sales import give_up

if TYPE_CHECKING:
    from loadtests.wire import Answer

Aftermath: TypeAlias = Callable[[Cast, list[Subject], "list[tuple[Subject, Answer]]"], Awaitable[None]]
"""Takes all the subjects that there were, and the right answers with the subject of each."""


async def give_up_booked(cast: Cast, _subjects: list[Subject], heard: list[tuple[Subject, Answer]]) -> None:
    """Bookings that were made in the window."""
    await give_up(cast, [Subject(order.by, answer.json()["id"]) for order, answer in heard])


async def give_up_subjects(cast: Cast, subjects: list[Subject], _heard: list[tuple[Subject, Answer]]) -> None:
    """Bookings that were made for the window."""
    await give_up(cast, subjects)


async def give_up_paid_for(cast: Cast, subjects: list[Subject], _heard: list[tuple[Subject, Answer]]) -> None:
    """Bookings that the payments of the window are for."""
    await give_up(cast, [payment.more for payment in subjects])


async def forget_travellers(
    cast: Cast, _subjects: list[Subject], heard: list[tuple[Subject, Answer]]
) -> None:
    async def forget(kept: tuple[Subject, Answer]) -> None:
        await cast.ask("DELETE", f"/api/users/me/travellers/{kept[1].json()['id']}", kept[0].by)

    await in_turns(heard, forget)


async def restore_delays(cast: Cast, _subjects: list[Subject], heard: list[tuple[Subject, Answer]]) -> None:
    await _restore(cast, "/api/trips/{id}", heard)


async def restore_phones(cast: Cast, _subjects: list[Subject], heard: list[tuple[Subject, Answer]]) -> None:
    await _restore(cast, "/api/users/me", heard)


async def _restore(cast: Cast, path: str, heard: list[tuple[Subject, Answer]]) -> None:
    """What each subject that was changed had before, once each."""

    async def restore(subject: Subject) -> None:
        with suppress(CannotAskError):  # the departure may be over, or cancelled meanwhile
            await cast.ask("PATCH", path.replace("{id}", subject.id), subject.by, subject.more)

    await in_turns({subject.id: subject for subject, _ in heard}.values(), restore)
