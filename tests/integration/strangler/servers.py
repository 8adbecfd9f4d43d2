"""A Valkey of a test's own, to kill, empty and start again: on a socket file, so no port can be taken."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import tempfile
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy.local.binaries import find_valkey

if TYPE_CHECKING:
    from collections.abc import Callable


class PrivateValkey:
    """Keeps nothing across a restart."""

    def __init__(self) -> None:
        # Socket paths are short, and pytest's folders are long.
        self._folder = Path(tempfile.mkdtemp(prefix="vk-"))
        self._socket = self._folder / "s"
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"unix://{self._socket}"

    async def start(self) -> None:
        options = ["--port", "0", "--unixsocket", self._socket, "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(
            [find_valkey().path, *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        async with Redis.from_url(self.url) as client:
            await until(lambda: answers(client), "Valkey answers")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        self.kill()
        for path in self._folder.iterdir():
            path.unlink()
        self._folder.rmdir()


async def answers(client: Redis) -> bool:
    with contextlib.suppress(RedisError, OSError):
        await client.ping()
        return True
    return False


async def until(condition: Callable[[], Any], what: str, within_s: float = 10.0) -> None:
    """Wait until a condition (which may be a coroutine function) holds."""
    deadline = monotonic() + within_s
    while True:
        result = condition()
        if asyncio.iscoroutine(result):
            result = await result
        if result:
            return
        assert monotonic() < deadline, f"not within {within_s} s: {what}"
        await asyncio.sleep(0.01)
