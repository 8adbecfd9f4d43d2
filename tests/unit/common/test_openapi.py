import re
import sys
from typing import Any

import pytest
from aiohttp import web
from marshmallow import fields

from common.openapi import RouteDoc, add_docs, build_document
from common.schemas import IdField, Instant, ListQuery, LocalDate, Money, Slug, StrictSchema, Text


class SeatSchema(StrictSchema):
    id = IdField()
    price = Money(required=True)
    departs_at = Instant()
    day = LocalDate()
    code = Slug()
    name = Text(longest=80)
    note = Text(allow_none=True)


class BookingSchema(StrictSchema):
    seats = fields.List(fields.Nested(SeatSchema), required=True)


DOCS = (
    RouteDoc(
        "POST",
        r"/api/trips/{trip_id:[0-9a-f-]{36}}/bookings",
        "Hold seats",
        "bookings",
        request_schema=BookingSchema,
        responses={201: BookingSchema},
        idempotent=True,
        errors=(409,),
        roles=("passenger",),
    ),
    RouteDoc(
        "GET", "/api/bookings", "List", "bookings", query_schema=ListQuery, responses={200: BookingSchema()}
    ),
    RouteDoc(
        "GET",
        "/api/tickets/{id}.pdf",
        "Print",
        "tickets",
        responses={200: "application/pdf"},
        auth="optional",
    ),
    RouteDoc("DELETE", "/api/bookings/{id}", "Drop", "bookings", responses={204: None}),
    RouteDoc("GET", "/.well-known/jwks.json", "Keys", "auth", auth="none", responses={200: None}),
    RouteDoc(
        "POST", "/api/gtfs", "Import", "gtfs", request_media_type="application/zip", responses={201: None}
    ),
)


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return build_document("Banyan", "1", DOCS)


def operation(document: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"][path][method]
    return found


def test_schemas_are_components_named_after_their_things(document):
    assert set(document["components"]["schemas"]) == {"Booking", "Seat", "Money", "Problem"}
    assert document["openapi"] == "3.1.0"


def test_wire_types_are_described_as_they_are_sent(document):
    seat = document["components"]["schemas"]["Seat"]["properties"]
    assert (seat["id"]["type"], seat["id"]["format"]) == ("string", "uuid")
    assert (seat["departs_at"]["type"], seat["departs_at"]["format"]) == ("string", "date-time")
    assert seat["day"]["format"] == "date"
    assert (seat["name"]["minLength"], seat["name"]["maxLength"]) == (1, 80)
    assert seat["note"]["type"] == ["string", "null"]
    assert re.search(seat["code"]["pattern"], "a-b")
    money = document["components"]["schemas"]["Money"]
    assert money["properties"]["amount"]["type"] == "integer"
    assert set(money["required"]) == {"amount", "currency"}


def test_what_is_strict_is_described_as_strict(document):
    assert document["components"]["schemas"]["Seat"]["additionalProperties"] is False


def test_a_write_tells_its_body_its_key_and_every_problem(document):
    hold = operation(document, "/api/trips/{trip_id}/bookings", "post")
    assert hold["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Booking"
    }
    assert {parameter["name"] for parameter in hold["parameters"]} == {"trip_id", "Idempotency-Key"}
    problems = {status for status, answer in hold["responses"].items() if "problem" in str(answer)}
    assert problems == {"400", "401", "403", "404", "409", "413", "415", "422", "503"}
    assert "passenger" in hold["description"]


def test_a_query_is_described_by_its_schema(document):
    parameters = {each["name"]: each for each in operation(document, "/api/bookings", "get")["parameters"]}
    assert parameters["limit"]["schema"]["maximum"] == 100
    assert parameters["limit"]["in"] == "query"


def test_bodies_that_are_no_json_have_their_media_type(document):
    assert list(operation(document, "/api/tickets/{id}.pdf", "get")["responses"]["200"]["content"]) == [
        "application/pdf"
    ]
    assert list(operation(document, "/api/gtfs", "post")["requestBody"]["content"]) == ["application/zip"]
    assert "content" not in operation(document, "/api/bookings/{id}", "delete")["responses"]["204"]


def test_who_may_ask_is_told(document):
    assert operation(document, "/.well-known/jwks.json", "get")["security"] == []
    assert {} in operation(document, "/api/tickets/{id}.pdf", "get")["security"]
    assert {"bearer": []} in operation(document, "/api/bookings", "get")["security"]


def test_every_operation_has_an_id_of_its_own(document):
    ids = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(set(ids)) == len(DOCS)


def test_every_reference_leads_somewhere(document):
    for name in re.findall(r"#/components/schemas/(\w+)", str(document)):
        assert name in document["components"]["schemas"]


async def test_the_documentation_is_served_from_here_alone(aiohttp_client, document):
    app = web.Application()
    add_docs(app, document)
    client = await aiohttp_client(app)
    assert (await (await client.get("/api/openapi.json")).json())["info"]["title"] == "Banyan"
    page = await client.get("/api/docs")
    text = await page.text()
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "://" not in text
    assert not re.search(r"<script>|onload=|style=", text)
    for link in re.findall(r'(?:src|href)="([^"]+)"', text):
        assert (await client.get(link)).status == 200, link
    assert "flask" not in sys.modules
