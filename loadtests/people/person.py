"""Somebody in front of the site: asks, thinks, keeps the session alive, and does one errand after another.

A person draws from dice of their own, new for each errand: what an answer made them do in one (another seat,
a poll more) changes nothing in the next. With the same seed and number they do the same things in the same
order, whichever side answers.
"""

from __future__ import annotations

import time
import zlib
from contextlib import contextmanager, suppress
from functools import cache
from random import Random
from typing import TYPE_CHECKING, Any, ClassVar, Final

import gevent
import orjson
from gevent.lock import RLock
from geventhttpclient.client import HTTPClient
from geventhttpclient.response import HTTPParseError
from locust import User, task
from locust.exception import StopUser

from deploy.demo import PASSWORD
from loadtests.people.answers import Answer, WrongError
from loadtests.people.shapes import TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from locust.env import Environment

    from loadtests.people.cast import Cast
    from loadtests.pools import Person

_ENDS_SOON_S: Final = 60.0
_TIMEOUT_S: Final = 60.0
_BLOCK: Final = 65536
_JSON: Final = {"Accept": "application/json", "Accept-Encoding": "gzip", "User-Agent": "banyan-loadtest"}
_HTML: Final = {"Accept": "text/html", "Accept-Encoding": "gzip", "User-Agent": "banyan-loadtest"}

_renewing: Final[dict[str, RLock]] = {}
"""By account: whoever renews its tokens just now."""


