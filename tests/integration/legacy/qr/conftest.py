"""A departure in two hours, a passenger with a code, and an inspector who scans it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from legacy.keys import QR_KEYS
from legacy.qr_tokens import make_token
from legacy.rules.codes import valid_times

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp.test_utils import TestClient

    from tests.integration.legacy.world import Booking, Trip, User, World


@dataclass
class Gate:
    """A bus about to leave, and who stands at its door."""

    client: TestClient
    world: World
    trip: Trip
    booking: Booking
    inspector: User

    @property
    def ticket_id(self) -> UUID:
        return self.booking.ticket_ids[0]

    def token(self, place: int = 0, **facts: Any) -> str:
        """The code of the booking's ticket at that place; facts can be forged, the signature is ours."""
        trip = self.trip
        not_before, expires_at = valid_times(trip.departs_at, trip.arrives_at)
        stated = {
            "ticket_id": self.booking.ticket_ids[place],
            "trip_id": trip.id,
            "seat": "1A",
            "from_seq": 0,
            "to_seq": 3,
            "serial": 0,
            "not_before": not_before,
            "expires_at": expires_at,
        }
        return make_token(self.client.app[QR_KEYS], **stated | facts)

    def scan(self, token: str | None = None, **fields: Any) -> dict[str, Any]:
        """The body of a check-in."""
        stated = {
            "token": token or self.token(),
            "trip_id": str(self.trip.id),
            "nonce": uuid4().hex,
        }
        return stated | fields

    async def post(self, path: str, body: Any, by: User | None = None, **headers: str) -> tuple[int, Any]:
        who = self.world.bearer(by or self.inspector)
        async with self.client.post(path, json=body, headers={**who, **headers}) as answer:
            return answer.status, await answer.json()

    async def check_in(self, body: Any = None, by: User | None = None, **headers: str) -> tuple[int, Any]:
        return await self.post("/api/check-ins", body or self.scan(), by, **headers)

    async def verify(self, token: str | None = None, by: User | None = None, **fields: Any) -> Any:
        status, verdict = await self.post("/api/qr/verify", {"token": token or self.token(), **fields}, by)
        assert status == 200, verdict
        return verdict

    async def batch(self, *scans: Any, by: User | None = None, **headers: str) -> Any:
        status, body = await self.post("/api/check-ins/batch", {"scans": list(scans)}, by, **headers)
        assert status == 200, body
        return body


@pytest.fixture
async def gate(client: TestClient, world: World) -> Gate:
    departs_at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=2)
    trip = await world.trip(departs_at=departs_at)
    booking = await world.booking(trip, seats=("1A", "1B", "2A"))
    return Gate(client, world, trip, booking, await world.user("inspector", trip.company))
