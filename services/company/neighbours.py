"""What is asked of the services that own it, because a projection may not know it yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote
from uuid import UUID

from common.reading import read_through

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import web

    from services.company.service.fleet import FindStaff
    from services.company.service.schedule import FindSeats

MOST_PAGES = 20


def staff_finder(request: web.Request) -> FindStaff:
    """Finds a company's member of staff as auth knows them; whoever asks is one of its operators."""

    async def find_staff(company_id: UUID, user_id: UUID) -> Mapping[str, Any] | None:
        path = f"/api/companies/{company_id}/staff?limit=100"
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await read_through(request, path + cursor)
            if page is None:
                return None
            for member in page["items"]:
                if UUID(member["id"]) == user_id:
                    return {**member, "id": user_id, "company_id": company_id}
            if page["next_cursor"] is None:
                return None
            cursor = f"&cursor={quote(page['next_cursor'])}"
        return None

    return find_staff


def seats_finder(request: web.Request) -> FindSeats:
    """Finds the seats of a trip that ticketing says are held or sold, on any stretch."""

    async def find_seats(trip_id: UUID) -> set[str] | None:
        seat_map = await read_through(request, f"/api/trips/{trip_id}/seats")
        if seat_map is None:
            return None
        return {seat["seat"] for seat in seat_map["seats"] if seat["state"] != "free"}

    return find_seats
