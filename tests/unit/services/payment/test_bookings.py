"""Reading a booking from its owner's wire, and asking once."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

from services.payment.service.bookings import booking_of, mirrored

PLACE = {"seq": 0, "stop_id": "s", "name": "Majestic", "city": "Bengaluru", "time_zone": "Asia/Kolkata"}
SAID = {
    "id": "01970000-0000-7000-8000-000000000001",
    "reference": "ABCD2345",
    "user_id": "01970000-0000-7000-8000-000000000002",
    "trip_id": "01970000-0000-7000-8000-000000000003",
    "company_id": "01970000-0000-7000-8000-000000000004",
    "company_name": "Neem Travels",
    "route_name": "Bengaluru → Mysuru",
    "from": {**PLACE, "departs_at": "2026-05-01T04:30:00Z"},
    "to": {**PLACE, "seq": 3, "city": "Mysuru", "arrives_at": "2026-05-01T08:30:00Z"},
    "status": "held",
    "expires_at": "2026-04-30T12:10:00Z",
    "total": {"amount": 60_000, "currency": "INR"},
    "refund_due": {"amount": 0, "currency": "INR"},
    "payment_id": None,
    "tickets": [{"status": "held"}, {"status": "held"}, {"status": "cancelled"}],
    "updated_at": "2026-04-30T12:00:00.250Z",
}


def test_a_booking_on_the_wire_is_kept_as_an_event_would_tell_of_it():
    row = mirrored(SAID)
    assert row["journey"]["from"]["departs_at"] == "2026-05-01T04:30:00Z"
    assert row["journey"]["company_name"] == "Neem Travels"
    assert (row["total_minor"], row["currency"], row["seats"]) == (60_000, "INR", 2)
    booking = booking_of(row)
    assert booking.user_id == UUID(SAID["user_id"])
    assert booking.expires_at == datetime(2026, 4, 30, 12, 10, tzinfo=UTC)


def test_a_booking_that_is_over_has_no_end_of_its_hold():
    row = mirrored({**SAID, "status": "expired", "expires_at": None, "tickets": [{"status": "expired"}]})
    assert row["expires_at"] is None
    assert row["seats"] == 1
