"""What is done when a window is over, so that the next one finds the site as this one did."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from loadtests.openloop.cast import Cast, Subject, in_turns
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
