"""Forms of pages through the schemas of the API: what JSON must satisfy, a posted form must too.

A form has only text, so numbers are read from digits where the schema wants them, and ``passengers.0.name``
is the name of an input for a nested field. Names that the schema does not know (a submit button's) are
dropped.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.web_request import FileField
from marshmallow import EXCLUDE, Schema, ValidationError, fields

from common.problems import BadRequest, Errors, TooLarge, UnsupportedMediaType, flatten_errors
from common.wire import require_plain

MOST_FIELDS: Final = 500
LARGEST_FORM: Final = 1 << 18
LONGEST_LIST: Final = 100
_FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", ""})


@dataclass(frozen=True, slots=True)
class Form:
    """A form as it was sent, what it means if it is good, and what is wrong with it if not."""

    values: Mapping[str, str] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    errors: Errors = field(default_factory=dict)

    @property
    def is_valid(self) -> bool:
        return not self.errors

    def value(self, name: str, default: object = "") -> str:
        """What to show in an input again."""
        return self.values.get(name, str(default))

    def messages(self, name: str) -> list[str]:
        return self.errors.get(name, [])

    def with_errors(self, errors: Errors) -> "Form":
        """The same form, refused for reasons that only the use case knows."""
        return Form(self.values, self.data, {**self.errors, **errors})


async def parse_form(request: web.Request, schema: Schema) -> Form:
    """Read the posted form. Raises 400, 413 or 415; faults of fields are in `Form.errors`."""
    if request.content_type not in _FORM_TYPES:
        raise UnsupportedMediaType("Send the form as a browser does.")
    require_plain(request)
    if (request.content_length or 0) > LARGEST_FORM:
        raise TooLarge("The form is far larger than its page could make it.")
    try:
        posted = await request.post()
    except (ValueError, LookupError, HttpProcessingError) as error:  # LookupError: an unknown charset
        raise BadRequest("The form cannot be read.") from error
    if len(posted) > MOST_FIELDS:
        raise TooLarge("The form has too many fields.")
    texts = [
        (name, value)
        for name, value in posted.items()
        if not isinstance(value, FileField | bytes | bytearray)
    ]
    return load_form(texts, schema)


def load_form(texts: list[tuple[str, str]], schema: Schema) -> Form:
    """A form from its pairs of name and text."""
    # \r\n is how browsers send line breaks, whatever the page's author typed
    texts = [(name, value.replace("\r\n", "\n")) for name, value in texts]
    values = dict(texts)
    unusable = {
        name.replace("\0", "\ufffd"): ["Must not hold NUL characters."]
        for name, value in texts
        if "\0" in value or "\0" in name
    }
    if unusable:
        return Form({}, {}, unusable)
    try:
        data: dict[str, Any] = schema.load(_as_json(_nest(texts), schema), unknown=EXCLUDE)
    except ValidationError as error:
        return Form(values, {}, flatten_errors(error.messages))
    return Form(values, data, {})


def _nest(texts: list[tuple[str, str]]) -> dict[str, Any]:
    """Dotted names as nested dicts, whose texts are lists of all that was sent under one name."""
    nested: dict[str, Any] = {}
    for name, value in texts:
        if not value:
            continue  # an input left empty is a field not given
        place = nested
        *steps, last = name.split(".")[:5]
        for step in steps:
            deeper = place.setdefault(step, {})
            if not isinstance(deeper, dict):
                break
            place = deeper
        else:
            given = place.setdefault(last, [])
            if isinstance(given, list):
                given.append(value)
    return nested


def _as_json(nested: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """What the same input would be in JSON."""
    by_key = {declared.data_key or name: declared for name, declared in schema.fields.items()}
    return {name: _value(value, by_key[name]) for name, value in nested.items() if name in by_key}


def _value(given: Any, declared: fields.Field[Any]) -> Any:
    if isinstance(declared, fields.Nested):
        return _as_json(given, declared.schema) if isinstance(given, dict) else given
    if isinstance(declared, fields.List):
        if isinstance(given, dict):
            numbered = sorted(
                (int(key), item) for key, item in given.items() if key.isdecimal() and len(key) < 4
            )
            return [_value(item, declared.inner) for _, item in numbered[:LONGEST_LIST]]
        return [_value([item], declared.inner) for item in given[:LONGEST_LIST]]
    if not isinstance(given, list):
        return given
    text = given[-1]  # a checkbox after its hidden twin
    if isinstance(declared, fields.Integer):
        digits = text.strip()
        return (
            int(digits) if digits.lstrip("+-").isdecimal() and digits.isascii() and len(digits) < 20 else text
        )
    return text
