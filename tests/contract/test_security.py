"""What an attacker tries first: bodies that grow, forms of other sites, texts that pose as ours."""

from __future__ import annotations

import base64
import gzip
import http.client
import json
import re
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from tests.contract.client import Client
from tests.contract.world import PASSWORD, confirmed, qr_token, try_hold

JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}
ELSEWHERE = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
OPEN_FORMS = ["/logout", "/password-reset/confirm", "/password-reset", "/login", "/register"]
LISTS = ["trips?from=", "trips?to=", "gtfs?from=", "gtfs?to=", "dashboard?from="]
LARGEST_ANSWER = 64 * 1024
SOON_S = 3  # one of these bodies took a quarter of a minute, on a fast machine


class TestBodiesThatAreMoreThanTheyLook:
    @pytest.mark.parametrize(
        "body",
        [
            b'{"passengers":[' + b",".join([b"{}"] * 300_000) + b"]}",
            b'{"passengers":[' + b",".join([b"1"] * 500_000) + b"]}",
            b'{"contact":{' + b",".join(b'"%d":1' % n for n in range(80_000)) + b"}}",
            b"{" + b",".join(b'"%d":1' % n for n in range(80_000)) + b"}",
            b'{"trip_id":[' + b",".join([b'"\\u0000"'] * 100_000) + b"]}",
        ],
        ids=["empty passengers", "numbers for passengers", "nested fields", "fields", "NULs"],
    )
    def test_a_megabyte_of_mistakes_is_refused_soon_and_in_few_words(self, passenger, body):
        started = monotonic()
        answer = passenger.post("/api/bookings", data=body, headers=JSON)
        answer.refused(422, "validation-failed")
        assert len(answer.content) < LARGEST_ANSWER
        assert monotonic() - started < SOON_S

    @pytest.mark.parametrize("depth", [500, 1020])
    def test_a_deep_body_is_refused_and_not_500(self, anyone, depth):
        body = b"[" * depth + b'"\\u0041"' + b"]" * depth
        assert anyone.post("/api/auth/login", data=body, headers=JSON).status in {400, 422}

    def test_a_packed_body_is_not_unpacked(self, anyone):
        body = gzip.compress(b'{"email": "' + b"a" * 20_000_000 + b'"}')
        headers = {**JSON, "Content-Encoding": "gzip"}
        anyone.post("/api/auth/login", data=body, headers=headers).refused(415, "unsupported-media-type")

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/x-www-form-urlencoded; charset=bogus", b"a=b"),
            ("application/x-www-form-urlencoded", b"email=%ff\xff"),
            ("multipart/form-data", b"x"),
            ("multipart/form-data; boundary=x", b"--x\r\n" + b"X-Y: b\r\n" * 5000 + b"\r\nb\r\n--x--\r\n"),
        ],
        ids=["charset", "not UTF-8", "no boundary", "many headers"],
    )
    def test_a_form_that_cannot_be_read_is_400(self, anyone, public_url, content_type, body):
        headers = {"Content-Type": content_type, "Origin": public_url}
        anyone.post("/password-reset", data=body, headers=headers).refused(400)

    def test_a_long_header_is_answered_as_any_other_request(self, anyone):
        headers = {**JSON, "Banyan-Signature": "x" * 12_000}
        answer = anyone.post("/api/payments/webhooks/sandbox", data=b"{}", headers=headers)
        answer.refused(400, "bad-signature")


class TestOtherSites:
    """Their forms arrive without our cookies, but what we answer would be obeyed by the browser."""

    @pytest.mark.parametrize("path", OPEN_FORMS)
    def test_a_form_of_another_site_is_refused(self, anyone, path):
        answer = anyone.post(path, data="", headers={**FORM, **ELSEWHERE})
        assert answer.status == 403
        assert "Set-Cookie" not in answer.headers

    def test_a_log_out_that_comes_without_cookies_clears_none(self, anyone):
        answer = anyone.post("/api/auth/logout", data="", headers=ELSEWHERE)
        assert answer.status == 204
        assert "Set-Cookie" not in answer.headers

    @pytest.mark.parametrize("path", ["//elsewhere.example", "/%5celsewhere.example", "/%2fx.example"])
    def test_no_link_of_a_page_that_is_not_there_leads_away(self, world, path):
        at = urlsplit(world.base_url)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=10)
        connection.request("GET", path, headers={"Accept": "text/html"})
        page = connection.getresponse().read().decode()
        connection.close()
        assert not re.findall(r'(?:href|action)="[/\\]{2}', page)


