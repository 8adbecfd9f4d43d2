"""The pages of ticketing, by address."""

from __future__ import annotations

from aiohttp import web

from services.ticketing.pages import bookings, search, trips

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/", search.show_home),
    web.get("/search", search.show_results),
    web.get("/trips/{id}", trips.show_trip),
    web.post("/trips/{id}/hold", trips.hold_seats),
    web.post("/trips/{id}/waitlist", trips.wait_for_seats),
    web.post("/waitlist/{id}/give-up", trips.give_up_waiting),
    web.get("/bookings", bookings.list_bookings),
    web.get("/bookings/{id}", bookings.show_booking),
    web.post("/bookings/{id}/cancel", bookings.cancel_booking),
)
