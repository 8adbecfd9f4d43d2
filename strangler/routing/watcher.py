"""Keeps one worker's snapshot up to date, and never lets it get worse.

It hears of a change on the channel, and asks for the version once a second as well, because a channel loses
messages. With Redis away, emptied or gone back in time it keeps the table it has, and says so; nothing in
here ever raises into its host.
"""

import asyncio
import contextlib
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any, Final, Self

import structlog
from redis.exceptions import RedisError

from common.tasks import call_off
from strangler.routing.saved import SavedTableUnusable, load_saved, save
from strangler.routing.snapshot import FlagTable, Snapshot, compile_snapshot, default_snapshot
from strangler.routing.store import CHANNEL, StoreUnreadable, connect, read_table, read_version
from strangler.routing.table import RouteTable

FIRST_ANSWER_WITHIN_S: Final = 1.5
"""How long a start waits for Redis before it goes by the disk."""
LONGEST_BACKOFF_S: Final = 3.0
LISTEN_S: Final = 30.0
"""How long the channel may be silent before it is asked whether it is still there."""

_AWAY: Final = (RedisError, OSError, TimeoutError)
_RESTORE: Final = "Next: banyan flag restore"
_log: Final = structlog.get_logger("flags")


class FlagWatcher:
    """`async with FlagWatcher(…) as watcher`: from then on `watcher.snapshot` is the one to decide by."""

    def __init__(
        self,
        *,
        table: RouteTable,
        redis_url: str,
        state_dir: Path,
        poll_s: float = 1.0,
        timeout_s: float = 2.0,
    ) -> None:
        # of the watcher
        self._table = table
        self._folder = Path(state_dir)
        self._poll_s = poll_s
        self._redis = connect(redis_url, timeout_s=timeout_s)
        self._heard = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        # of the table
        self.snapshot: Snapshot = default_snapshot(table)
        self._confirmed_at = monotonic()
        self._in_reach = False
        self._troubles: dict[str, str] = {}

    @property
    def state(self) -> dict[str, Any]:
        """For `/healthz`: whether the table is live, how old it is, and what is not as it should be.

        `age_s` is the time since Redis last confirmed the table.
        """
        return {
            "redis": self._in_reach,
            "version": self.snapshot.version,
            "source": self.snapshot.source,
            "age_s": round(monotonic() - self._confirmed_at, 3),
            "alarms": [*self._troubles.values(), *self.snapshot.alarms],
        }

    async def __aenter__(self) -> Self:
        await self._load_saved()
        try:
            async with asyncio.timeout(FIRST_ANSWER_WITHIN_S):
                await self._refresh()
        except TimeoutError as error:
            self._lost(error)
        self._tasks = [asyncio.create_task(self._poll()), asyncio.create_task(self._listen())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await call_off(self._tasks)
        with contextlib.suppress(*_AWAY):
            await self._redis.aclose()

    # ── hearing of a change ──────────────────────────────────────────────────────────────────────────────

    async def _poll(self) -> None:
        wait_s = self._poll_s
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._heard.wait()
            self._heard.clear()
            wait_s = self._poll_s if await self._refresh() else _longer(wait_s)

    async def _listen(self) -> None:
        wait_s = self._poll_s
        while True:
            began = monotonic()
            try:
                await self._hear()
            except _AWAY:
                pass  # the poll says so
            except Exception as error:  # ruff: ignore[blind-except] — whatever it is, polling finds the change
                _log.error("listening for flags failed", reason=repr(error))
            wait_s = self._poll_s if monotonic() - began > LONGEST_BACKOFF_S else _longer(wait_s)
            await asyncio.sleep(wait_s)

    async def _hear(self) -> None:
        """Wake the poll; what a message says does not matter, and before the first one some may be missed."""
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            while True:
                if await channel.get_message(timeout=LISTEN_S) is None:
                    await channel.ping()
                else:
                    self._heard.set()

    # ── what Redis says ──────────────────────────────────────────────────────────────────────────────────

    async def _refresh(self) -> bool:
        """Take over what is new in Redis; whether it answered."""
        try:
            trouble = await self._compare()
        except StoreUnreadable as error:
            trouble = f"Redis holds no usable flag table: {error}. {_RESTORE}"
        except _AWAY as error:
            self._lost(error)
            return False
        except Exception as error:  # ruff: ignore[blind-except] — a proxy must not fall over its flags
            self._note("table", f"Reading the flag table failed: {error!r}", exc_info=True)
            return False
        if not self._in_reach:
            self._in_reach = True
            _log.info("redis answers", version=self.snapshot.version)
        self._note("away", None)
        self._note("table", trouble)
        if trouble is None:
            self._confirmed_at = monotonic()
        return True

    async def _compare(self) -> str | None:
        """Take over the table if it is another; what is wrong with the one in Redis, if anything is."""
        current = self.snapshot
        found = await read_version(self._redis)
        if found == (current.version, current.stored.lineage) and current.source == "redis":
            return None
        stored = await read_table(self._redis) if found is not None else None
        if stored is None:
            if current.source == "defaults":
                return None  # nobody has ever set a flag
            return f"Redis has lost the flag table; version {current.version} stays in use. {_RESTORE}"
        if _is_older(stored, current):
            return (
                f"Redis went back from version {current.version} to {stored.version}; "
                f"the newer table stays in use. {_RESTORE}"
            )
        await self._take_over(compile_snapshot(self._table, stored, "redis", current))
        return None

    async def _take_over(self, snapshot: Snapshot) -> None:
        _log.info("flags taken over", version=snapshot.version, before=self.snapshot.version)
        self.snapshot = snapshot
        self._note("table", None)
        for alarm in snapshot.alarms:
            _log.error("flag not usable", alarm=alarm, version=snapshot.version)
        try:
            await asyncio.to_thread(save, self._folder, snapshot.effective())
        except OSError as error:
            self._note("disk", f"The flag table cannot be saved in {self._folder}: {error.strerror or error}")
        else:
            self._note("disk", None)

    async def _load_saved(self) -> None:
        try:
            saved = await asyncio.to_thread(load_saved, self._folder)
        except SavedTableUnusable as error:
            self._note("disk", str(error))
            return
        if saved is not None:
            self.snapshot = compile_snapshot(self._table, saved, "disk", None)
            for alarm in self.snapshot.alarms:
                _log.error("saved flag not usable", alarm=alarm)

    # ── what is told about it ────────────────────────────────────────────────────────────────────────────

    def _lost(self, error: Exception) -> None:
        self._in_reach = False
        reason = str(error) or type(error).__name__
        self._note(
            "away", f"Redis does not answer; version {self.snapshot.version} stays in use", reason=reason
        )

    def _note(self, about: str, trouble: str | None, **details: str | bool) -> None:
        """Keep a trouble for `state` until it is over, and log it once."""
        if trouble is None:
            self._troubles.pop(about, None)
        elif self._troubles.get(about) != trouble:
            self._troubles[about] = trouble
            _log.error("flags not live", trouble=trouble, **details)


def _is_older(stored: FlagTable, current: Snapshot) -> bool:
    """Whether Redis lost changes that this worker has seen. Versions of two lineages say nothing about it."""
    return (
        current.source != "defaults"
        and stored.version < current.version
        and stored.lineage in {None, current.stored.lineage}
    )


def _longer(wait_s: float) -> float:
    return min(wait_s * 2, LONGEST_BACKOFF_S)
