"""The file that pools are kept in, and how a worker takes its part of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypedDict, TypeVar, cast

import orjson

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
T = TypeVar("T")

# `from` is no name for a field of a class.
Stretch = TypedDict("Stretch", {"from": str, "to": str, "date": str})
"""Something to search for: two places, and the day of departure at the first."""


class PoolsError(Exception):
    """The pools cannot be gathered, or their file cannot be used; the message says why, in a line."""


class Person(TypedDict):
    """Somebody who is logged in; `expires_at` is when the access token ends, in seconds since 1970."""

    id: str
    email: str
    access_token: str
    refresh_token: str
    expires_at: float


class Passenger(Person):
    """With the ids of what is theirs: bookings of any state, payments, and tickets that are good."""

    bookings: list[str]
    payments: list[str]
    tickets: list[str]


class Staff(Person):
    company_id: str


class Wanted(TypedDict):
    """A departure on one stretch, with the seats that were free on it; `departs_at` is at `from_seq`."""

    trip_id: str
    company_id: str
    from_seq: int
    to_seq: int
    departs_at: str
    seats: list[str]


class Boarding(TypedDict):
    """A confirmed ticket, its QR code, and the stop where its passenger gets on."""

    ticket_id: str
    trip_id: str
    company_id: str
    from_seq: int
    token: str


class Pools(TypedDict):
    format: int
    host: str
    seed: int
    passengers: list[Passenger]
    operators: list[Staff]
    inspectors: list[Staff]
    admin: Person
    routes: list[Stretch]
    trips: list[Wanted]
    hot_trips: list[Wanted]
    boarding: list[Boarding]
    companies: list[str]


def load(path: Path) -> Pools:
    """Raises PoolsError if it is not there or is not of this format."""
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        raise PoolsError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise PoolsError(f"{path} holds no pools of format {FORMAT}")
    missing = Pools.__required_keys__ - found.keys()
    if missing:
        raise PoolsError(f"{path} lacks {', '.join(sorted(missing))}")
    return cast("Pools", found)


def save(pools: Pools, path: Path) -> None:
    """Written for its owner alone: the tokens in it open accounts."""
    path.touch(0o600)
    path.chmod(0o600)
    path.write_bytes(orjson.dumps(pools, option=orjson.OPT_INDENT_2))


def share_of(items: list[T], index: int, count: int) -> list[T]:
    """The part of worker `index` of `count`: no two workers have anybody or anything in common."""
    return items[index::count]
