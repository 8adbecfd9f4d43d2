# ruff: file-ignore[unused-async] — aiohttp's handlers are coroutines
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from aiohttp import web
from marshmallow import EXCLUDE, fields

from common.problems import problem_middleware
from common.schemas import IdField, ListQuery, StrictSchema, Text
from common.wire import (
    dump_json,
    etag_for,
    json_response,
    not_modified,
    parse_json,
    parse_query,
    path_id,
    require_match,
)


class Passenger(StrictSchema):
    name = Text(required=True)


class Booking(StrictSchema):
    trip_id = IdField()
    passengers = fields.List(fields.Nested(Passenger))


class Search(ListQuery):
    q = Text()
    tag = fields.List(fields.String())


@pytest.fixture
async def client(aiohttp_client):
    async def create(request: web.Request) -> web.Response:
        return json_response(Booking().dump(await parse_json(request, Booking())), 201)

    async def search(request: web.Request) -> web.Response:
        return json_response(parse_query(request, Search()))

    async def page(request: web.Request) -> web.Response:
        return json_response(parse_query(request, Search(), unknown=EXCLUDE))

    async def show(request: web.Request) -> web.Response:
        identifier = path_id(request, "id")
        tag = etag_for("version 1")
        return not_modified(request, tag) or json_response({"id": identifier}, headers={"ETag": tag})

    async def change(request: web.Request) -> web.Response:
        require_match(request, etag_for("version 1"))
        return json_response({})

    app = web.Application(middlewares=[problem_middleware], client_max_size=10_000)
    app.router.add_post("/bookings", create)
    app.router.add_get("/search", search)
    app.router.add_get("/page", page)
    app.router.add_get("/things/{id}", show)
    app.router.add_patch("/things/{id}", change)
    return await aiohttp_client(app)


async def post(client, body: bytes, content_type: str = "application/json") -> tuple[int, dict[str, Any]]:
    answer = await client.post("/bookings", data=body, headers={"Content-Type": content_type})
    return answer.status, await answer.json(content_type=None)


async def test_a_good_body_is_loaded(client):
    status, document = await post(client, b'{"passengers": [{"name": "\\u0906\\u0936\\u093e"}]}')
    assert (status, document) == (201, {"passengers": [{"name": "आशा"}]})


async def test_malformed_json_is_400_with_its_position(client):
    status, document = await post(client, b'{"a": 1,\n "b" 2}')
    assert (status, document["type"]) == (400, "urn:banyan:problem:malformed-json")
    assert "line 2, column 6" in document["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 3000, b'{"a": NaN}', b"{'a': 1}", b'{"a": 1} x', b'"\\ud800" x']
)
async def test_what_is_no_json_is_400(client, body: bytes):
    status, document = await post(client, body)
    assert (status, document["type"]) == (400, "urn:banyan:problem:malformed-json")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"]
)
async def test_another_media_type_is_415(client, content_type: str):
    status, document = await post(client, b"{}", content_type)
    assert (status, document["type"]) == (415, "urn:banyan:problem:unsupported-media-type")


async def test_a_body_too_large_is_413(client):
    status, document = await post(client, b'{"a": "' + b"x" * 20_000 + b'"}')
    assert (status, document["type"]) == (413, "urn:banyan:problem:too-large")


async def test_unknown_and_bad_fields_are_422_with_dotted_paths(client):
    body = b'{"trip_id": "x", "colour": 1, "passengers": [{"name": "A"}, {"name": 5, "age": 3}]}'
    status, document = await post(client, body)
    assert status == 422
    assert set(document["errors"]) == {"trip_id", "colour", "passengers.1.name", "passengers.1.age"}


@pytest.mark.parametrize("body", [b"[]", b"5", b"null", b'"x"'])
async def test_json_that_is_no_object_is_422(client, body: bytes):
    status, document = await post(client, body)
    assert (status, set(document["errors"])) == (422, {"body"})


