"""Ending asyncio tasks."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

CANCEL_EVERY_S: Final = 0.2


async def call_off(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel them until each has heard and ended; what they raise meanwhile comes too late.

    Once is not enough: a wait_for that meets the end of what it waits for swallows it (before Python 3.12).
    """
    left = {task for task in tasks if not task.done()}
    called_off = set(left)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_EVERY_S)
    for task in called_off:
        if not task.cancelled():
            task.exception()
