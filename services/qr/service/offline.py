"""What a scanner takes along to work without a network: the keys, who has which seat, and what is revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from services.qr.repository import tickets
from services.qr.service.codes import keys_wire
from services.qr.service.verification import trip_of_staff

if TYPE_CHECKING:
    from collections.abc import Iterable
    from uuid import UUID

    from common.database import Pool
    from common.principals import Principal
    from services.qr.domain.tokens import CodeKeys
    from services.qr.repository.tickets import Row
    from services.qr.service.asking import Ask


async def make_offline_list(
    pool: Pool, keys: CodeKeys, by: Principal, trip_id: UUID, ask: Ask
) -> dict[str, Any]:
    """Everything but the time it was made at, so that it is the same as long as nothing has changed."""
    await trip_of_staff(pool, by, trip_id, ask)
    rows = await tickets.list_offline(pool, trip_id)
    return {
        "trip_id": trip_id,
        "keys": keys_wire(keys),
        "tickets": [
            {
                "ticket_id": row["id"],
                "seat": row["seat"],
                "passenger_name": row["passenger_name"],
                "from_seq": row["from_seq"],
                "to_seq": row["to_seq"],
                "serial": row["qr_serial"],
                "status": row["status"],
                "checked_in_at": row["scanned_at"],
            }
            for row in rows
        ],
        "revoked": list(_revoked(rows)),
    }


def _revoked(rows: Iterable[Row]) -> Iterable[dict[str, Any]]:
    """Each serial before the ticket's own, and of a cancelled ticket its own too."""
    for row in rows:
        last = row["qr_serial"] + (row["status"] == "cancelled")
        for serial in range(last):
            yield {"ticket_id": row["id"], "serial": serial}
