"""Tasks that are called off end, also those that have not heard it the first time."""

from __future__ import annotations

import asyncio

from common.tasks import call_off


async def test_a_task_that_swallows_its_first_cancellation_ends_all_the_same() -> None:
    swallowed = asyncio.Event()

    async def hard_of_hearing() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            swallowed.set()
        await asyncio.Event().wait()

    tasks = [asyncio.create_task(hard_of_hearing()), asyncio.create_task(asyncio.Event().wait())]
    await asyncio.sleep(0)
    await call_off(tasks)
    assert swallowed.is_set()
    assert all(task.cancelled() for task in tasks)


async def test_what_a_task_raises_as_it_ends_is_not_raised_here() -> None:
    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise OSError("the line is cut")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)
    await call_off([task])
    assert task.done()
