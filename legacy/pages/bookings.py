"""One's own bookings: paying, tickets, giving seats back."""

from __future__ import annotations

from itertools import starmap
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from common.cursors import decode_cursor, encode_cursor
from common.database import POOL, transaction
from common.principals import Role, require
from common.problems import NotFound, ValidationFailed
from common.web.forms import load_form, parse_form
from common.wire import path_id
from legacy import bookings, cancellations
from legacy.desk import desk_of
from legacy.pages import render, see_other
from legacy.queries import bookings as queries
from legacy.queries import waitlist as waitlist_queries
from legacy.rules.money import wire_money
from legacy.schemas.bookings import booking_wire
from legacy.schemas.ticketing_forms import BookingListForm, CancelForm

if TYPE_CHECKING:
    from aiohttp import web

    from common.principals import Principal
    from legacy.queries.bookings import Row

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
        "waiting": await waitlist_queries.list_open(request.app[POOL], by.user_id),
    }
    return render(request, "bookings.html", context)


async def show_booking(request: web.Request) -> web.Response:
    by = require(request)
    booking_id = path_id(request, "id")
    row, tickets = await bookings.find_booking(request.app[POOL], by, booking_id)
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
    except cancellations.OfferExpired:
        return see_other(f"{page}#cancel", flash="offer-expired")
    except cancellations.NotCancellable as problem:
        return see_other(page, flash=f"not-cancellable-{problem.extra['reason']}")
    except ValidationFailed:
        return see_other(page)
    return see_other(page, flash="cancelled")


async def _page(request: web.Request, by: Principal, row: Row, tickets: list[Row]) -> web.Response:
    pool = request.app[POOL]
    booking = booking_wire(row, tickets)
    offer_id = _offer_id(request.query.get("offer", ""))
    offer: dict[str, Any] | None = None
    if offer_id is not None and (found := await queries.get_offer_of(pool, offer_id, row["id"])):
        seats = [ticket["seat"] for ticket in tickets if ticket["id"] in found["ticket_ids"]]
        offer = {**dict(found), "amount": wire_money(found["amount"], row["currency"]), "seats": seats}
    own = row["user_id"] == by.user_id
    context = {
        "booking": booking,
        "own": own,
        "may_cancel": own or by.role in {Role.OPERATOR, Role.ADMIN},
        "departed": cancellations.departed(row),
        "paid": booking["status"] == "held" and await queries.is_paid(pool, row["id"]),
        "refund_reason": row["refund_reason"],
        "cancel_reason": row["cancel_reason"],
        "offer": offer,
        "now": row["now"],
    }
    return render(request, "booking.html", context)


def _offer_id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _after(cursor: str | None) -> UUID | None:
    if cursor is None:
        return None
    try:
        after: UUID = decode_cursor(cursor, (UUID,))[0]
    except ValidationFailed:
        raise NotFound("There is no such page.") from None
    return after
