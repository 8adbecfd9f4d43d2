"""The operator's pages at a glance."""

from __future__ import annotations

from aiohttp import web

from services.company.pages import drivers, fleet, network, overview, schedule, trips

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/operator", overview.show_overview),
    web.get("/operator/fleet", fleet.show_fleet),
    web.post("/operator/fleet", fleet.post_fleet),
    web.get("/operator/drivers", drivers.show_drivers),
    web.post("/operator/drivers", drivers.post_drivers),
    web.get("/operator/network", network.show_network),
    web.post("/operator/network/stops", network.post_stops),
    web.post("/operator/network/routes", network.post_routes),
    web.post("/operator/network/gtfs", network.post_feed),
    web.get("/operator/schedule", schedule.show_schedule),
    web.post("/operator/schedule", schedule.post_schedule),
    web.get("/operator/trips/{id}", trips.show_trip),
    web.post("/operator/trips/{id}", trips.post_trip),
)
