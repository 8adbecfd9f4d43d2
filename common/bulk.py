"""Refuses a body that holds far more than its schema could accept, before each of its parts is looked at.

A schema checks a list's length after it has loaded every item, and names each field that it does not know:
a megabyte of ``{},{},…`` would keep the event loop for a quarter of a minute and be answered with forty.
"""

from typing import Any, Final

from marshmallow import Schema, ValidationError, fields, validate

from common.problems import Errors

MOST_UNKNOWN: Final = 20
"""How many fields too many an object may have and still be told the name of each."""

MOST_ITEMS: Final = 1000
"""How long a list is at most if its field does not say."""

_MOST_ITEMS: Final = validate.Length(max=MOST_ITEMS)


def find_bulk(schema: Schema, value: object, path: str = "") -> Errors:
    """What is too much, by dotted path; at most one of each object and list."""
    if not isinstance(value, dict):
        return {}
    if len(value) > len(schema.fields) + MOST_UNKNOWN:
        return {path or "body": ["Has far too many fields."]}
    errors: Errors = {}
    for name, declared in schema.fields.items():
        key = declared.data_key or name
        if key in value:
            errors |= _in_field(declared, value[key], f"{path}.{key}" if path else key)
    return errors


def _in_field(declared: fields.Field[Any], value: object, path: str) -> Errors:
    if isinstance(declared, fields.Nested):
        return find_bulk(declared.schema, value, path)
    if not isinstance(declared, fields.List) or not isinstance(value, list):
        return {}
    try:
        _longest(declared)(value)
    except ValidationError as error:
        return {path: [str(message) for message in error.messages]}
    for index, item in enumerate(value):
        if errors := _in_field(declared.inner, item, f"{path}.{index}"):
            return errors
    return {}


def _longest(declared: fields.List[Any]) -> validate.Length:
    for check in declared.validators:
        if isinstance(check, validate.Length) and (check.max is not None or check.equal is not None):
            return check
    return _MOST_ITEMS
