"""A departure's seats: choosing the stretch and the seats, naming who travels, or waiting for a seat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from common.database import POOL
from common.principals import principal, require
from common.problems import Conflict, ValidationFailed
from common.web.forms import Form, load_form, parse_form
from common.web.layout import render, see_other
from common.wire import path_id
from services.ticketing.domain.bookings import MOST_PASSENGERS
from services.ticketing.errors import SeatsAvailable, SeatsTaken
from services.ticketing.pages.forms import HoldForm, StretchForm, WaitingForm
from services.ticketing.pages.seats import classes_of, decks_of
from services.ticketing.repository import holds as holds_repository
from services.ticketing.repository import waitlist as waitlist_repository
from services.ticketing.schemas.manifest import departure_wire
from services.ticketing.service import manifest, sales, seatmap, waitlist
from services.ticketing.service.holds import Order, Passenger

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import web

    from common.principals import Principal

STRETCH: Final = StretchForm()
HOLD: Final = HoldForm()
WAITING: Final = WaitingForm()


async def show_trip(request: web.Request) -> web.Response:
    asked = load_form(list(request.query.items()), STRETCH)
    if not asked.is_valid:
        return see_other(f"/trips/{path_id(request, 'id')}")
    return await _page(
        request, Form(), asked.data["from"], asked.data["to"], passengers=asked.data["passengers"]
    )


async def hold_seats(request: web.Request) -> web.Response:
    by = require(request)
    trip_id = path_id(request, "id")
    form = await parse_form(request, HOLD)
    posted = await request.post()
    chosen = [str(seat) for seat in posted.getall("seat", [])]
    nameless = [name for name in _name_fields(form) if not form.value(name).strip()]
    if nameless:
        form = form.with_errors({name: ["Please give a name."] for name in nameless})
    if form.is_valid and len(form.data["seat"]) != len(form.data["passengers"]):
        form = form.with_errors({"seat": ["Choose one seat for each passenger."]})
    if form.is_valid:
        try:
            booking_id = await _hold(request, by, trip_id, form)
        except SeatsTaken as problem:
            taken = problem.extra["seats"]
            return await _refused(
                request, form, [seat for seat in chosen if seat not in taken], 409, taken=taken
            )
        except Conflict as problem:
            return await _refused(request, form, chosen, 409, problem=problem)
        except ValidationFailed as problem:
            form = form.with_errors(problem.errors or {})
        else:
            return see_other(f"/bookings/{booking_id}")
    return await _refused(request, form, chosen, 422)


async def wait_for_seats(request: web.Request) -> web.Response:
    by = require(request)
    trip_id = path_id(request, "id")
    form = await parse_form(request, WAITING)
    if not form.is_valid:
        return see_other(f"/trips/{trip_id}")
    asked = form.data
    back = f"/trips/{trip_id}?" + urlencode(
        {"from": asked["from_seq"], "to": asked["to_seq"], "passengers": asked["seats"]}
    )
    try:
        await waitlist.wait_for_seats(
            request, by, trip_id, asked["from_seq"], asked["to_seq"], asked["seats"]
        )
    except SeatsAvailable:
        return see_other(back, flash="seats-available")
    except (Conflict, ValidationFailed):
        return see_other(back)  # waiting already, or closed: the page says what is so
    return see_other(back, flash="waiting")


async def give_up_waiting(request: web.Request) -> web.Response:
    by = require(request)
    await waitlist.give_up(request.app[POOL], by, path_id(request, "id"))
    return see_other("/bookings", flash="waiting-given-up")


async def _hold(request: web.Request, by: Principal, trip_id: UUID, form: Form) -> UUID:
    """The booking's id; a form that was sent twice finds what it made the first time."""
    data = form.data
    passengers = tuple(
        Passenger(seat, each["name"], each["age"], each["gender"])
        for seat, each in zip(data["seat"], data["passengers"], strict=True)
    )
    order = Order(trip_id, data["from_seq"], data["to_seq"], passengers)
    try:
        booking, _ = await sales.hold_for(request, by, order)
    except SeatsTaken:
        mine = await holds_repository.own_hold(
            request.app[POOL], by.user_id, trip_id, order.from_seq, order.to_seq, data["seat"]
        )
        if mine is None:
            raise
        return mine
    booking_id: UUID = booking["id"]
    return booking_id


async def _refused(
    request: web.Request, form: Form, chosen: list[str], status: int, **context: Any
) -> web.Response:
    """The page again, with what was typed and chosen, on the stretch that it was about."""
    stretch = [_number(form.value(name)) for name in ("from_seq", "to_seq")]
    count = max(1, len(_name_fields(form)))
    return await _page(request, form, *stretch, passengers=count, chosen=chosen, status=status, **context)


def _name_fields(form: Form) -> list[str]:
    """The names of the inputs for passengers' names that the form had."""
    names = (f"passengers.{index}.name" for index in range(MOST_PASSENGERS))
    return [name for name in names if name in form.values]


async def _page(
    request: web.Request,
    form: Form,
    from_seq: int | None,
    to_seq: int | None,
    *,
    passengers: int,
    chosen: list[str] | None = None,
    status: int = 200,
    **context: Any,
) -> web.Response:
    trip_id, who = path_id(request, "id"), principal(request)
    trip = departure_wire(await manifest.find_departure(request, trip_id))
    try:
        found = await seatmap.read_seats(request, trip_id, from_seq, to_seq)
    except ValidationFailed:
        found = await seatmap.read_seats(request, trip_id, None, None)
    seats = seatmap.seat_map_wire(found)
    waiting = who and await waitlist_repository.get_own(request.app[POOL], trip_id, who.user_id)
    return render(
        request,
        "trip.html",
        {
            "form": form,
            "trip": trip,
            "map": seats,
            "start": trip["stops"][seats["from"]],
            "end": trip["stops"][seats["to"]],
            "decks": decks_of(seats),
            "classes": classes_of(seats),
            "on_sale": found.on_sale,
            "passengers": passengers,
            "most_passengers": MOST_PASSENGERS,
            "chosen": chosen or [],
            "waiting": waiting,
            "taken": [],
            "problem": None,
            **context,
        },
        status=status,
    )


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() and text.isascii() and len(text) < 4 else None
