"""Wire types as marshmallow fields: each side of the contract reads and writes these in the same way."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final
from zoneinfo import available_timezones

from marshmallow import RAISE, Schema, fields, validate
from marshmallow.exceptions import ValidationError

from common.encoding import dump_json
from common.instants import format_instant, parse_instant
from common.money import money, to_minor
from common.wire import (
    etag_for,
    json_response,
    load,
    not_modified,
    parse_json,
    parse_query,
    path_id,
    read_json,
    require_json,
    require_match,
)

BIGGEST_AMOUNT: Final = 10**12
# JSON Schema has no \Z; and Python's $ would let a newline follow, which the lookahead forbids.
_CURRENCY: Final = re.compile(r"^[A-Z]{3}(?!\n)$")
_SLUG: Final = re.compile(r"^[a-z0-9]+(?:-[a-z0-9]+)*(?!\n)$")
# Controls, line and paragraph separators, and what turns the direction of the text after it around: with
# those a name shows as another one, or goes on in a mail as if it were ours. Joiners stay: Hindi needs them.
_TRICKS: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_LONGEST_EMAIL: Final = 254
# Whatever is computed with a date in here stays a date, and fits the three bytes that a ticket's code has.
FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2049
_YEARS: Final = f"Must be between {FIRST_YEAR} and {LAST_YEAR}."
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class StrictSchema(Schema):
    """Fields keep their order; a field that is not declared is an error."""

    class Meta:  # ruff: ignore[undocumented-public-nested-class] — marshmallow's
        unknown = RAISE


class Text(fields.String):
    """A line of text of `shortest` to `longest` characters, of which one at least can be seen.

    Blanks around it are dropped, unless `strip` is false as for a password, which may hold newlines and tabs.
    """

    def __init__(self, *, shortest: int = 1, longest: int = 200, strip: bool = True, **kwargs: Any) -> None:
        checks = [validate.Length(min=shortest, max=longest)]
        given = kwargs.pop("validate", None)
        checks += list(given) if isinstance(given, list | tuple) else [given] if given else []
        super().__init__(validate=checks, **kwargs)
        self._strip = strip
        self._longest = longest

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if len(text) > 2 * self._longest:
            return text  # is refused for its length, and need not be looked through
        if not self._strip:
            if _CONTROLS.search(text):
                raise ValidationError("Must not hold control characters.")
            return text
        text = text.strip()
        if _TRICKS.search(text):
            raise ValidationError("Must be one line, without control characters.")
        # formats (zero-width space, soft hyphen) and marks that stand alone
        if text and not any(unicodedata.category(character)[0] in "LNPS" for character in text):
            raise ValidationError("Must hold something that can be seen.")
        return text


class Slug(fields.String):
    """Lower-case words joined by hyphens, as in an address."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(_SLUG, error="Lower-case letters, digits and single hyphens.")
        super().__init__(validate=[validate.Length(min=1, max=80), rule], **kwargs)


class IdField(fields.UUID):
    """An id: a UUID in its usual spelling."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str) or _UUID.fullmatch(value) is None:
            raise self.make_error("invalid_uuid")
        return super()._deserialize(value, attr, data, **kwargs)


class Integer(fields.Integer):
    """A whole number that fits PostgreSQL's integer unless told otherwise.

    In JSON ``1.0``, ``"1"`` and ``true`` are none. In a query string everything is text: `from_text` lets
    digits pass.
    """

    def __init__(
        self, *, minimum: int = -(2**31), maximum: int = 2**31 - 1, from_text: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(strict=True, validate=validate.Range(min=minimum, max=maximum), **kwargs)
        self._from_text = from_text

    def _validated(self, value: Any) -> int:
        if self._from_text and isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,18}", value):
            return int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value


class Instant(fields.AwareDateTime):
    """A point in time, RFC 3339: read in any offset, written in UTC with ``Z`` to the millisecond.

    What is read is of the years that we know.
    """

    def _deserialize(  # ruff: ignore[no-self-use] — marshmallow calls it as a method
        self,
        value: Any,
        attr: str | None,  # ruff: ignore[unused-method-argument] — marshmallow's signature
        data: Mapping[str, Any] | None,  # ruff: ignore[unused-method-argument] — marshmallow's signature
        **kwargs: Any,  # ruff: ignore[unused-method-argument] — marshmallow's signature
    ) -> datetime:
        try:
            moment = parse_instant(value if isinstance(value, str) else "")
        except ValueError as error:
            raise ValidationError("Not an instant with an offset, as 2030-01-31T09:30:00Z.") from error
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValidationError(_YEARS)
        return moment

    def _serialize(  # ruff: ignore[no-self-use] — marshmallow calls it as a method
        self,
        value: datetime | None,
        attr: str | None,  # ruff: ignore[unused-method-argument] — marshmallow's signature
        obj: Any,  # ruff: ignore[unused-method-argument] — marshmallow's signature
        **kwargs: Any,  # ruff: ignore[unused-method-argument] — marshmallow's signature
    ) -> str | None:
        return None if value is None else format_instant(value)


class LocalDate(fields.Date):
    """A calendar date in the time zone of the place it is about, ``YYYY-MM-DD``, of years that we know."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str) or _DATE.fullmatch(value) is None:
            raise self.make_error("invalid", input=value, obj_type="date")
        day = super()._deserialize(value, attr, data, **kwargs)
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ValidationError(_YEARS)
        return day


