"""Ctrl-C and SIGTERM: what they interrupt, and what is finished first."""

from __future__ import annotations

import asyncio
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator
    from types import FrameType

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)

_Result = TypeVar("_Result")


def as_ctrl_c(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def never() -> Generator[None]:
    """The block is not interrupted, and nothing is heard of it afterwards."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Like `asyncio.run`, for what is soon done: it is finished first, then KeyboardInterrupt is raised.

    Who asks twice does not want to wait for that. asyncio's own way is to cancel what runs, which a wait may
    take for its time-out: then nobody hears of it.
    """
    asked: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if len(asked) > 1:
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in SIGNALS}
    heard = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heard:
        signal.signal(number, note)
    try:
        return asyncio.run(work)
    finally:
        for number in heard:
            signal.signal(number, before[number])
        if asked:
            raise KeyboardInterrupt
