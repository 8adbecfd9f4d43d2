"""The checkout: a card is typed in, a code is asked for, and the page waits until the provider has decided.

A card's number and security code are never rendered again, not even where one of them was wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from common.database import POOL, transaction
from common.instants import format_instant
from common.money import money
from common.principals import require
from common.problems import NotFound
from common.reading import read_through
from common.web.forms import Form, parse_form
from common.web.layout import render, see_other
from common.wire import path_id
from services.payment import sweeps
from services.payment.domain.payments import Status, why_not_payable
from services.payment.errors import NotConfirmable, NotPayable
from services.payment.keys import PROVIDERS
from services.payment.providers import NAMES
from services.payment.schemas import CardForm, ChallengeForm, NewCheckout
from services.payment.service import payments
from services.payment.service.bookings import with_booking

if TYPE_CHECKING:
    from aiohttp import web

    from services.payment.repository.payments import Row
    from services.payment.service.bookings import Asked
    from services.payment.service.payments import Made

NEW_CHECKOUT: Final = NewCheckout()
CARD: Final = CardForm()
CHALLENGE: Final = ChallengeForm()
REFRESH_S: Final = 2
TEST_CARDS: Final = (
    ("4242 4242 4242 4242", "succeeds"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "is declined: insufficient funds"),
    ("4000 0000 0000 3220", "asks for a code; 123456 is the right one"),
    ("4000 0000 0000 0077", "succeeds after three seconds"),
    ("4000 0000 0000 0259", "succeeds, and the news comes three times"),
    ("4000 0000 0000 0341", "succeeds; refunds fail"),
)


async def start_checkout(request: web.Request) -> web.Response:
    """Make the booking's payment, or find the open one, and go there."""
    by = require(request)
    form = await parse_form(request, NEW_CHECKOUT)
    if not form.is_valid:
        raise NotFound("There is no such booking.")
    pool, booking_id = request.app[POOL], form.data["booking_id"]

    async def attempt(asked: Asked | None) -> Made:
        async with transaction(pool) as conn:
            return await payments.make_payment(conn, by, booking_id, NAMES[0], asked)

    try:
        made = await with_booking(pool, partial(read_through, request), attempt)
    except NotPayable:
        return see_other(f"/bookings/{booking_id}")  # which says why
    return see_other(f"/checkout/{made.payment['id']}")


async def show_checkout(request: web.Request) -> web.Response:
    payment = await _find(request)
    if payment["status"] == Status.SUCCEEDED:
        return see_other(f"/bookings/{payment['booking_id']}")
    return _render(request, payment, Form())


async def pay(request: web.Request) -> web.Response:
    by = require(request)
    form = await parse_form(request, CARD)
    payment_id = path_id(request, "id")
    if not form.is_valid:
        kept = {name: text for name, text in form.values.items() if name in {"name", "expiry"}}
        return _render(request, await _find(request), Form(kept, {}, form.errors), 422)
    pool, providers = request.app[POOL], request.app[PROVIDERS]

    async def attempt(asked: Asked | None) -> Row:
        return await payments.charge_card(pool, providers, by, payment_id, form.data["card"], asked)

    try:
        await with_booking(pool, partial(read_through, request), attempt)
    except NotConfirmable:
        return see_other(f"/checkout/{payment_id}")  # sent twice, or too late: the page says what is so
    sweeps.wake_delivery(request.app)
    return see_other(f"/checkout/{payment_id}")


async def answer_challenge(request: web.Request) -> web.Response:
    by = require(request)
    form = await parse_form(request, CHALLENGE)
    payment_id = path_id(request, "id")
    if not form.is_valid:
        return _render(request, await _find(request), Form({}, {}, form.errors), 422)
    pool, providers = request.app[POOL], request.app[PROVIDERS]
    try:
        await payments.answer_challenge(pool, providers, by, payment_id, form.data["code"])
    except NotConfirmable:
        return see_other(f"/checkout/{payment_id}")
    sweeps.wake_delivery(request.app)
    return see_other(f"/checkout/{payment_id}")


async def _find(request: web.Request) -> Row:
    by = require(request)
    read = partial(read_through, request)
    return await payments.find_checkout(request.app[POOL], read, by, path_id(request, "id"))


def _render(request: web.Request, payment: Row, form: Form, status: int = 200) -> web.Response:
    now = datetime.now(UTC)
    expires_at = payment["expires_at"]
    payable = why_not_payable(payment["booking_status"], expires_at or now, now) is None
    journey = payment["journey"]
    context: dict[str, Any] = {
        "payment": payment,
        "amount": money(payment["amount_minor"], payment["currency"]),
        "state": _state(payment),
        "payable": payable,
        "start": journey["from"],
        "end": journey["to"],
        "company_name": payment["company_name"] or journey["company_name"],
        "expires_at": format_instant(expires_at) if payable else None,
        "now": format_instant(now),
        "form": form,
        "refresh_s": REFRESH_S,
        "test_cards": TEST_CARDS,
    }
    return render(request, "checkout.html", context, status=status)


def _state(payment: Row) -> str:
    """What the page is about: `card`, `challenge`, `waiting`, `failed` or `closed`."""
    if payment["status"] == Status.PROCESSING:
        return "challenge" if payment["next_action"] else "waiting"
    return {Status.REQUIRES_METHOD: "card", Status.FAILED: "failed"}.get(payment["status"], "closed")