class Visitor(User):
    """A Locust user, at half the cost of a FastHttpUser, on a machine that the site may share.

    It speaks through the same client, but without a cookie jar, redirects and request objects around it.
    """

    abstract = True
    role: ClassVar[str]
    errands: ClassVar[Mapping[Callable[[Any], None], int]]
    cast: ClassVar[Cast]
    """Set before the first person comes."""
    account: Person

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.number, nth = self.cast.next_number(self.role)
        self._nth_errand = 0
        self._errands, self._weights = list(self.errands), list(self.errands.values())
        self._pace = self._dice_for("pace")
        self.dice = self._pace
        self.thought_s = 0.0
        if people := self.played_by(self.cast):
            self.account = people[nth % len(people)]
        host = self.host or environment.host
        assert host is not None
        self._client = HTTPClient.from_url(
            host, connection_timeout=_TIMEOUT_S, network_timeout=_TIMEOUT_S, block_size=_BLOCK
        )

    @staticmethod
    def played_by(cast: Cast) -> Sequence[Person]:
        """Whose account this may be."""
        raise NotImplementedError

    def on_start(self) -> None:
        """People do not come all at once; some do not come at all, for want of an account."""
        if not hasattr(self, "account"):
            raise StopUser(f"There is no {self.role} for this worker: gather more, or use fewer workers.")
        self.think(0, 8)

    def on_stop(self) -> None:
        self._client.close()

    @task
    def do_an_errand(self) -> None:
        self._nth_errand += 1
        self.dice = self._dice_for(self._nth_errand)
        errand = self.dice.choices(self._errands, self._weights)[0]
        with suppress(WrongError):  # it is told with its request; what was to come of it cannot be done
            errand(self)
        self.think(4, 12)

    def think(self, least_s: float, most_s: float) -> None:
        """Read, choose, type: so long, times the run's factor."""
        pause_s = self._pace.uniform(least_s, most_s) * self.cast.think_factor
        self.thought_s += pause_s
        gevent.sleep(pause_s)

    @contextmanager
    def ask(
        self,
        route: str,
        id: str = "",  # ruff: ignore[builtin-argument-shadowing] — it is called so in the route
        *,
        query: str = "",
        body: Any = None,
        etag: str = "",
        if_match: str = "",
        key: str = "",
        signed_in: bool = True,
    ) -> Generator[Answer]:
        """Send a request, named by its route; a WrongError in the block makes it a failure and goes on up."""
        method, template = _split(route)
        path = template.replace("{id}", id) + query
        headers = dict(_JSON if template.startswith("/api/") else _HTML)
        if signed_in:
            self._renew_if_due()
            self._sign(headers)
        content = b""
        if body is not None:
            content = orjson.dumps(body)
            headers["Content-Type"] = "application/json"
        if etag:
            headers["If-None-Match"] = etag
        if if_match:
            headers["If-Match"] = if_match
        if key:
            headers["Idempotency-Key"] = key
        began, since = time.time(), time.perf_counter()
        wrong: Exception | None = None
        self.cast.asking[self] = route, began
        try:
            answer = self._send(method, path, content, headers)
            took_ms = (time.perf_counter() - since) * 1e3
        except (OSError, HTTPParseError, zlib.error) as error:
            took_ms = (time.perf_counter() - since) * 1e3
            wrong = WrongError(f"no answer: {type(error).__name__}", f"{path} {error}")
            self._tell(method, route, began, took_ms, 0, wrong)
            raise wrong from error
        finally:
            self.cast.asking.pop(self, None)
        try:
            yield answer
        except WrongError as error:
            wrong = error
            raise
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            wrong = WrongError(f"the answer cannot be read: {error!r}", f"{path} {answer.text()}")
            raise wrong from error
        finally:
            self._tell(method, route, began, took_ms, len(answer.body), wrong)

    def _tell(
        self, method: str, route: str, began: float, took_ms: float, size: int, wrong: Exception | None
    ) -> None:
        self.environment.events.request.fire(
            request_type=method,
            name=route,
            response_time=took_ms,
            response_length=size,
            exception=wrong,
            start_time=began,
            context={},
        )

    def _send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> Answer:
        response = self._client.request(method, path, body=content, headers=headers)
        body = bytes(response.read())
        there = response.info()
        if there.get("content-encoding") == "gzip":
            body = zlib.decompress(body, 31)
        return Answer(
            path,
            response.get_code(),
            body,
            str(there.get("content-type", "")),
            str(there.get("etag", "")),
            str(there.get("retry-after", "")),
        )

    def _sign(self, headers: dict[str, str]) -> None:
        token = self.account["access_token"]
        if headers["Accept"] == "text/html":
            headers["Cookie"] = f"banyan_access={token}"
        else:
            headers["Authorization"] = f"Bearer {token}"

    def _renew_if_due(self) -> None:
        if self.account["expires_at"] - time.time() > _ENDS_SOON_S:
            return
        with _renewing.setdefault(self.account["id"], RLock()):  # others may play the same account
            if self.account["expires_at"] - time.time() <= _ENDS_SOON_S:
                self._renew()

    def _renew(self) -> None:
        body = {"refresh_token": self.account["refresh_token"]}
        try:
            with self.ask("POST /api/auth/refresh", body=body, signed_in=False) as answer:
                answer.expect(200)
                self._take_tokens(answer.document(TOKENS))
        except WrongError:
            self.log_in()  # the session is not known there: the failure is counted, the person is let in

    def log_in(self) -> bool:
        """Anew, with a password; False if the site wants that later, and that time is waited as told."""
        body = {"email": self.account["email"], "password": PASSWORD}
        with self.ask("POST /api/auth/login", body=body, signed_in=False) as answer:
            answer.expect(200, 429)
            if answer.status == 200:
                self._take_tokens(answer.document(TOKENS))
                return True
            self.cast.refused[answer.slug()] += 1
            if not answer.retry_after.isdigit():
                raise WrongError("429 without Retry-After", answer.text())
        gevent.sleep(int(answer.retry_after))
        return False

    def _take_tokens(self, tokens: Any) -> None:
        if tokens["user"]["id"] != self.account["id"]:
            raise WrongError("the tokens are somebody else's", tokens["user"])
        self.account["access_token"] = tokens["access_token"]
        self.account["refresh_token"] = tokens["refresh_token"]
        self.account["expires_at"] = time.time() + tokens["expires_in"]

    def _dice_for(self, what: object) -> Random:
        seed = f"{self.cast.seed}:{self.role}:{self.number}:{what}"
        return Random(seed)  # ruff: ignore[suspicious-non-cryptographic-random-usage] — people are to be foreseeable


@cache
def _split(route: str) -> tuple[str, str]:
    method, _, template = route.partition(" ")
    return method, template
