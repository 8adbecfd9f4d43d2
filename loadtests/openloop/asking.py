"""A route of the table as a source of requests, made beforehand wherever one does not hang on another."""

from __future__ import annotations

from collections import deque
from itertools import cycle, islice
from random import Random
from typing import TYPE_CHECKING, Final

from loadtests.openloop.cast import TooFewError
from loadtests.wire import request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loadtests.openloop.cast import Cast, Subject
    from loadtests.openloop.routes import Route
    from loadtests.openloop.window import Asked
    from loadtests.wire import Answer

VARIANTS: Final = 4096
"""So many different requests are made of what can be asked again; then they come round."""


class Asking:
    """What `measure` asks. `heard` keeps the answers that the route's aftermath needs."""

    def __init__(self, route: Route, subjects: list[Subject], authority: str, seed: int, count: int) -> None:
        self.statuses, self.marker = route.statuses, route.marker
        self.subjects = subjects
        self.right: list[tuple[Subject, Answer]] = []
        self._route, self._authority = route, authority
        self._dice = Random(f"asking:{seed}")  # ruff: ignore[suspicious-non-cryptographic-random-usage] — it repeats itself
        self._ready: deque[Subject] = deque()
        self._asks: Iterator[Asked]
        if route.again is not None:
            self._ready.extend(subjects)
            self._asks = iter(())
        elif route.once:
            self._asks = iter([self._ask(subject) for subject in subjects])
        else:
            some = islice(self._rounds(), min(count, VARIANTS))
            self._asks = cycle([self._ask(subject) for subject in some])

    def next(self) -> Asked | None:
        if self._ready:
            return self._ask(self._ready.popleft())
        return next(self._asks, None)

    def heard(self, subject: Subject, answer: Answer) -> None:
        if self._route.again is not None:
            self._ready.append(self._route.again(subject, answer))
        elif self._route.after is not None:
            self.right.append((subject, answer))

    def _rounds(self) -> Iterator[Subject]:
        """Everybody once, then everybody again in another order."""
        while True:
            yield from self._dice.sample(self.subjects, len(self.subjects))

    def _ask(self, subject: Subject) -> Asked:
        route, dice = self._route, self._dice
        path = _filled(route.template, subject.id)
        if route.query is not None and (query := route.query(dice, subject)):
            path += f"?{query}"
        token = subject.by["access_token"] if subject.by else None
        headers = None
        if route.is_page:
            headers = {"Accept": "text/html"} | ({"Cookie": f"banyan_access={token}"} if token else {})
            token = None
        body = None if route.body is None else route.body(dice, subject)
        return request(
            route.method, path, host=self._authority, token=token, body=body, headers=headers
        ), subject


async def asking_of(route: Route, cast: Cast, count: int, *, at_least: int | None = None) -> Asking:
    """With as many subjects as are wanted of what is good once, or `at_least` so many; else TooFewError."""
    subjects = await route.among(cast, count if route.once else 0)
    wanted = count if route.once else 1
    if len(subjects) < (wanted if at_least is None else min(wanted, at_least)):
        raise TooFewError(route.route, len(subjects), wanted)
    return Asking(route, subjects, cast.lines.authority, cast.seed, count)


def _filled(template: str, value: str) -> str:
    """The template with its one parameter filled in."""
    before, brace, rest = template.partition("{")
    return f"{before}{value}{rest.partition('}')[2]}" if brace else before
