"""The OpenAPI document, held against the site: whatever it allows to ask never breaks anything."""

from __future__ import annotations

from zlib import crc32

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.world import confirmed, hold, in_hours

EXAMPLES = 12
CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]


@pytest.fixture(scope="session")
def known(world, company, inspector):
    """Things that exist, so that generated requests meet more than 404."""
    passenger = world.passenger()
    trip = company.trip(departs_at=in_hours(3))
    booking = confirmed(passenger, trip, "A1")
    hold(passenger, trip, "A2")
    return {
        "clients": [passenger, inspector, company.operator, world.admin],
        "ids": [company.id, trip["id"], booking["id"], booking["tickets"][0]["id"], booking["payment_id"]],
    }


@pytest.fixture(scope="session")
def document(world):
    return schemathesis.openapi.from_url(f"{world.base_url}/api/openapi.json")


@schemathesis.serializer("application/zip")
def any_bytes(_context, value) -> bytes:
    """Feeds have a suite of their own; here a zip is whatever bytes come."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


# Ends the session that the other requests use.
LEFT_OUT = {"/api/auth/logout"}
TAGS = ("auth", "user", "company", "ticketing", "qr", "payment")


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_that_the_document_allows_breaks_the_site(world, document, known, tag):
    operations = [result.ok() for result in document.get_all_operations()]
    chosen = [each for each in operations if tag in each.tags and each.path not in LEFT_OUT]
    assert chosen
    broken = [failure for operation in chosen if (failure := first_failure(operation, world, known))]
    assert not broken, "\n\n".join(broken)


def first_failure(operation, world, known) -> str | None:
    """What the first generated request that the site answers badly was, and how it was answered."""

    @given(case=operation.as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=[*HealthCheck],
    )
    def ask(case) -> None:
        turn = crc32(repr((case.body, case.query)).encode())
        client = known["clients"][turn % len(known["clients"])]
        if "id" in (case.path_parameters or {}) and turn % 3:
            case.path_parameters["id"] = known["ids"][turn % len(known["ids"])]
        headers = {"Authorization": f"Bearer {client.token}"}
        response = case.call(base_url=world.base_url, headers=headers, timeout=30)
        case.validate_response(response, checks=CHECKS)

    try:
        ask()
    except FailureGroup as failures:
        return "\n".join(f"{operation.label}: {failure}" for failure in failures.exceptions)[:3000]
    except Failure as failure:
        return f"{operation.label}: {failure}"[:3000]
    return None
