"""Keyset cursors: where a list went on, as text that is good on every side.

A cursor holds the sort values of the last row shown, readable and unsigned: nothing secret may be sorted
by. Whoever edits one asks for another page of the same list, which the list's own query must allow or
refuse anyway.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from itertools import starmap
from types import NoneType, UnionType
from typing import Any, Final, TypeVar, get_args
from uuid import UUID

import orjson

from common.problems import ValidationFailed

LONGEST: Final = 2048
_BIGGEST_INTEGER: Final = 2**63 - 1

_Item = TypeVar("_Item")


def encode_cursor(*values: UUID | datetime | date | Decimal | int | str | None) -> str:
    """The values as base64url JSON."""
    return base64.urlsafe_b64encode(orjson.dumps([_plain(value) for value in values])).rstrip(b"=").decode()


def decode_cursor(text: str, types: Sequence[type | UnionType]) -> tuple[Any, ...]:
    """The values, each of its type (``datetime | None`` where None is possible).

    Raises `ValidationFailed` on the field ``cursor`` for everything that `encode_cursor` did not make of
    such values.
    """
    try:
        values = _values_of(text)
        return tuple(starmap(_read, zip(values, types, strict=True)))
    except (ValueError, TypeError, InvalidOperation, binascii.Error, OverflowError) as error:
        raise ValidationFailed({"cursor": ["Not a cursor of this list."]}) from error


def page(items: Sequence[_Item], limit: int, key: Callable[[_Item], tuple[Any, ...]]) -> dict[str, Any]:
    """One page of at most `limit`, from a query for ``limit + 1`` rows: one extra says there is more."""
    shown = list(items[:limit])
    more = len(items) > limit and shown
    return {"items": shown, "next_cursor": encode_cursor(*key(shown[-1])) if more else None}


def _values_of(text: str) -> list[Any]:
    if len(text) > LONGEST:
        raise ValueError("too long")
    values = orjson.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    if not isinstance(values, list):
        raise TypeError("not a list")
    return values


def _plain(value: object) -> str | int | None:
    if value is None or isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise TypeError("an instant in a cursor needs a time zone")
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, UUID | Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} does not go into a cursor")


def _read(value: object, kind: type | UnionType) -> object:
    kinds = get_args(kind) or (kind,)
    if value is None and NoneType in kinds:
        return None
    wanted = next(each for each in kinds if each is not NoneType)
    if wanted is int:
        return _read_integer(value)
    if not isinstance(value, str):
        raise TypeError("not text")
    if wanted is str:
        if "\0" in value:
            raise ValueError("NUL")
        return value
    return _read_text(value, wanted)


def _read_integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _BIGGEST_INTEGER:
        raise TypeError("not a number")
    return value


def _read_text(value: str, wanted: type) -> object:
    if wanted is datetime:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return moment.astimezone(UTC)  # OverflowError for what is not there in UTC
    if wanted is date:
        return date.fromisoformat(value)
    if wanted is UUID:
        return UUID(value)
    if wanted is Decimal:
        number = Decimal(value)
        if not number.is_finite():
            raise ValueError("not finite")
        return number
    raise TypeError(f"{wanted} does not come out of a cursor")