class TestTextsThatPose:
    @pytest.mark.parametrize(
        "name",
        [
            "Asha\n\nYour account is closed: http://elsewhere.example",
            "Asha\u2028Rao",
            "\u202eoaR ahsA",
            "Asha\u0085Rao",
            "\u200b\u200b",
        ],
        ids=["lines", "line separator", "right to left", "next line", "nothing to see"],
    )
    def test_a_name_is_one_visible_line(self, anyone, name):
        body = {"email": f"{uuid4().hex}@x.example", "password": PASSWORD, "full_name": name}
        anyone.post("/api/auth/register", body).invalid("full_name")

    @pytest.mark.parametrize("name", ["अमित शर्मा", "क्‍ष", "José", "محمد", "王小明", "O'Neil 🙂"])
    def test_names_of_the_world_are_taken(self, passenger, name):
        assert passenger.patch("/api/users/me", {"full_name": name}).ok()["full_name"] == name


class TestDatesBeyondReason:
    @pytest.mark.parametrize("at", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2100-01-01T00:00:00Z"])
    def test_no_departure_leaves_in_another_age(self, company, at):
        """One of 2100 was sold and paid for, and then no code could be made for its tickets."""
        body = {"route_id": str(uuid4()), "layout_id": str(uuid4()), "departs_at": at}
        company.operator.post(f"/api/companies/{company.id}/trips", body).invalid("departs_at")

    @pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
    @pytest.mark.parametrize("what", LISTS)
    def test_a_list_of_another_age_is_422(self, company, what, day):
        company.operator.get(f"/api/companies/{company.id}/{what}{day}").refused(422)


class TestScannersAndKeys:
    def test_a_clock_that_is_ahead_lets_nobody_on_too_early(self, company, inspector, passenger):
        trip = company.trip()
        booking = confirmed(passenger, trip)
        scan = {
            "token": qr_token(passenger, booking["tickets"][0]),
            "trip_id": trip["id"],
            "nonce": uuid4().hex,
            "scanned_at": trip["departs_at"],
        }
        items = inspector.post("/api/check-ins/batch", {"scans": [scan]}).ok()["items"]
        assert [(item["result"], item["reason"]) for item in items] == [("refused", "too_early")]

    def test_no_more_holds_than_allowed_however_many_ask_at_once(self, company, passenger):
        trip = company.trip()
        with ThreadPoolExecutor(8) as many:
            answers = list(many.map(lambda n: try_hold(passenger, trip, f"A{n}"), range(1, 9)))
        assert sorted(answer.status for answer in answers) == [201] * 3 + [409] * 5

    def test_an_idempotency_key_is_its_users_own(self, company, passenger, stranger):
        trip = company.trip()
        key = {"Idempotency-Key": uuid4().hex}
        mine = try_hold(passenger, trip, "A1", headers=key).ok(201)
        theirs = try_hold(stranger, trip, "A2", headers=key).ok(201)
        assert mine["id"] != theirs["id"]
        assert passenger.get(f"/api/bookings/{theirs['id']}").status == 404


def test_a_token_that_somebody_else_could_have_made_is_401(world, passenger):
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head, claims, signature = passenger.token.split(".")
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    admin = part({**json.loads(base64.urlsafe_b64decode(claims + "==")), "role": "admin"})
    forged = [
        f"{part({'alg': 'none', 'kid': kid})}.{admin}.",
        f"{head}.{admin}.{signature}",
        f"{part({'alg': 'EdDSA', 'kid': '../../dev/null'})}.{claims}.{signature}",
        passenger.refresh_token,
    ]
    for token in forged:
        Client(world.base_url, token).get("/api/auth/me").refused(401, "token-invalid")
