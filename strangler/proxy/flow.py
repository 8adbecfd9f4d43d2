"""Backpressure: reading from one side stops while the other side, or something else, cannot take more.

asyncio tells a protocol when its transport's write buffer is full; the answer is to stop reading from where
the bytes come from. Several reasons can hold at once, and reading goes on when the last of them is gone.
"""

import asyncio
from typing import Final

OTHER_SIDE_FULL: Final = 1
NO_UPSTREAM_YET: Final = 2
PIPELINE_FULL: Final = 4

WRITE_BUFFER_BYTES: Final = 65536


class ReadGate:
    """Reading from one transport, open as long as there is no reason against it."""

    __slots__ = ("_transport", "reasons")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.reasons = 0

    def close(self, reason: int) -> None:
        if not self.reasons and not self._transport.is_closing():
            self._transport.pause_reading()
        self.reasons |= reason

    def open(self, reason: int) -> None:
        if self.reasons & reason:
            self.reasons &= ~reason
            if not self.reasons and not self._transport.is_closing():
                self._transport.resume_reading()

    def reset(self) -> None:
        """No reason holds any more."""
        self.open(self.reasons)
