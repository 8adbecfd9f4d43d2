"""The API and the operator's pages, at a glance."""

from __future__ import annotations

from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from services.company.handlers import companies, fleet, gtfs, network, schedule
from services.company.pages import PAGES
from services.company.schemas import companies as companies_wire
from services.company.schemas import fleet as fleet_wire
from services.company.schemas import gtfs as gtfs_wire
from services.company.schemas import network as network_wire
from services.company.schemas import plans as plans_wire
from services.company.schemas import schedule as schedule_wire

STAFF = ("operator", "inspector", "driver", "admin")
OPERATOR = ("operator", "admin")
ADMIN = ("admin",)

ENDPOINTS: tuple[Endpoint, ...] = (
    # companies
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies",
            "Companies that sell seats here",
            "company",
            query_schema=ListQuery,
            responses={200: companies_wire.CompanyPage},
            auth="optional",
        ),
        companies.list_companies,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies",
            "Take in a company",
            "company",
            request_schema=companies_wire.NewCompany,
            responses={201: companies_wire.Company},
            errors=(409,),
            roles=ADMIN,
        ),
        companies.create_company,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}",
            "A company",
            "company",
            responses={200: companies_wire.Company, 304: None},
            auth="none",
        ),
        companies.show_company,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/companies/{id}",
            "Change a company",
            "company",
            request_schema=companies_wire.CompanyChanges,
            responses={200: companies_wire.Company},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        companies.change_company,
    ),
    # fleet
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/layouts",
            "A company's seat layouts",
            "company",
            query_schema=ListQuery,
            responses={200: fleet_wire.LayoutPage},
            roles=STAFF,
        ),
        fleet.list_layouts,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/layouts",
            "Make a seat layout; it never changes",
            "company",
            request_schema=fleet_wire.NewLayout,
            responses={201: fleet_wire.Layout},
            roles=OPERATOR,
        ),
        fleet.create_layout,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/layouts/{id}",
            "A seat layout",
            "company",
            responses={200: fleet_wire.Layout, 304: None},
            roles=STAFF,
        ),
        fleet.show_layout,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/buses",
            "A company's buses",
            "company",
            query_schema=ListQuery,
            responses={200: fleet_wire.BusPage},
            roles=STAFF,
        ),
        fleet.list_buses,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/buses",
            "Add a bus to the fleet",
            "company",
            request_schema=fleet_wire.NewBus,
            responses={201: fleet_wire.Bus},
            errors=(409,),
            roles=OPERATOR,
        ),
        fleet.create_bus,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/buses/{id}",
            "A bus",
            "company",
            responses={200: fleet_wire.Bus, 304: None},
            roles=STAFF,
        ),
        fleet.show_bus,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/buses/{id}",
            "Change or retire a bus",
            "company",
            request_schema=fleet_wire.BusChanges,
            responses={200: fleet_wire.Bus},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        fleet.change_bus,
    ),
    # drivers
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/drivers",
            "A company's drivers",
            "company",
            query_schema=ListQuery,
            responses={200: fleet_wire.DriverPage},
            roles=STAFF,
        ),
        fleet.list_drivers,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/drivers",
            "Add a driver",
            "company",
            request_schema=fleet_wire.NewDriver,
            responses={201: fleet_wire.Driver},
            errors=(409,),
            roles=OPERATOR,
        ),
        fleet.create_driver,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/drivers/{id}",
            "A driver",
            "company",
            responses={200: fleet_wire.Driver, 304: None},
            roles=STAFF,
        ),
        fleet.show_driver,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/drivers/{id}",
            "Change or retire a driver",
            "company",
            request_schema=fleet_wire.DriverChanges,
            responses={200: fleet_wire.Driver},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        fleet.change_driver,
    ),
    # network
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/stops",
            "Where a company's buses stop",
            "company",
            query_schema=ListQuery,
            responses={200: network_wire.StopPage},
            auth="none",
        ),
        network.list_stops,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/stops",
            "Add a stop",
            "company",
            request_schema=network_wire.NewStop,
            responses={201: network_wire.Stop},
            errors=(409,),
            roles=OPERATOR,
        ),
        network.create_stop,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/stops/{id}",
            "A stop",
            "company",
            responses={200: network_wire.Stop, 304: None},
            auth="none",
        ),
        network.show_stop,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/stops/{id}",
            "Change a stop",
            "company",
            request_schema=network_wire.StopChanges,
            responses={200: network_wire.Stop},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        network.change_stop,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/routes",
            "A company's routes with their stops and fares",
            "company",
            query_schema=ListQuery,
            responses={200: network_wire.RoutePage},
            auth="none",
        ),
        network.list_routes,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/routes",
            "Make a route",
            "company",
            request_schema=network_wire.NewRoute,
            responses={201: network_wire.Route},
            roles=OPERATOR,
        ),
        network.create_route,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/routes/{id}",
            "A route",
            "company",
            responses={200: network_wire.Route, 304: None},
            auth="none",
        ),
        network.show_route,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/routes/{id}",
            "Change or retire a route",
            "company",
            request_schema=network_wire.RouteChanges,
            responses={200: network_wire.Route},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        network.change_route,
    ),
    # schedule
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/trips",
            "A company's departures, by time",
            "company",
            query_schema=schedule_wire.TripQuery,
            responses={200: schedule_wire.TripPage},
            roles=STAFF,
        ),
        schedule.list_trips,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/trips",
            "Make departures: one, a calendar of them, or those of an imported feed",
            "company",
            description="All of them or none. A bus or driver that is taken is 409 with `conflicts`.",
            request_schema=schedule_wire.NewTrips,
            responses={201: schedule_wire.PublishedTrips},
            errors=(409,),
            roles=OPERATOR,
        ),
        schedule.publish_trips,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}",
            "A departure",
            "company",
            responses={200: schedule_wire.Trip, 304: None},
            auth="none",
        ),
        schedule.show_trip,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}/plan",
            "A departure with all that it takes to sell it",
            "company",
            responses={200: plans_wire.Plan},
            auth="none",
        ),
        schedule.show_plan,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/trips/{id}",
            "Give a departure a bus or driver, delay or cancel it",
            "company",
            request_schema=schedule_wire.TripChanges,
            responses={200: schedule_wire.Trip},
            errors=(409, 412),
            roles=OPERATOR,
        ),
        schedule.change_trip,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/timetables",
            "The trips of the feed that was imported last",
            "company",
            query_schema=schedule_wire.TimetableQuery,
            responses={200: schedule_wire.TimetablePage},
            roles=STAFF,
        ),
        schedule.list_timetables,
    ),
    # feeds
    Endpoint(
        RouteDoc(
            "POST",
            "/api/companies/{id}/gtfs",
            "Import a GTFS feed: stops, routes and timetables, whole or not at all",
            "company",
            description="At most 20 MiB. Faults are named `file:line:column`. Importing again updates.",
            query_schema=gtfs_wire.ImportQuery,
            request_media_type="application/zip",
            responses={201: gtfs_wire.Imported},
            errors=(409, 413, 415),
            roles=OPERATOR,
        ),
        gtfs.import_feed,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/gtfs",
            "The company's network and departures as a GTFS feed",
            "company",
            query_schema=gtfs_wire.ExportQuery,
            responses={200: "application/zip"},
            roles=STAFF,
        ),
        gtfs.export_feed,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/gtfs/imports",
            "Imports of feeds, the last one first, with how far they are",
            "company",
            query_schema=ListQuery,
            responses={200: gtfs_wire.FeedImportPage},
            roles=STAFF,
        ),
        gtfs.list_imports,
    ),
)

__all__ = ["ENDPOINTS", "PAGES"]
