"""The people of the pools, signed in for as long as a window takes, and what they ask before and after it."""

from __future__ import annotations

import asyncio
import time
from random import Random
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from deploy.demo import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from loadtests.openloop.lines import Lines
    from loadtests.pools import Person, Pools
    from loadtests.wire import Answer

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 8
PREPARED_WITHIN_S: Final = 60.0
PAGE: Final = 100
_WAITS: Final = 60


class CannotAskError(Exception):
    """What is to be asked cannot be made up from these pools; the message says why, in a line."""


class TooFewError(CannotAskError):
    """Of what is good for one request each there is less than is wanted."""

    def __init__(self, what: str, there: int, wanted: int) -> None:
        super().__init__(f"{what}: {wanted} are wanted, there are {there}")
        self.there = there


class Subject(NamedTuple):
    """Something to ask for: by whom, the id in the path, and what else it takes."""

    by: Person | None = None
    id: str = ""
    more: Any = None


class Cast:
    """Those of one run. Whatever is chosen comes from the seed, so that two runs choose alike.

    `window_s` is how long a token must be good for, once all is prepared.
    """

    def __init__(self, pools: Pools, lines: Lines, seed: int, window_s: float) -> None:
        self.pools, self.lines, self.seed = pools, lines, seed
        self._window_s = window_s
        self.dice = Random(f"cast:{seed}")  # ruff: ignore[suspicious-non-cryptographic-random-usage] — it repeats itself

    def some(self, of: Sequence[T], count: int) -> list[T]:
        """As many of them, in an order by chance."""
        return self.dice.sample(list(of), min(count, len(of)))

    def join(self, earlier: Cast) -> None:
        """Passengers of an earlier cast of this side who are not in this one, with their tokens."""
        known = {person["id"] for person in self.pools["passengers"]}
        self.pools["passengers"] += [
            person for person in earlier.pools["passengers"] if person["id"] not in known
        ]

    async def signed_in(self, people: Iterable[Person]) -> None:
        """Log those in anew whose tokens end too soon."""
        soon = time.time() + PREPARED_WITHIN_S + self._window_s
        await in_turns([each for each in people if each["expires_at"] < soon], self._log_in)

    async def get(self, path: str, by: Person | None = None) -> Any:
        return (await self.ask("GET", path, by)).json()

    async def pages(self, path: str, by: Person | None = None, *, most: int) -> list[Any]:
        """The items of a list, at most so many."""
        items: list[Any] = []
        path += f"{'&' if '?' in path else '?'}limit={PAGE}"
        cursor = ""
        while True:
            page = await self.get(path + cursor, by)
            items += page["items"]
            if page["next_cursor"] is None or len(items) >= most:
                return items[:most]
            cursor = f"&cursor={page['next_cursor']}"

    async def ask(self, method: str, path: str, by: Person | None = None, body: Any = None) -> Answer:
        """Raises CannotAskError for an answer that is no success; waits if it is told to."""
        token = by["access_token"] if by else None
        for _ in range(_WAITS):
            answer = await self.lines.ask(method, path, token=token, body=body)
            if answer.status != 429:
                break
            await asyncio.sleep(int(answer.header("Retry-After") or 1))
        if not 200 <= answer.status < 300:
            raise CannotAskError(
                f"{method} {path}: {answer.status} {answer.body[:300].decode(errors='replace')}"
            )
        return answer

    async def log_in(self, email: str) -> Any:
        return (
            await self.ask("POST", "/api/auth/login", None, {"email": email, "password": PASSWORD})
        ).json()

    async def _log_in(self, person: Person) -> None:
        began = time.time()
        tokens = await self.log_in(person["email"])
        person["access_token"], person["refresh_token"] = tokens["access_token"], tokens["refresh_token"]
        person["expires_at"] = began + tokens["expires_in"]


async def in_turns(items: Iterable[T], act: Callable[[T], Awaitable[R]], at_once: int = AT_ONCE) -> list[R]:
    """Act on each, a few at once; the results are in the order of the items. The first error ends all."""
    turns = asyncio.Semaphore(at_once)

    async def one(item: T) -> R:
        async with turns:
            return await act(item)

    acting = [asyncio.ensure_future(one(item)) for item in items]
    try:
        return list(await asyncio.gather(*acting))
    except BaseException:
        for each in acting:
            each.cancel()
        await asyncio.gather(*acting, return_exceptions=True)
        raise
