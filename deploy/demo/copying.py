"""Rows in PostgreSQL's binary COPY format, made without a connection to it.

So processes that have none can make them, and whoever has one passes the bytes on as they are. A value is the
bytes of its type after their length, or NULL; a row is its values in the order of the columns, one after the
other. Nothing here asks the database whether that is right, so a wrong type is an error of COPY at the best.
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

_EPOCH_S: Final = datetime(2000, 1, 1, tzinfo=UTC).timestamp()
_FIRST_DAY: Final = date(2000, 1, 1).toordinal()
_FROM_AND_NOT_TO: Final = b"\x02"  # of a range's flags: the lower bound is in it

_size = struct.Struct(">i").pack
_sized2 = struct.Struct(">ih").pack
_sized4 = struct.Struct(">ii").pack
_sized8 = struct.Struct(">iq").pack
_sized_float8 = struct.Struct(">id").pack


class Table:
    """A table's columns, by their names."""

    __slots__ = ("columns", "name")

    def __init__(self, name: str, columns: str) -> None:
        self.name = name
        self.columns = tuple(columns.split())

    def rows(self, values: Iterable[bytes]) -> bytes:
        """Some rows of values, each after the number of its columns."""
        head = struct.pack(">h", len(self.columns))
        return b"".join((head, head.join(values)))


class Rows:
    """Rows by table, as they are collected for one database."""

    __slots__ = ("_collected",)

    def __init__(self) -> None:
        self._collected: dict[Table, list[bytes]] = {}

    def put(self, table: Table, values: Iterable[tuple[bytes, ...]]) -> None:
        """Keep rows of a table: of each what its values are, in the order of the columns."""
        self._collected.setdefault(table, []).extend(map(b"".join, values))

    def taken(self) -> dict[str, bytes]:
        """All rows of each table in one piece."""
        return {table.name: table.rows(rows) for table, rows in self._collected.items() if rows}


async def framed(rows: Iterable[bytes]) -> AsyncIterator[bytes]:  # ruff: ignore[unused-async] — what asyncpg reads from
    """Some rows, in pieces, as a whole COPY."""
    yield HEAD
    for piece in rows:
        yield piece
    yield TAIL


def sized(value: bytes) -> bytes:
    """Bytes that are a value already, but for its length."""
    return _size(len(value)) + value


YES, NO = sized(b"\1"), sized(b"\0")


@lru_cache(maxsize=1 << 16)
def text(value: str | None) -> bytes:
    return NULL if value is None else sized(value.encode())


@cache
def int2(value: int) -> bytes:
    return _sized2(2, value)


@lru_cache(maxsize=1 << 14)
def int4(value: int) -> bytes:
    return _sized4(4, value)


@lru_cache(maxsize=1 << 15)
def int8(value: int) -> bytes:
    return _sized8(8, value)


def float8(value: float) -> bytes:
    return _sized_float8(8, value)


def instant(moment: datetime) -> bytes:
    return _sized8(8, round((moment.timestamp() - _EPOCH_S) * 1_000_000))


@lru_cache(maxsize=1 << 12)
def day(on: date) -> bytes:
    return _sized4(4, on.toordinal() - _FIRST_DAY)


def document(value: Any) -> bytes:
    """jsonb, whose binary form is its text after a version."""
    return written_document(orjson.dumps(value))


def written_document(json: bytes) -> bytes:
    return sized(b"\1" + json)


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
    return sized(_FROM_AND_NOT_TO + _sized4(4, first) + _sized4(4, last))


def span(begin: datetime, end: datetime) -> bytes:
    """tstzrange, likewise."""
    return sized(_FROM_AND_NOT_TO + instant(begin) + instant(end))
