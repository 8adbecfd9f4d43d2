"""Rows in PostgreSQL's binary COPY format, made without a connection to it.

So processes that have none can make them, and whoever has one passes the bytes on as they are. A column's
type is said beside its name, with a question mark where it may be null: `id:uuid bus_id:uuid?`. The values of
a row are what the encoders below answer; nothing here asks the database whether that is right, so a wrong
type is an error of COPY at the best.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

HEAD: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TAIL: Final = b"\xff\xff"
NULL: Final = b"\xff\xff\xff\xff"
YES, NO = b"\1", b"\0"

# Types whose values are all of one length need none before each; every other value brings its own.
_SIZES: Final = {
    "uuid": 16, "bool": 1, "int2": 2, "int4": 4, "int8": 8, "float8": 8, "date": 4, "timestamptz": 8,
    "int4range": 17, "tstzrange": 25,
}  # fmt: skip
_VARYING: Final = frozenset({"text", "citext", "bpchar", "numeric", "jsonb"})
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_FIRST_DAY: Final = date(2000, 1, 1).toordinal()
_FROM_AND_NOT_TO: Final = 0x02  # of a range's flags: the lower bound is in it

_size = struct.Struct(">i").pack
int2 = struct.Struct(">h").pack
int4 = struct.Struct(">i").pack
int8 = struct.Struct(">q").pack
float8 = struct.Struct(">d").pack
_span4 = struct.Struct(">Biiii").pack
_span8 = struct.Struct(">Bi8si8s").pack


class Table:
    """A table's columns, and how a row of it is framed."""

    __slots__ = ("columns", "frame", "name")

    def __init__(self, name: str, columns: str) -> None:
        self.name = name
        typed = [column.split(":") for column in columns.split()]
        self.columns = tuple(column for column, _ in typed)
        self.frame = int2(len(typed)).replace(b"%", b"%%") + b"".join(_place(kind) for _, kind in typed)


def _place(kind: str) -> bytes:
    if kind in _SIZES:
        return _size(_SIZES[kind]).replace(b"%", b"%%") + b"%b"
    if kind in _VARYING or kind.removesuffix("?") in _SIZES:
        return b"%b"
    raise ValueError(f"{kind} is not among the types that are known here")


class Rows:
    """Rows by table, as they are collected for one database."""

    __slots__ = ("_collected",)

    def __init__(self) -> None:
        self._collected: dict[str, list[bytes]] = {}

    def put(self, table: Table, values: Iterable[tuple[bytes, ...]]) -> None:
        """Frame and keep rows of a table, each with the table's columns in order."""
        self._collected.setdefault(table.name, []).extend(map(table.frame.__mod__, values))

    def taken(self) -> dict[str, bytes]:
        """All rows of each table in one piece."""
        return {name: b"".join(rows) for name, rows in self._collected.items()}


async def framed(rows: Iterable[bytes]) -> AsyncIterator[bytes]:  # ruff: ignore[unused-async] — what asyncpg reads from
    """Some rows, in pieces, as a whole COPY."""
    yield HEAD
    for piece in rows:
        yield piece
    yield TAIL


def sized(value: bytes) -> bytes:
    """A value with its length: for a type without a size of its own, or a column that may be null."""
    return _size(len(value)) + value


@lru_cache(maxsize=1 << 16)
def text(value: str | None) -> bytes:
    if value is None:
        return NULL
    return sized(value.encode())


@lru_cache(maxsize=1 << 15)
def instant(moment: datetime) -> bytes:
    since = moment - _EPOCH
    return int8((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


@lru_cache(maxsize=1 << 12)
def day(on: date) -> bytes:
    return int4(on.toordinal() - _FIRST_DAY)


def document(value: Any) -> bytes:
    """jsonb, whose binary form is its text after a version."""
    return sized(b"\1" + orjson.dumps(value))


@lru_cache(maxsize=1 << 15)
def numeric(minor: int) -> bytes:
    """Hundredths as numeric with two decimals: digits of base 10,000, the last of them for the decimals."""
    whole, hundredths = divmod(minor, 100)
    digits = [hundredths * 100]
    while whole:
        whole, digit = divmod(whole, 10_000)
        digits.insert(0, digit)
    weight = len(digits) - 2
    while digits and digits[-1] == 0:
        digits.pop()
    while digits and digits[0] == 0:
        digits.pop(0)
        weight -= 1
    if not digits:
        weight = 0
    return sized(struct.pack(f">hhhh{len(digits)}h", len(digits), weight, 0, 2, *digits))


@cache
def stretch(first: int, last: int) -> bytes:
    """int4range: from the first and before the last."""
    return _span4(_FROM_AND_NOT_TO, 4, first, 4, last)


def span(begin: datetime, end: datetime) -> bytes:
    """tstzrange, likewise."""
    return _span8(_FROM_AND_NOT_TO, 8, instant(begin), 8, instant(end))
