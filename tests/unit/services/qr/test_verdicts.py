from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.qr.domain.codes import CodeFacts, tail_of
from services.qr.domain.verdicts import LiveTicket, Reason, judge

DEPARTS = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
TRIP = UUID("01970000-0000-7000-8000-0000000000aa")
ANOTHER_TRIP = UUID("01970000-0000-7000-8000-0000000000bb")
TICKET = LiveTicket(
    ticket_id=UUID("01970000-0000-7000-8000-000000000001"),
    trip_id=TRIP,
    company_id=UUID("01970000-0000-7000-8000-00000000000c"),
    status="confirmed",
    trip_cancelled=False,
    serial=2,
    seat="12A",
    passenger_name="Asha Rao",
    from_seq=1,
    to_seq=4,
    scanned_at=None,
)
CODE = CodeFacts(
    kid=7,
    ticket_id=TICKET.ticket_id,
    trip_tail=tail_of(TRIP),
    seat="12A",
    from_seq=1,
    to_seq=4,
    serial=2,
    not_before=DEPARTS - timedelta(hours=24),
    expires_at=DEPARTS + timedelta(hours=30),
)
GOOD = {"code": CODE, "ticket": TICKET, "trip_id": TRIP, "stop_seq": 1, "at": DEPARTS}
SCANNED = replace(TICKET, scanned_at=DEPARTS)

TABLE = {
    "all is well": ({}, Reason.OK),
    "nobody says where": ({"trip_id": None, "stop_seq": None}, Reason.OK),
    "at the last stop before the destination": ({"stop_seq": 3}, Reason.OK),
    "a newer code than the ticket here knows of": ({"code": replace(CODE, serial=3)}, Reason.OK),
    "at the first minute": ({"at": CODE.not_before}, Reason.OK),
    "no signature of ours": ({"code": None}, Reason.BAD_SIGNATURE),
    "neither signature nor ticket": ({"code": None, "ticket": None}, Reason.BAD_SIGNATURE),
    "no such ticket": ({"ticket": None}, Reason.UNKNOWN),
    "a ticket that is not paid": ({"ticket": replace(TICKET, status="held")}, Reason.UNKNOWN),
    "a cancelled ticket": ({"ticket": replace(TICKET, status="cancelled")}, Reason.CANCELLED),
    "an expired booking": ({"ticket": replace(TICKET, status="expired")}, Reason.CANCELLED),
    "a cancelled departure": ({"ticket": replace(TICKET, trip_cancelled=True)}, Reason.CANCELLED),
    "a cancelled ticket that was used": ({"ticket": replace(SCANNED, status="cancelled")}, Reason.CANCELLED),
    "a code before the reissue": ({"code": replace(CODE, serial=1)}, Reason.REVOKED),
    "an old code on another bus": (
        {"code": replace(CODE, serial=1), "trip_id": ANOTHER_TRIP},
        Reason.REVOKED,
    ),
    "another bus": ({"trip_id": ANOTHER_TRIP}, Reason.WRONG_TRIP),
    "a code of another trip": ({"code": replace(CODE, trip_tail=tail_of(ANOTHER_TRIP))}, Reason.WRONG_TRIP),
    "another bus, a month early": (
        {"trip_id": ANOTHER_TRIP, "at": DEPARTS - timedelta(days=30)},
        Reason.WRONG_TRIP,
    ),
    "a minute early": ({"at": CODE.not_before - timedelta(minutes=1)}, Reason.TOO_EARLY),
    "the minute it expires": ({"at": CODE.expires_at}, Reason.EXPIRED),
    "used and long over": ({"ticket": SCANNED, "at": CODE.expires_at}, Reason.EXPIRED),
    "before boarding": ({"stop_seq": 0}, Reason.WRONG_LEG),
    "at the destination": ({"stop_seq": 4}, Reason.WRONG_LEG),
    "used, and past the destination": ({"ticket": SCANNED, "stop_seq": 5}, Reason.WRONG_LEG),
    "a second time": ({"ticket": SCANNED}, Reason.ALREADY_USED),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table_of_verdicts(case):
    change, reason = TABLE[case]
    assert judge(**GOOD | change) is reason


def test_every_reason_is_in_the_table():
    assert {reason for _, reason in TABLE.values()} == set(Reason)


@given(
    code=st.none() | st.builds(replace, st.just(CODE), serial=st.integers(0, 4)),
    ticket=st.none()
    | st.builds(
        replace,
        st.just(TICKET),
        status=st.sampled_from(["held", "confirmed", "cancelled", "expired"]),
        trip_cancelled=st.booleans(),
        scanned_at=st.none() | st.just(DEPARTS),
    ),
    trip_id=st.sampled_from([None, TRIP, ANOTHER_TRIP]),
    stop_seq=st.none() | st.integers(0, 99),
    hours=st.integers(-100, 100),
)
def test_every_case_has_a_verdict_and_only_a_sound_one_is_ok(code, ticket, trip_id, stop_seq, hours):
    at = DEPARTS + timedelta(hours=hours)
    if judge(code, ticket, trip_id=trip_id, stop_seq=stop_seq, at=at) is Reason.OK:
        assert ticket.status == "confirmed"
        assert not ticket.trip_cancelled
        assert ticket.scanned_at is None
        assert code.serial >= ticket.serial
        assert trip_id in {None, TRIP}
        assert code.not_before <= at < code.expires_at
