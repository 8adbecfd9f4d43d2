"""How each route is asked: by whom, for what, and what a right answer has. The table is the whole of it.

Every read route of `strangler/routes.toml` is here, pages included, and the writes that people make most. A
marker is a piece of the body that only the wanted answer has: a page of an error is a page, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from loadtests.openloop import aftermath, questions, stock
from loadtests.openloop.sales import CARD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from loadtests.openloop.aftermath import Aftermath
    from loadtests.openloop.cast import Subject
    from loadtests.openloop.stock import Gather
    from loadtests.wire import Answer


@dataclass(frozen=True, slots=True)
class Route:
    """`among`: what is asked for; `once`: each of those is good for one request, so as many are needed."""

    route: str
    among: Gather
    marker: bytes
    path: str = ""
    """The route's own if empty; its parameter is filled with the subject's id."""
    query: Callable[[Random, Subject], str] | None = None
    body: Callable[[Random, Subject], Any] | None = None
    statuses: frozenset[int] = frozenset({200})
    once: bool = False
    again: Callable[[Subject, Answer], Subject] | None = None
    """What the subject is after the answer, where each request depends on the last."""
    after: Aftermath | None = None
    """What is done when the window is over, so that the next one finds the site as this one did."""

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def template(self) -> str:
        return self.path or self.route.partition(" ")[2]

    @property
    def is_page(self) -> bool:
        return not self.template.startswith(("/api/", "/.well-known/"))


_CREATED: Final = frozenset({201})
_ITEMS: Final = b'"items":['
_END: Final = b"</html>"
_NOBODY, _PEOPLE, _OPERATORS, _ADMIN = stock.nobody, stock.passengers, stock.operators, stock.admin

_TABLE: Final = (
    # auth
    Route("GET /api/openapi/auth.json", _NOBODY, b'"/api/auth/login"'),
    Route("GET /api/auth/me", _PEOPLE, b'"role":"passenger"'),
    Route("GET /api/auth/registration", _PEOPLE, b'"full_name":'),
    Route("GET /api/auth/sessions", _PEOPLE, b'"current":true'),
    Route("GET /.well-known/jwks.json", _NOBODY, b'"keys":['),
    Route("GET /api/users", stock.users, _ITEMS, query=questions.who),
    Route("GET /api/users/{id}", stock.users, b'"email":'),
    Route("GET /api/companies/{id}/staff", _OPERATORS, b'"role":"operator"'),
    Route("GET /login", _NOBODY, b'name="password"'),
    Route("GET /register", _NOBODY, b'name="full_name"'),
    Route("GET /account", _PEOPLE, b'name="new_password"'),
    Route("GET /password-reset", _NOBODY, b'name="email"'),
    Route("GET /password-reset/confirm", _NOBODY, _END, query=questions.reset_token),
    Route("POST /api/auth/login", _PEOPLE, b'"access_token":', body=questions.login),
    Route(
        "POST /api/auth/refresh",
        stock.sessions,
        b'"access_token":',
        body=lambda _, subject: {"refresh_token": subject.more},
        again=questions.refreshed,
    ),
    # user
    Route("GET /api/openapi/user.json", _NOBODY, b'"/api/users/me"'),
    Route("GET /api/users/me", _PEOPLE, b'"full_name":'),
    Route("GET /api/users/me/travellers", _PEOPLE, _ITEMS),
    Route("GET /api/users/me/dashboard", _PEOPLE, b'"by_month":['),
    Route("GET /api/companies/{id}/dashboard", _OPERATORS, b'"by_route":[', query=questions.period),
    Route("GET /api/dashboard", _ADMIN, b'"by_company":[', query=questions.period),
    Route("GET /profile", _PEOPLE, b'name="full_name"'),
    Route("GET /dashboard", _PEOPLE, _END),
    Route("GET /admin", _ADMIN, _END, query=questions.period),
    Route("GET /operator/sales", _OPERATORS, _END, query=questions.period),
    Route(
        "PATCH /api/users/me",
        stock.people_with_phones,
        b'"phone":"+9198450',
        body=questions.phone,
        after=aftermath.restore_phones,
    ),
    Route(
        "POST /api/users/me/travellers",
        stock.room_for_travellers,
        b'"name":"Meera',
        body=questions.traveller,
        statuses=_CREATED,
        once=True,
        after=aftermath.forget_travellers,
    ),
    # company
    Route("GET /api/openapi/company.json", _NOBODY, b'"/api/companies/{id}/trips"'),
    Route("GET /api/companies", _NOBODY, _ITEMS, query=questions.page_size),
    Route("GET /api/companies/{id}", stock.companies, b'"refund_policy":'),
    Route("GET /api/companies/{id}/layouts", _OPERATORS, _ITEMS),
    Route("GET /api/layouts/{id}", stock.layouts, b'"capacity":'),
    Route("GET /api/companies/{id}/buses", _OPERATORS, _ITEMS),
    Route("GET /api/buses/{id}", stock.buses, b'"plate":'),
    Route("GET /api/companies/{id}/drivers", _OPERATORS, _ITEMS),
    Route("GET /api/drivers/{id}", stock.drivers, b'"licence":'),
    Route("GET /api/companies/{id}/stops", stock.companies, _ITEMS),
    Route("GET /api/stops/{id}", stock.stops, b'"time_zone":'),
    Route("GET /api/companies/{id}/routes", stock.companies, _ITEMS),
    Route("GET /api/routes/{id}", stock.routes, b'"leg_fare":'),
    Route("GET /api/companies/{id}/gtfs", _OPERATORS, b"stop_times.txt", query=questions.days_ahead),
    Route("GET /api/companies/{id}/gtfs/imports", _OPERATORS, _ITEMS),
    Route("GET /api/companies/{id}/timetables", _OPERATORS, _ITEMS),
    Route("GET /api/companies/{id}/trips", _OPERATORS, _ITEMS, query=questions.days_ahead),
    Route("GET /api/trips/{id}", stock.trips, b'"departs_at":'),
    Route("GET /api/trips/{id}/plan", stock.trips, b'"layout":'),
    Route("GET /operator", _OPERATORS, _END),
    Route("GET /operator/fleet", _OPERATORS, b'name="plate"'),
    Route("GET /operator/drivers", _OPERATORS, b'name="licence"'),
    Route("GET /operator/network", _OPERATORS, _END),
    Route("GET /operator/schedule", _OPERATORS, _END, query=questions.day),
    Route("GET /operator/trips/{id}", stock.trips_of_operators, b'name="delay_min"'),
    Route(
        "PATCH /api/trips/{id}",
        stock.trips_to_delay,
        b'"delay_min":',
        body=questions.delay,
        after=aftermath.restore_delays,
    ),
    # ticketing
    Route("GET /api/openapi/ticketing.json", _NOBODY, b'"/api/bookings"'),
    Route("GET /api/places", stock.places, _ITEMS, query=questions.asked),
    Route("GET /api/search", stock.searches, _ITEMS, query=questions.asked),
    Route("GET /api/trips/{id}/seats", stock.stretches, b'"seats_left":', query=questions.stretch),
    Route("GET /api/bookings", _PEOPLE, _ITEMS, query=questions.listed),
    Route("GET /api/bookings/{id}", stock.bookings, b'"reference":'),
    Route("GET /api/tickets/{id}", stock.tickets, b'"booking_reference":'),
    Route("GET /api/tickets/{id}.pdf", stock.tickets, b"%PDF-"),
    Route("GET /api/trips/{id}/manifest", stock.trips_that_board, b'"counts":'),
    Route("GET /api/waitlist", _PEOPLE, _ITEMS),
    Route("GET /", _NOBODY, b'name="from"'),
    Route("GET /search", stock.searches, b'name="from"', query=questions.asked),
    Route("GET /trips/{id}", stock.stretches, b'name="seat"', query=questions.stretch),
    Route("GET /bookings", _PEOPLE, _END, query=questions.shown),
    Route("GET /bookings/{id}", stock.bookings, _END),
    Route(
        "POST /api/bookings",
        stock.orders,
        b'"status":"held"',
        body=lambda _, subject: subject.more,
        statuses=_CREATED,
        once=True,
        after=aftermath.give_up_booked,
    ),
    Route(
        "POST /api/bookings/{id}/cancel",
        stock.holds,
        b'"status":"cancelled"',
        body=lambda _dice, _subject: {},
        once=True,
    ),
    Route(
        "POST /api/bookings/{id}/refund-offer",
        stock.cancellable,
        b'"percent":',
        body=lambda _dice, _subject: {},
        statuses=_CREATED,
    ),
    # qr
    Route("GET /api/openapi/qr.json", _NOBODY, b'"/api/qr/verify"'),
    Route("GET /api/tickets/{id}/qr", stock.tickets, b"PNG", query=questions.form_of_code),
    Route("POST /api/qr/verify", stock.scans, b'"ticket_id":"', body=questions.shown_code),
    Route("GET /api/qr/keys", _NOBODY, b'"keys":['),
    Route("GET /api/trips/{id}/offline-list", stock.trips_that_board, b'"revoked":'),
    Route("GET /api/trips/{id}/check-ins", stock.trips_that_board, _ITEMS),
    Route("GET /scan", stock.trips_that_board, b'name="token"', query=questions.trip_to_scan, path="/scan"),
    Route("GET /tickets/{id}", stock.tickets, _END),
    Route(
        "POST /api/check-ins",
        stock.fresh_codes,
        b'"duplicate":false',
        body=lambda _dice, subject: questions.scan(subject.more),
        statuses=_CREATED,
        once=True,
    ),
    Route("POST /api/check-ins/batch", stock.batches, b'"refused":0', body=questions.batch),
    # payment
    Route("GET /api/openapi/payment.json", _NOBODY, b'"/api/payments"'),
    Route("GET /api/payments", _PEOPLE, _ITEMS),
    Route("GET /api/payments/{id}", stock.payments, b'"booking_id":'),
    Route("GET /api/ledger", _ADMIN, b'"trial_balance":[', query=questions.page_size),
    Route(
        "GET /checkout/{payment_id}", stock.open_payments, b'name="number"', after=aftermath.give_up_paid_for
    ),
    Route(
        "POST /api/payments",
        stock.holds,
        b'"status":"requires_method"',
        body=lambda _, subject: {"booking_id": subject.id},
        statuses=_CREATED,
        once=True,
        after=aftermath.give_up_subjects,
    ),
    Route(
        "POST /api/payments/{id}/confirm",
        stock.open_payments,
        b'"id":',
        body=lambda _dice, _subject: {"card": CARD},
        once=True,
    ),
)

ROUTES: Final[Mapping[str, Route]] = {each.route: each for each in _TABLE}
