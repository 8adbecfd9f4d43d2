"""Requests in, responses out: JSON bodies and query strings through schemas, entity tags, and nothing else.

Everything here refuses early and exactly: 415, 413, 400 with the position, or 422 with the path of each
field.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, NoReturn, TypeAlias
from uuid import UUID

import orjson
from aiohttp import web
from marshmallow import Schema, ValidationError, fields

from common.bulk import find_bulk
from common.encoding import dump_json
from common.problems import (
    MOST_ERRORS,
    Errors,
    MalformedJson,
    NotFound,
    PreconditionFailed,
    TooLarge,
    UnsupportedMediaType,
    ValidationFailed,
    flatten_errors,
)

Unknown: TypeAlias = Literal["exclude", "include", "raise"]

UNUSABLE_TEXT: Final = "Must not hold NUL characters or lone surrogates."

LARGEST_JSON: Final = 1 << 20
_UNUSABLE: Final = re.compile(r"[\x00\ud800-\udfff]")


async def parse_json(request: web.Request, schema: Schema, *, largest: int = LARGEST_JSON) -> dict[str, Any]:
    """The body, loaded by the schema; `largest` in bytes. Raises 400, 413, 415 or 422."""
    require_json(request)
    if (request.content_length or 0) > largest or len(body := await request.read()) > largest:
        raise TooLarge(f"A body of up to {largest} bytes is taken here.")
    return load(schema, read_json(body))


def require_json(request: web.Request) -> None:
    """Raise 415 unless the body says that it is JSON in UTF-8, as it is and not packed."""
    require_plain(request)
    media_type = request.content_type
    if media_type != "application/json" and not (
        media_type.startswith("application/") and media_type.endswith("+json")
    ):
        raise UnsupportedMediaType("Send application/json.")
    charset = request.charset
    if charset is not None and charset.lower() not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType("Send JSON as UTF-8.")


def require_plain(request: web.Request) -> None:
    """Raise 415 for a packed body: a few kilobytes unpack to a thousand times their size."""
    if request.headers.get("Content-Encoding", "identity").strip().lower() not in {"", "identity"}:
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")


def read_json(body: bytes) -> Any:
    """The value; raises 400 for what is not JSON, 422 for text in it that no database stores."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        value = _read_surrogates(body, error)
    if b"\\u" in body and (errors := _unusable(value)):
        raise ValidationFailed(errors)
    return value


def load(schema: Schema, value: Any) -> dict[str, Any]:
    """Like ``schema.load``; raises 422 with dotted paths (``passengers.0.name``)."""
    if bulk := find_bulk(schema, value):
        raise ValidationFailed(bulk)
    try:
        loaded: dict[str, Any] = schema.load(value)
    except ValidationError as error:
        raise ValidationFailed(flatten_errors(error.messages)) from None
    return loaded


def parse_query(request: web.Request, schema: Schema, *, unknown: Unknown | None = None) -> dict[str, Any]:
    """The query string, loaded by the schema; what is given twice is an error unless its field is a list.

    A page passes ``unknown=EXCLUDE``: visitors come with tracking parameters.
    """
    values: dict[str, Any] = {}
    errors: Errors = {}
    query = request.query
    for name in dict.fromkeys(query):
        given = query.getall(name)
        if any(not _is_usable(value) for value in (name, *given)):
            errors[_printable(name)] = [UNUSABLE_TEXT]
        elif isinstance(schema.fields.get(name), fields.List):
            values[name] = given
        elif len(given) > 1:
            errors[name] = ["Must be given once."]
        else:
            values[name] = given[0]
    if errors:
        raise ValidationFailed(errors)
    try:
        loaded: dict[str, Any] = schema.load(values, unknown=unknown)
    except ValidationError as error:
        raise ValidationFailed(flatten_errors(error.messages)) from None
    return loaded


def path_id(request: web.Request, name: str) -> UUID:
    """An id in the path; what is not a UUID names nothing, so it is 404."""
    text = request.match_info[name]
    if len(text) != 36:
        raise NotFound
    try:
        return UUID(text)
    except ValueError:
        raise NotFound from None


def json_response(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON of the data; UUIDs, dates and aware datetimes are written as the contract has them."""
    return written(dump_json(data), status, headers)


def written(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Like `json_response`, for what has been made JSON already: an entity tag is made of it too."""
    return web.Response(body=content, status=status, headers=headers, content_type="application/json")


def etag_for(content: bytes | str | object) -> str:
    """A strong entity tag of bytes, or of anything that `dump_json` writes (a row's version, say)."""
    if isinstance(content, str):
        content = content.encode()
    raw = content if isinstance(content, bytes) else dump_json(content)
    return f'"{hashlib.blake2b(raw, digest_size=12).hexdigest()}"'


def matches(header: str, etag: str) -> bool:
    """Whether a list of entity tags names this one; weak ones compare as equal (RFC 9110 §8.8.3.2)."""
    return any(tag.strip().removeprefix("W/") in {etag, "*"} for tag in header.split(","))


def not_modified(request: web.Request, etag: str) -> web.Response | None:
    """A 304 if the client has this version (If-None-Match), else None."""
    header = request.headers.get("If-None-Match")
    if header is None or not matches(header, etag):
        return None
    return web.Response(status=304, headers={"ETag": etag})


def require_match(request: web.Request, etag: str) -> None:
    """Raise 412 if the client names another version with If-Match; it may leave the header out.

    RFC 9110 §13.1.1 would have a weak tag match nothing. But a gateway that packs an answer makes its tag
    weak, and who has read that has no other: our tags name the same version with the mark and without.
    """
    header = request.headers.get("If-Match")
    if header is not None and not matches(header, etag):
        raise PreconditionFailed("Read it again: it is not the version you named in If-Match.")


def _read_surrogates(body: bytes, error: orjson.JSONDecodeError) -> Any:
    """Lone surrogates are JSON (RFC 8259 §8.2); orjson refuses them, so read them to name the field."""
    if "surrogate" in error.msg:
        try:
            return json.loads(body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError):
            pass
    raise MalformedJson(f"{error.msg} (line {error.lineno}, column {error.colno}).") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _unusable(value: Any) -> Errors:
    """The paths of texts that hold NUL or a lone surrogate, the first of them.

    A loop and not a recursion: JSON may be as deep as Python's stack.
    """
    errors: Errors = {}
    waiting: list[tuple[Any, _Step]] = [(value, None)]
    while waiting and len(errors) < MOST_ERRORS:
        item, place = waiting.pop()
        if isinstance(item, str):
            if not _is_usable(item):
                errors[_path_of(place)] = [UNUSABLE_TEXT]
        elif isinstance(item, dict):
            for key, below in item.items():
                if _is_usable(key):
                    waiting.append((below, (place, key)))
                else:
                    errors[_path_of((place, key))] = [UNUSABLE_TEXT]
        elif isinstance(item, list):
            waiting.extend((below, (place, str(index))) for index, below in enumerate(item))
    return errors


_Step: TypeAlias = "tuple[_Step, str] | None"


def _path_of(place: _Step) -> str:
    steps = []
    while place is not None:
        place, step = place
        steps.append(_printable(step))
    return ".".join(reversed(steps)) or "body"


def _is_usable(text: str) -> bool:
    return _UNUSABLE.search(text) is None


def _printable(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
