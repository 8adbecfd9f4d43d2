"""The service's API and pages, at a glance."""

from __future__ import annotations

from common.mail.mailer import MAIL_SWEEPS
from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from services.ticketing import names
from services.ticketing.handlers import bookings, manifest, search, tickets, tickets_pdf, waitlist
from services.ticketing.pages import PAGES
from services.ticketing.schemas import bookings as booking_wire
from services.ticketing.schemas import manifest as manifest_wire
from services.ticketing.schemas import search as search_wire
from services.ticketing.schemas import waitlist as waitlist_wire
from services.ticketing.service import answers, crossings, settlement
from services.ticketing.service import waitlist as waiting

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
        tickets_pdf.print_ticket,
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
        waitlist.wait_for_seats,
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
        waitlist.list_waiting,
    ),
    Endpoint(
        RouteDoc("DELETE", "/api/waitlist/{id}", "Wait no longer", "ticketing", responses={204: None}),
        waitlist.give_up,
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
        manifest.show_manifest,
    ),
)

SWEEPS: tuple[Sweep, ...] = (
    Sweep(names.EXPIRE, 1.0, settlement.expire_holds, few=settlement.FEW),
    Sweep(names.CONFIRM, 1.0, settlement.confirm_bookings, few=settlement.FEW),
    Sweep(names.CONFIRM_OLD, 600.0, settlement.confirm_old_bookings, thorough=True),
    Sweep(names.CALL_OFF, 2.0, settlement.cancel_called_off, few=settlement.FEW),
    Sweep(names.CALL_OFF_OLD, 300.0, settlement.cancel_all_called_off, thorough=True),
    Sweep(names.WITHDRAW, 2.0, crossings.withdraw_seats, few=settlement.FEW),
    Sweep(names.WITHDRAW_OLD, 300.0, crossings.withdraw_all_seats, thorough=True),
    Sweep(names.BOARDED, 2.0, crossings.note_who_boarded, few=settlement.FEW, is_news=False),
    Sweep(names.BOARDED_OLD, 300.0, crossings.note_all_who_boarded, thorough=True, is_news=False),
    Sweep(names.TELL_FREED, 2.0, waiting.tell_of_freed_seats),
    Sweep(names.TELL_ALL, 300.0, waiting.tell_of_seats, thorough=True),
    Sweep(names.FORGET_ANSWERS, 600.0, answers.forget_kept_answers),
    *MAIL_SWEEPS,
)

__all__ = ["ENDPOINTS", "PAGES", "SWEEPS"]