@pytest.mark.parametrize("text", [b"a\\u0000b", b"\\ud800", b"x\\udfff"])
async def test_text_that_no_database_stores_is_422_with_its_path(client, text: bytes):
    status, document = await post(client, b'{"passengers": [{"name": "' + text + b'"}]}')
    assert (status, set(document["errors"])) == (422, {"passengers.0.name"})


async def test_a_key_that_no_database_stores_is_422(client):
    status, document = await post(client, b'{"a\\u0000": 1}')
    assert status == 422
    assert "\0" not in str(document["errors"])


async def test_an_emoji_written_as_a_pair_of_surrogates_is_good(client):
    status, document = await post(client, b'{"passengers": [{"name": "\\ud83d\\ude8c"}]}')
    assert (status, document) == (201, {"passengers": [{"name": "🚌"}]})


async def test_a_query_is_loaded_with_its_defaults(client):
    answer = await client.get("/search", params=[("q", "x"), ("tag", "a"), ("tag", "b")])
    assert await answer.json() == {"q": "x", "tag": ["a", "b"], "limit": 20, "cursor": None}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("q=a&q=b", "q"),
        ("utm_source=x", "utm_source"),
        ("q=%00", "q"),
    ],
)
async def test_a_query_that_is_not_valid_is_422(client, query: str, field: str):
    answer = await client.get(f"/search?{query}")
    assert answer.status == 422
    assert set((await answer.json(content_type=None))["errors"]) == {field}


async def test_a_page_takes_parameters_that_it_does_not_know(client):
    assert (await client.get("/page?utm_source=x")).status == 200


@pytest.mark.parametrize("path", ["/things/5", "/things/zzzzzzzz-0000-0000-0000-000000000000", "/things/%00"])
async def test_what_is_no_id_names_nothing(client, path: str):
    assert (await client.get(path)).status == 404


async def test_a_client_that_has_the_version_gets_304(client):
    path = "/things/01890a5d-ac96-774b-bcce-b302099a8057"
    tag = (await client.get(path)).headers["ETag"]
    again = await client.get(path, headers={"If-None-Match": f'"x", W/{tag}'})
    assert (again.status, again.headers["ETag"], await again.read()) == (304, tag, b"")
    assert (await client.get(path, headers={"If-None-Match": '"x"'})).status == 200


async def test_a_stale_if_match_is_412(client):
    path = "/things/01890a5d-ac96-774b-bcce-b302099a8057"
    assert (await client.patch(path, headers={"If-Match": '"stale"'})).status == 412
    assert (await client.patch(path, headers={"If-Match": etag_for("version 1")})).status == 200
    assert (await client.patch(path, headers={"If-Match": "*"})).status == 200
    assert (await client.patch(path)).status == 200


async def test_a_tag_that_a_gateway_made_weak_names_the_same_version(client):
    path = "/things/01890a5d-ac96-774b-bcce-b302099a8057"
    weak = f"W/{etag_for('version 1')}"
    assert (await client.patch(path, headers={"If-Match": weak})).status == 200
    assert (await client.patch(path, headers={"If-Match": 'W/"stale"'})).status == 412


def test_json_is_written_as_the_contract_has_it():
    identifier = UUID("01890a5d-ac96-774b-bcce-b302099a8057")
    moment = datetime(2030, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)
    assert dump_json({"id": identifier, "at": moment, "day": date(2030, 1, 1)}) == (
        b'{"id":"01890a5d-ac96-774b-bcce-b302099a8057","at":"2030-01-01T00:00:00.123Z","day":"2030-01-01"}'
    )
    with pytest.raises(TypeError):
        dump_json({"fare": Decimal("4.50")})


def test_entity_tags_differ_when_the_content_does():
    assert etag_for(b"a") != etag_for(b"b")
    assert etag_for({"v": 1}) == etag_for(b'{"v":1}')
