"""Who may do what, as a table: each protected route, asked by everybody who may not."""

from __future__ import annotations

from uuid import uuid4

import pytest

ANY_ID = str(uuid4())

# route, and who is let past the door (what is behind it is another test's subject)
PASSENGERS = "passenger inspector driver operator admin"
STAFF = "inspector driver operator admin"
OPERATORS = "operator admin"
ADMINS = "admin"
DOORS = [
    ("GET", "/api/auth/me", PASSENGERS),
    ("GET", "/api/auth/sessions", PASSENGERS),
    ("DELETE", "/api/auth/sessions/{any}", PASSENGERS),
    ("POST", "/api/auth/password", PASSENGERS),
    ("GET", "/api/users", ADMINS),
    ("PATCH", "/api/users/{any}", ADMINS),
    ("GET", "/api/companies/{company}/staff", OPERATORS),
    ("POST", "/api/companies/{company}/staff", OPERATORS),
    ("GET", "/api/users/me", PASSENGERS),
    ("PATCH", "/api/users/me", PASSENGERS),
    ("GET", "/api/users/me/travellers", PASSENGERS),
    ("POST", "/api/users/me/travellers", PASSENGERS),
    ("DELETE", "/api/users/me/travellers/{any}", PASSENGERS),
    ("GET", "/api/users/me/dashboard", PASSENGERS),
    ("GET", "/api/companies/{company}/dashboard", STAFF),
    ("GET", "/api/dashboard", ADMINS),
    ("POST", "/api/companies", ADMINS),
    ("PATCH", "/api/companies/{company}", OPERATORS),
    ("GET", "/api/companies/{company}/layouts", STAFF),
    ("POST", "/api/companies/{company}/layouts", OPERATORS),
    ("GET", "/api/companies/{company}/buses", STAFF),
    ("POST", "/api/companies/{company}/buses", OPERATORS),
    ("GET", "/api/companies/{company}/drivers", STAFF),
    ("POST", "/api/companies/{company}/drivers", OPERATORS),
    ("POST", "/api/companies/{company}/stops", OPERATORS),
    ("POST", "/api/companies/{company}/routes", OPERATORS),
    ("GET", "/api/companies/{company}/trips", STAFF),
    ("POST", "/api/companies/{company}/trips", OPERATORS),
    ("GET", "/api/companies/{company}/timetables", STAFF),
    ("POST", "/api/companies/{company}/gtfs", OPERATORS),
    ("GET", "/api/companies/{company}/gtfs", STAFF),
    ("GET", "/api/companies/{company}/gtfs/imports", STAFF),
    ("GET", "/api/bookings", PASSENGERS),
    ("POST", "/api/bookings", PASSENGERS),
    ("GET", "/api/bookings/{any}", PASSENGERS),
    ("POST", "/api/bookings/{any}/cancel", PASSENGERS),
    ("POST", "/api/bookings/{any}/refund-offer", PASSENGERS),
    ("GET", "/api/tickets/{any}", PASSENGERS),
    ("GET", "/api/tickets/{any}.pdf", PASSENGERS),
    ("POST", "/api/tickets/{any}/reissue", PASSENGERS),
    ("POST", "/api/trips/{any}/waitlist", PASSENGERS),
    ("GET", "/api/waitlist", PASSENGERS),
    ("DELETE", "/api/waitlist/{any}", PASSENGERS),
    ("GET", "/api/trips/{any}/manifest", STAFF),
    ("GET", "/api/tickets/{any}/qr", PASSENGERS),
    ("POST", "/api/qr/verify", STAFF),
    ("GET", "/api/trips/{any}/offline-list", STAFF),
    ("POST", "/api/check-ins", STAFF),
    ("POST", "/api/check-ins/batch", STAFF),
    ("GET", "/api/trips/{any}/check-ins", STAFF),
    ("POST", "/api/payments", PASSENGERS),
    ("GET", "/api/payments/{any}", PASSENGERS),
    ("POST", "/api/payments/{any}/confirm", PASSENGERS),
    ("POST", "/api/payments/{any}/refunds", OPERATORS),
    ("GET", "/api/ledger", ADMINS),
]
ROLES = ("passenger", "inspector", "driver", "operator", "admin")


@pytest.fixture(scope="module")
def people(world, company, inspector):
    return {
        "passenger": world.passenger(),
        "inspector": inspector,
        "driver": world.staff(company.operator, company.id, "driver"),
        "operator": company.operator,
        "admin": world.admin,
    }


def knock(client, method, path, company):
    return client.call(
        method,
        path.format(any=ANY_ID, company=company.id),
        **({} if method in {"GET", "DELETE"} else {"json": {}}),
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"), DOORS, ids=[f"{method} {path}" for method, path, _ in DOORS]
)
def test_each_route_opens_to_whom_it_should(people, anyone, company, method, path, allowed):
    knock(anyone, method, path, company).refused(401, "token-missing")
    knock(anyone.with_token("made.up.token"), method, path, company).refused(401, "token-invalid")
    for role in ROLES:
        answer = knock(people[role], method, path, company)
        if role in allowed.split():
            assert answer.status not in {401, 403, 500}, (role, answer.status, answer.text)
        else:
            answer.refused(403, "wrong-role")


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for method, path, allowed in DOORS if "{company}" in path],
    ids=[f"{method} {path}" for method, path, _ in DOORS if "{company}" in path],
)
def test_another_companys_things_are_not_found(other_company, company, method, path):
    knock(other_company.operator, method, path, company).refused(404)
