"""One's own bookings: paying, tickets, giving seats back."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from common.cursors import decode_cursor, encode_cursor
from common.database import POOL, transaction
from common.money import money
from common.principals import Role, require
from common.problems import NotFound, ValidationFailed
from common.web.forms import load_form, parse_form
from common.web.layout import render, see_other
from common.wire import path_id
from services.ticketing.desk import desk_of
from services.ticketing.domain.bookings import Reason, Status
from services.ticketing.errors import NotCancellable, OfferExpired
from services.ticketing.pages.forms import BookingListForm, CancelForm
from services.ticketing.repository import bookings as repository
from services.ticketing.repository import crossings
from services.ticketing.repository import offers as offers_repository
from services.ticketing.repository import waitlist as waitlist_repository
from services.ticketing.schemas.bookings import booking_wire
from services.ticketing.service import bookings, cancellations

if TYPE_CHECKING:
    from aiohttp import web

    from common.database import Pool
    from common.principals import Principal
    from services.ticketing.repository import Row

LIST: Final = BookingListForm()
CANCEL: Final = CancelForm()
SHOWN: Final = 10


async def list_bookings(request: web.Request) -> web.Response:
    by = require(request)
    form = load_form(list(request.query.items()), LIST)
    when = form.data.get("when", "upcoming")
    found = await bookings.list_bookings(
        request.app[POOL],
        by.user_id,
        status=None,
        when=None if when == "all" else when,
        after=_after(form.data.get("cursor")),
        limit=SHOWN + 1,
    )
    shown = found[:SHOWN]
    more = encode_cursor(shown[-1][0]["id"]) if len(found) > SHOWN else None
    context = {
        "chosen": when,
        "bookings": list(starmap(booking_wire, shown)),
        "next_page": f"/bookings?when={when}&cursor={more}" if more else None,
        "waiting": await waitlist_repository.list_open(request.app[POOL], by.user_id),
    }
    return render(request, "bookings.html", context)


async def show_booking(request: web.Request) -> web.Response:
    by = require(request)
    row, tickets = await bookings.read_booking(request.app[POOL], by, path_id(request, "id"))
    return await _page(request, by, row, tickets)


async def cancel_booking(request: web.Request) -> web.Response:
    """First an offer, which the page shows; with the offer, or for a hold, the cancellation itself."""
    by = require(request)
    booking_id = path_id(request, "id")
    page = f"/bookings/{booking_id}"
    form = await parse_form(request, CANCEL)
    if not form.is_valid:
        return see_other(page)
    asked, desk = form.data, desk_of(request.app)
    try:
        async with transaction(request.app[POOL]) as conn:
            if asked["offer_id"] is None and asked["give_up"] is None:
                offer = await cancellations.make_offer(conn, by, booking_id, asked["ticket_ids"])
                return see_other(f"{page}?offer={offer.id}#cancel")
            await cancellations.cancel(
                conn, desk, by, booking_id, ticket_ids=asked["ticket_ids"], offer_id=asked["offer_id"]
            )
    except OfferExpired:
        return see_other(f"{page}#cancel", flash="offer-expired")
    except NotCancellable as problem:
        return see_other(page, flash=f"not-cancellable-{problem.extra['reason']}")
    except ValidationFailed:
        return see_other(page)
    return see_other(page, flash="cancelled")


async def _page(request: web.Request, by: Principal, row: Row, tickets: list[Row]) -> web.Response:
    pool = request.app[POOL]
    booking = booking_wire(row, tickets)
    own = row["user_id"] == by.user_id
    context = {
        "booking": booking,
        "own": own,
        "may_cancel": own or by.role in {Role.OPERATOR, Role.ADMIN},
        "departed": cancellations.departed(row),
        "paid": booking["status"] == "held" and await repository.is_paid(pool, row["id"]),
        "late": row["refund_reason"] == Reason.PAID_LATE.value,
        "withdrawn": row["refund_reason"] == Reason.SEAT_WITHDRAWN.value,
        "unseated": await _is_unseated(pool, row, tickets),
        "cancel_reason": row["cancel_reason"],
        "offer": await _offer(pool, request.query.get("offer", ""), row, tickets),
        "now": row["now"],
    }
    return render(request, "booking.html", context)


async def _is_unseated(pool: Pool, row: Row, tickets: list[Row]) -> bool:
    """Whether seats were withdrawn that nothing was paid for: for others there is a reason to pay back."""
    if row["refund_reason"] is not None or all(each["status"] != Status.CANCELLED for each in tickets):
        return False
    return await crossings.has_lost_seats(pool, row["id"])


async def _offer(pool: Pool, offer_id: str, row: Row, tickets: list[Row]) -> dict[str, Any] | None:
    """The offer that the address names, if it is this booking's and can still be taken."""
    try:
        found = await offers_repository.get_offer_of(pool, UUID(offer_id), row["id"]) if offer_id else None
    except ValueError:
        return None
    if found is None:
        return None
    seats = [ticket["seat"] for ticket in tickets if ticket["id"] in found["ticket_ids"]]
    return {**dict(found), "amount": money(found["amount_minor"], row["currency"]), "seats": seats}


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        after: UUID = decode_cursor(cursor, (UUID,))[0]
    except ValidationFailed:
        raise NotFound("There is no such page.") from None
    return after
