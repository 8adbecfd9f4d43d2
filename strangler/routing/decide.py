"""The side of one request: `decide`, pure, synchronous and total. No I/O, no clock, no await, no exception.

A bucket is a number from 0 to 9,999 that a person has in a domain. It is salted by the domain and not by the
route, so that a whole journey stays on one side; a request is on the service if its bucket is below the
share, so a growing share only ever adds people.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from random import random
from typing import Final, NamedTuple

from strangler.routing.flags import WHOLE, Cohort, Flag, Side, Sticky
from strangler.routing.table import Route

LAST_BUCKET: Final = WHOLE - 1


class Key(NamedTuple):
    """Who a request is from, as far as it is known.

    `client` is the cookie set at the edge, else the address. `cohort_header` is the value of `Banyan-Cohort`.
    """

    user: str | None
    client: str | None
    role: str | None
    company: str | None
    cohort_header: str | None


@dataclass(frozen=True, slots=True)
class CompiledRoute:
    """A route and its flag, ready to be decided. `fixed` is the side if it is the same for everybody."""

    route: Route
    flag: Flag
    fixed: Side | None
    sticky: Sticky
    share: int
    cohort: Cohort | None
    salt: bytes


def compile_route(route: Route, flag: Flag) -> CompiledRoute:
    return CompiledRoute(
        route=route,
        flag=flag,
        fixed=flag.fixed,
        sticky=flag.sticky,
        share=flag.share,
        cohort=flag.cohort or None,
        salt=salt_of(route.domain),
    )


def decide(compiled: CompiledRoute, key: Key, draw: Callable[[], float] = random) -> Side:  # ruff: ignore[suspicious-non-cryptographic-random-usage] — not secret
    """Where a request goes. `draw` answers a number in [0, 1); it is asked for `sticky: none` alone."""
    if compiled.fixed is not None:
        return compiled.fixed
    if compiled.cohort is not None and is_in(compiled.cohort, key):
        return "service"
    if compiled.sticky == "none":
        number = int(draw() * WHOLE)
    elif compiled.sticky == "user":
        number = bucket(compiled.salt, key.user or key.client)
    else:
        number = bucket(compiled.salt, key.client or key.user)
    return "service" if number < compiled.share else "legacy"


def salt_of(domain: str) -> bytes:
    return blake2b(domain.encode(), digest_size=blake2b.PERSON_SIZE).digest()


def bucket(salt: bytes, who: str | None) -> int:
    """0 to 9,999. Nobody in particular is the last to move: nothing would keep him on one side."""
    if not who:
        return LAST_BUCKET
    digest = blake2b(who.encode("utf-8", "surrogatepass"), digest_size=8, person=salt).digest()
    return int.from_bytes(digest, "big") % WHOLE


def is_in(cohort: Cohort, key: Key) -> bool:
    return (
        key.user in cohort.users
        or key.role in cohort.roles
        or key.company in cohort.companies
        or (cohort.header is not None and key.cohort_header == cohort.header)
    )
