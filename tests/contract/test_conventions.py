"""What holds for every route: problems, request ids, cursors, caching, sizes and media types."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from tests.contract.world import PASSWORD

NOBODY = "01890000-0000-7000-8000-000000000000"
JSON = {"Content-Type": "application/json"}


class TestProblems:
    def test_malformed_json_is_400(self, anyone):
        anyone.post("/api/auth/login", data=b'{"email": ', headers=JSON).refused(400, "malformed-json")

    def test_another_media_type_is_415(self, anyone):
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        anyone.post("/api/auth/login", data=b"email=a", headers=headers).refused(
            415, "unsupported-media-type"
        )

    def test_too_large_a_body_is_413(self, anyone):
        body = b'{"email": "' + b"a" * (3 * 1024 * 1024) + b'"}'
        anyone.post("/api/auth/login", data=body, headers=JSON).refused(413)

    @pytest.mark.parametrize("body", [b"[]", b'"text"', b"1", b"null"])
    def test_what_is_no_object_is_422(self, anyone, body):
        anyone.post("/api/auth/login", data=body, headers=JSON).refused(422)

    @pytest.mark.parametrize(
        "path", ["/api/nowhere", "/api/trips/not-a-uuid", f"/api/trips/{NOBODY}", "/api/trips/0"]
    )
    def test_an_unknown_thing_is_404(self, anyone, path):
        anyone.get(path).refused(404)

    def test_a_wrong_method_is_405_and_says_which_are_right(self, anyone):
        answer = anyone.call("PUT", "/api/auth/login")
        answer.refused(405, "method-not-allowed")
        assert "POST" in answer.headers["Allow"]

    def test_wrong_types_are_named_and_not_500(self, anyone):
        body = {"email": 7, "password": ["x"], "cookie": "perhaps"}
        errors = anyone.post("/api/auth/login", body).refused(422)["errors"]
        assert {"email", "password", "cookie"} <= errors.keys()

    @pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800"])
    def test_characters_that_no_database_takes_are_422(self, passenger, text):
        import json

        body = json.dumps({"name": f"M{text}"}).encode()
        answer = passenger.post("/api/users/me/travellers", data=body, headers=JSON)
        assert answer.status in {400, 422}, answer.text


class TestRequestIds:
    def test_one_that_is_given_comes_back_in_header_and_problem(self, anyone):
        answer = anyone.get("/api/nowhere", headers={"X-Request-ID": "abc-123"})
        assert answer.headers["X-Request-ID"] == "abc-123"
        assert answer.json["request_id"] == "abc-123"

    @pytest.mark.parametrize("bad", ["has space", "x" * 300, '"quoted"'])
    def test_one_is_made_where_none_or_a_bad_one_is_given(self, anyone, bad):
        for headers in ({}, {"X-Request-ID": bad}):
            made = anyone.get("/api/companies", headers=headers).headers["X-Request-ID"]
            assert made != bad
            assert re.fullmatch(r"[A-Za-z0-9._-]{8,128}", made)

    def test_a_trace_goes_on(self, anyone):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        answer = anyone.get("/api/companies", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert answer.headers["traceparent"].split("-")[1] == trace


class TestLists:
    @pytest.mark.parametrize("limit", ["0", "101", "-1", "many"])
    def test_a_limit_beyond_its_bounds_is_named(self, anyone, limit):
        anyone.get("/api/companies", params={"limit": limit}).invalid("limit")

    @pytest.mark.parametrize("cursor", ["nonsense", "bnVsbA", "W10", "eyJhIjoxfQ"])
    def test_a_made_up_cursor_is_named(self, anyone, cursor):
        anyone.get("/api/companies", params={"cursor": cursor}).invalid("cursor")

    def test_a_cursor_goes_through_all_of_a_list_without_repeating(self, anyone, world):
        made = {world.company().id for _ in range(3)}
        seen, cursor = [], None
        for _ in range(500):
            page = anyone.get(
                "/api/companies", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            ).ok()
            assert len(page["items"]) <= 2
            seen += [company["id"] for company in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert cursor is None
        assert len(seen) == len(set(seen))
        assert made <= set(seen)

    def test_an_unknown_question_is_named(self, anyone):
        anyone.get("/api/companies", params={"colour": "red"}).invalid("colour")


class TestFormats:
    def test_ids_are_uuid7_and_instants_are_utc(self, passenger):
        me = passenger.get("/api/auth/me").ok()
        assert UUID(me["id"]).version == 7
        assert me["created_at"].endswith("Z")

    def test_private_answers_are_not_stored(self, passenger):
        for path in ("/api/auth/me", "/api/bookings", "/api/users/me/travellers"):
            assert "no-store" in passenger.get(path).headers["Cache-Control"], path

    def test_head_is_get_without_a_body(self, anyone):
        answer = anyone.call("HEAD", "/api/companies")
        assert answer.status == 200
        assert answer.content == b""

    def test_creating_says_where(self, passenger):
        answer = passenger.post("/api/users/me/travellers", {"name": "Meera"})
        assert answer.ok(201)
        assert answer.headers["Location"]

    def test_the_document_describes_the_routes(self, anyone):
        document = anyone.get("/api/openapi.json").ok()
        assert document["openapi"].startswith("3.1")
        assert {
            "/api/bookings",
            "/api/search",
            "/api/payments",
            "/api/check-ins",
            "/api/auth/login",
        } <= document["paths"].keys()
        assert anyone.get("/api/docs", headers={"Accept": "text/html"}).status in {200, 301, 302, 308}


class TestHealth:
    def test_each_process_tells_whether_it_is_alive_and_ready(self, site):
        import requests

        for name in site.processes:
            for path in ("/healthz", "/readyz"):
                assert requests.get(f"{site.process_url(name)}{path}", timeout=10).status_code == 200, name

    @pytest.mark.parametrize("path", ["/metrics", "/internal", "/internal/anything", "/readyz", "/healthz"])
    def test_what_is_for_operators_is_not_reachable_from_outside(self, site, path):
        import requests

        assert requests.get(f"{site.gateway_url}{path}", timeout=10).status_code == 404


def test_a_password_never_comes_back(anyone):
    body = {"email": "bad", "password": PASSWORD, "full_name": "x", "extra": PASSWORD[:5]}
    assert PASSWORD not in anyone.post("/api/auth/register", body).text
