"""The check-in's statement lets on board whom `judge` would let on, and nobody else."""

from __future__ import annotations

from itertools import product
from uuid import uuid4

from common.ids import uuid7
from services.qr.keys import CODE_KEYS
from services.qr.repository import tickets
from services.qr.service.verification import judge_row

STATUSES = ("confirmed", "cancelled", "expired")
TRIPS = ("scheduled", "cancelled", None)


async def test_in_every_case_the_statement_and_the_rule_agree(gate, pool):
    """Each case is a ticket of its own: its state, its departure's, the code's serial, where and by whom."""
    world, company = gate.world, gate.trip.company
    stranger = world.user("inspector", await world.company())
    admin = world.user("admin")
    trips = {}
    for status in TRIPS:
        trips[status] = await world.trip(company, departs_at=gate.trip.departs_at, tell=status is not None)
        if status == "cancelled":
            await world.trip_changed(trips[status], status=status)
    cases = product(
        STATUSES, TRIPS, (0, 1), (None, 0, 1, 2), (True, False), (gate.inspector, stranger, admin)
    )
    outcomes = set()
    for status, trip_status, serial, stop_seq, here, by in list(cases)[::5]:
        trip = trips[trip_status]
        booking = await world.booking(trip, tell=False)
        await world.ticket(booking, status=status, qr_serial=1, from_seq=1, to_seq=2)
        token = gate.token(
            ticket_id=booking.ticket_ids[0], trip_id=trip.id, seat="1A", from_seq=1, to_seq=2, serial=serial
        )
        trip_id = trip.id if here else uuid7()
        row = await tickets.get_live(pool, booking.ticket_ids[0])
        keys = gate.client.app[CODE_KEYS]
        code = keys.read(token)
        reason = judge_row(
            code, row, by.principal, trip_id=trip_id, stop_seq=stop_seq, at=code.not_before
        ).reason
        status_code, body = await gate.check_in(
            {"token": token, "trip_id": str(trip_id), "nonce": uuid4().hex, "stop_seq": stop_seq}, by
        )
        case = (status, trip_status, serial, stop_seq, here, by.role)
        assert (status_code == 201) is (reason == "ok"), case
        assert body.get("reason", "ok") == reason, case
        outcomes.add(reason)
    assert outcomes >= {"ok", "cancelled", "revoked", "wrong_trip", "wrong_leg", "unknown"}
