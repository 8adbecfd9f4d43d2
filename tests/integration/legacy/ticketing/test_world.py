from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.database import Pool
    from tests.integration.legacy.world import World


async def test_a_world_has_a_trip_with_a_sold_seat(world: World, pool: Pool) -> None:
    trip = await world.trip()
    booking = await world.booking(trip, seats=["1A", "1B"], from_seq=1, to_seq=3)
    await world.payment(booking)
    claims = await pool.fetch(
        "SELECT seat, lower(segment), upper(segment), status FROM seat_claims ORDER BY 1"
    )
    assert [tuple(claim) for claim in claims] == [("1A", 1, 3, "confirmed"), ("1B", 1, 3, "confirmed")]
