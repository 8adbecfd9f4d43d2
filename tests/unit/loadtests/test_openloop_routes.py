"""The table of routes has every read that is declared, and asks in a way that the route is found again."""

from __future__ import annotations

from itertools import islice

import pytest

from loadtests.openloop.asking import Asking
from loadtests.openloop.cast import Subject
from loadtests.openloop.routes import ROUTES
from loadtests.openloop.steps import WHAT
from loadtests.wire import Answer
from tests.unit.strangler.tables import declared

PERSON = {
    "id": "0198c5f0-0000-7bbb-8ccc-000000000001",
    "email": "asha@demo.example",
    "access_token": "token-a",
}
ID = "0198c5f0-0000-7bbb-8ccc-0000000000ff"


def asking(route: str, *subjects: Subject, count: int = 10) -> Asking:
    return Asking(ROUTES[route], list(subjects), "site:80", 1, count)


def asked(source: Asking) -> list[bytes]:
    return [content for content, _ in iter(source.next, None)]


def test_every_declared_read_can_be_asked():
    reads = {route.name for route in declared().routes if route.access == "read"}
    assert reads - set(ROUTES) == set()


def test_nothing_is_asked_that_is_not_declared():
    assert set(ROUTES) - {route.name for route in declared().routes} == set()


def test_the_writes_that_people_make_can_be_asked():
    writes = {route.name for route in declared().routes if route.access == "write"} & set(ROUTES)
    assert writes >= {
        "POST /api/auth/login", "POST /api/auth/refresh", "POST /api/bookings", "POST /api/payments",
        "POST /api/bookings/{id}/refund-offer", "POST /api/check-ins", "POST /api/check-ins/batch",
        "PATCH /api/trips/{id}", "POST /api/users/me/travellers",
    }  # fmt: skip
    assert set(WHAT.values()) <= set(ROUTES)


@pytest.mark.parametrize("route", [name for name in ROUTES if name.startswith("GET ")])
def test_what_is_asked_for_a_route_is_that_route(route):
    email = {"email": PERSON["email"]}
    more = "from=0&to=2" if route.endswith(("/seats", "GET /trips/{id}")) else email
    content, _ = asking(route, Subject(PERSON, ID, more)).next()
    method, target, _ = content.split(b"\r\n")[0].split(b" ")
    index = declared().trie.find(method, target.partition(b"?")[0])
    assert index is not None
    assert declared().routes[index].name == route
    assert b"{" not in target


def test_pages_are_asked_as_a_browser_does_and_the_api_as_an_app():
    page, _ = asking("GET /bookings/{id}", Subject(PERSON, ID)).next()
    assert (
        page
        == (
            f"GET /bookings/{ID} HTTP/1.1\r\nHost: site:80\r\nAccept: text/html\r\n"
            "Cookie: banyan_access=token-a\r\n\r\n"
        ).encode()
    )
    answer, _ = asking("GET /api/bookings/{id}", Subject(PERSON, ID)).next()
    assert b"\r\nAuthorization: Bearer token-a\r\n" in answer
    assert b"Cookie" not in answer


def test_all_are_asked_for_before_anybody_comes_again():
    subjects = [Subject(None, f"trip-{number}") for number in range(7)]
    source = asking("GET /api/trips/{id}", *subjects, count=14)
    first, second = ({subject.id for _, subject in islice(iter(source.next, None), 7)} for _ in range(2))
    assert first == second == {subject.id for subject in subjects}


def test_the_same_seed_asks_the_same():
    subjects = [Subject(PERSON, f"company-{number}") for number in range(7)]
    one, other = (asking("GET /api/companies/{id}/dashboard", *subjects) for _ in range(2))
    assert [one.next() for _ in range(20)] == [other.next() for _ in range(20)]


def test_what_is_good_once_is_asked_once():
    orders = [Subject(PERSON, "", {"trip_id": f"trip-{number}"}) for number in range(3)]
    assert len(set(asked(asking("POST /api/bookings", *orders)))) == 3


def test_a_session_is_refreshed_with_the_token_of_its_last_answer():
    source = asking("POST /api/auth/refresh", Subject(None, "a", "first"))
    content, subject = source.next()
    assert content.endswith(b'{"refresh_token":"first"}')
    assert source.next() is None  # the next token is not known yet
    source.heard(subject, Answer(200, b"", b'{"refresh_token":"second"}'))
    assert source.next()[0].endswith(b'{"refresh_token":"second"}')


def test_every_scan_has_a_nonce_of_its_own():
    codes = [{"token": f"code-{number}", "trip_id": ID} for number in range(5)]
    source = asking("POST /api/check-ins/batch", Subject(PERSON, "", codes), count=4)
    bodies = [content.partition(b"\r\n\r\n")[2] for content, _ in islice(iter(source.next, None), 4)]
    assert len(set(bodies)) == 4