class Currency(fields.String):
    """An ISO 4217 code."""

    def __init__(self, **kwargs: Any) -> None:
        rule = validate.Regexp(_CURRENCY, error="Three capital letters, as INR.")
        super().__init__(validate=rule, **kwargs)


class TimeZone(fields.String):
    """An IANA zone, as ``Asia/Kolkata``."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if text not in available_timezones():
            raise ValidationError("Not an IANA time zone, as Asia/Kolkata.")
        return text


class Email(fields.String):
    """An e-mail address, in lower case: two that differ in case only reach the same person."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(validate=[validate.Length(max=_LONGEST_EMAIL), validate.Email()], **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs).strip().lower()
        # both checks are made, and the second takes long over a long text
        if len(text) > _LONGEST_EMAIL:
            raise ValidationError(f"Longer than maximum length {_LONGEST_EMAIL}.")
        # The check of the domain looks past what IDNA drops, so that an address could show as another one.
        if any(unicodedata.category(character)[0] in "CZ" for character in text):
            raise ValidationError("Not a valid email address.")
        return text


class Phone(fields.String):
    """E.164: plus sign, country, number; blanks and hyphens between digits are dropped."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        compact = text.replace(" ", "").replace("-", "")
        if re.fullmatch(r"\+[1-9][0-9]{6,14}", compact) is None:
            raise ValidationError("Not an international phone number, as +91 98450 12345.")
        return compact


class MoneySchema(StrictSchema):
    amount = Integer(
        required=True,
        minimum=-BIGGEST_AMOUNT,
        maximum=BIGGEST_AMOUNT,
        metadata={"description": "In minor units of the currency.", "format": "int64"},
    )
    currency = Currency(required=True, metadata={"description": "ISO 4217"})


class Money(fields.Nested):
    """``{"amount": 45000, "currency": "INR"}`` on the wire and, as a dict, in Python.

    Writes pairs as well: ``(Decimal, currency)`` in major units, ``(int, currency)`` in minor ones. `minimum`
    is the smallest amount that is read.
    """

    def __init__(self, *, minimum: int = 0, **kwargs: Any) -> None:
        super().__init__(MoneySchema, **kwargs)
        self._minimum = minimum

    def _serialize(self, nested_obj: Any, attr: Any, obj: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        if isinstance(nested_obj, tuple):
            amount, currency = nested_obj
            return money(to_minor(amount, currency) if isinstance(amount, Decimal) else amount, currency)
        return super()._serialize(nested_obj, attr, obj, **kwargs)  # type: ignore[no-untyped-call]

    def _deserialize(
        self, value: Any, attr: str | None, data: Any, partial: Any = None, **kwargs: Any
    ) -> Any:
        loaded = super()._deserialize(value, attr, data, partial, **kwargs)
        if loaded["amount"] < self._minimum:
            raise ValidationError({"amount": [f"Must be at least {self._minimum}."]})
        return loaded


class ListQuery(StrictSchema):
    """What every list takes."""

    limit = Integer(minimum=1, maximum=100, from_text=True, load_default=20)
    cursor = fields.String(load_default=None, metadata={"description": "next_cursor of the page before"})


__all__ = [
    "BIGGEST_AMOUNT",
    "Currency",
    "Email",
    "IdField",
    "Instant",
    "Integer",
    "ListQuery",
    "LocalDate",
    "Money",
    "MoneySchema",
    "Phone",
    "Slug",
    "StrictSchema",
    "Text",
    "TimeZone",
    "dump_json",
    "etag_for",
    "format_instant",
    "json_response",
    "load",
    "not_modified",
    "parse_instant",
    "parse_json",
    "parse_query",
    "path_id",
    "read_json",
    "require_json",
    "require_match",
]
