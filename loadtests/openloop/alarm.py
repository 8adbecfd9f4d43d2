"""Wakes the loop at an instant, to some ten microseconds: the loop's own timers know milliseconds alone.

On Linux a timer of the kernel (timerfd_create(2)), which the loop watches like a connection; elsewhere the
loop's timer, and with it up to a millisecond more in each latency.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import sys
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

_CLOCK_MONOTONIC: Final = 1
_ABSOLUTE: Final = 1
_FLAGS: Final = os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0)
_SOONEST_NS: Final = 1
"""Zero would stop the timer."""


class Alarm(Protocol):
    """Calls back once, at an instant of `time.monotonic()`."""

    def set(self, at: float) -> None: ...

    def close(self) -> None: ...


def alarm(ring: Callable[[], None]) -> Alarm:
    """The best that this machine has, on the running loop."""
    return _KernelAlarm(ring) if sys.platform == "linux" else _LoopAlarm(ring)


class _Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _Setting(ctypes.Structure):
    _fields_ = [("interval", _Timespec), ("value", _Timespec)]


class _KernelAlarm:
    def __init__(self, ring: Callable[[], None]) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.timerfd_create(_CLOCK_MONOTONIC, _FLAGS)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._setting = _Setting()
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._fd, self._rang)

    def set(self, at: float) -> None:
        value = self._setting.value
        value.seconds, value.nanoseconds = divmod(max(_SOONEST_NS, int(at * 1e9)), 1_000_000_000)
        if self._libc.timerfd_settime(self._fd, _ABSOLUTE, ctypes.byref(self._setting), None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _rang(self) -> None:
        try:
            os.read(self._fd, 8)
        except BlockingIOError:
            return  # it was set anew meanwhile
        self._ring()


class _LoopAlarm:
    def __init__(self, ring: Callable[[], None]) -> None:
        self._ring = ring
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        self._handle = self._loop.call_later(max(0.0, at - time.monotonic()), self._ring)

    def close(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
