"""The ticketing section of the API and its pages, at a glance."""

from __future__ import annotations

from aiohttp import web

from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from legacy import settlement, waitlist
from legacy.handlers import bookings, search, tickets
from legacy.handlers import waitlist as waitlist_handlers
from legacy.pages import bookings as booking_pages
from legacy.pages import search as search_pages
from legacy.pages import trips as trip_pages
from legacy.schemas import bookings as booking_wire
from legacy.schemas import manifest as manifest_wire
from legacy.schemas import search as search_wire
from legacy.schemas import waitlist as waitlist_wire

STAFF = ("operator", "inspector", "driver", "admin")

ENDPOINTS: tuple[Endpoint, ...] = (
    # finding a departure
    Endpoint(
        RouteDoc(
            "GET",
            "/api/places",
            "Cities and stops by name",
            "ticketing",
            query_schema=search_wire.PlaceQuery,
            responses={200: search_wire.PlacePage},
            auth="none",
            description="Typos are forgiven; without a question it answers the busiest cities.",
        ),
        search.list_places,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/search",
            "Departures from one place to another on a day",
            "ticketing",
            query_schema=search_wire.SearchQuery,
            responses={200: search_wire.OfferPage},
            auth="none",
            description="Only those that are not gone and have seats for all passengers.",
        ),
        search.search_trips,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}/seats",
            "A departure's seats on a stretch, with prices",
            "ticketing",
            query_schema=search_wire.StretchQuery,
            responses={200: search_wire.SeatMap, 304: None},
            auth="none",
        ),
        search.show_seats,
    ),
    # bookings
    Endpoint(
        RouteDoc(
            "POST",
            "/api/bookings",
            "Hold seats",
            "ticketing",
            request_schema=booking_wire.NewBooking,
            responses={201: booking_wire.Booking},
            idempotent=True,
            description="Held until expires_at; a payment confirms it. What costs nothing is confirmed.",
        ),
        bookings.hold_seats,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/bookings",
            "One's own bookings, newest first",
            "ticketing",
            query_schema=booking_wire.BookingQuery,
            responses={200: booking_wire.BookingPage},
        ),
        bookings.list_bookings,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/bookings/{id}",
            "A booking, for its owner and the company's staff",
            "ticketing",
            responses={200: booking_wire.Booking, 304: None},
        ),
        bookings.show_booking,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/bookings/{id}/cancel",
            "Give back all seats or some",
            "ticketing",
            request_schema=booking_wire.BookingCancellation,
            responses={200: booking_wire.Booking},
            idempotent=True,
            description="Pays back what the refund policy says now, or what the offer said, if that is more.",
        ),
        bookings.cancel_booking,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/bookings/{id}/refund-offer",
            "What giving seats back would pay, good for ten minutes",
            "ticketing",
            request_schema=booking_wire.TicketsGivenBack,
            responses={201: booking_wire.RefundOffer},
            errors=(409,),
        ),
        bookings.make_refund_offer,
    ),
    # tickets
    Endpoint(
        RouteDoc(
            "GET",
            "/api/tickets/{id}.pdf",
            "A confirmed ticket to print",
            "ticketing",
            responses={200: "application/pdf", 304: None},
            errors=(409,),
        ),
        tickets.print_ticket,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/tickets/{id}",
            "A ticket, for its owner and the company's staff",
            "ticketing",
            responses={200: booking_wire.Ticket, 304: None},
        ),
        tickets.show_ticket,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/tickets/{id}/reissue",
            "A new code for a ticket; the ones before are revoked",
            "ticketing",
            request_schema=tickets.NothingMore,
            responses={200: booking_wire.Ticket},
            errors=(409,),
        ),
        tickets.reissue_ticket,
    ),
    # waiting
    Endpoint(
        RouteDoc(
            "POST",
            "/api/trips/{id}/waitlist",
            "Be told when seats are free",
            "ticketing",
            request_schema=waitlist_wire.NewWaiting,
            responses={201: waitlist_wire.Waiting},
            errors=(409,),
        ),
        waitlist_handlers.wait_for_seats,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/waitlist",
            "What one waits for, newest first",
            "ticketing",
            query_schema=ListQuery,
            responses={200: waitlist_wire.WaitingPage},
        ),
        waitlist_handlers.list_waiting,
    ),
    Endpoint(
        RouteDoc("DELETE", "/api/waitlist/{id}", "Wait no longer", "ticketing", responses={204: None}),
        waitlist_handlers.give_up,
    ),
    # crew
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}/manifest",
            "Who rides, as JSON, CSV or PDF",
            "ticketing",
            query_schema=manifest_wire.ManifestQuery,
            responses={200: manifest_wire.Manifest},
            other_forms=("text/csv", "application/pdf"),
            roles=STAFF,
        ),
        tickets.show_manifest,
    ),
)

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/", search_pages.show_home),
    web.get("/search", search_pages.show_results),
    web.get("/trips/{id}", trip_pages.show_trip),
    web.post("/trips/{id}/hold", trip_pages.hold_seats),
    web.post("/trips/{id}/waitlist", trip_pages.wait_for_seats),
    web.post("/waitlist/{id}/give-up", trip_pages.give_up_waiting),
    web.get("/bookings", booking_pages.list_bookings),
    web.get("/bookings/{id}", booking_pages.show_booking),
    web.post("/bookings/{id}/cancel", booking_pages.cancel_booking),
)

SWEEPS: tuple[Sweep, ...] = (
    Sweep("expire holds", 1.0, settlement.expire_holds),
    Sweep("confirm bookings", 1.0, settlement.confirm_bookings),
    Sweep("confirm old bookings", 600.0, settlement.confirm_old_bookings, thorough=True),
    Sweep("cancel bookings of cancelled trips", 2.0, settlement.cancel_called_off),
    Sweep(
        "cancel bookings of trips cancelled before", 300.0, settlement.cancel_all_called_off, thorough=True
    ),
    Sweep("tell who waits for freed seats", 2.0, waitlist.tell_of_freed_seats),
    Sweep("tell who waits for seats", 300.0, waitlist.tell_of_seats, thorough=True),
)
