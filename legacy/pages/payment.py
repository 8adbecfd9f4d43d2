"""The checkout: a card is typed in, a code is asked for, and the page waits until the provider has decided.

A card's number and security code are never rendered again, not even where one of them was wrong.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from common.database import POOL, transaction
from common.money import money, to_minor
from common.principals import require
from common.problems import NotFound
from common.web.forms import Form, parse_form
from common.wire import path_id
from legacy import payment_sweeps, payments
from legacy.keys import CONFIG
from legacy.pages import render, see_other
from legacy.payments import NotConfirmable, NotPayable
from legacy.providers import NAMES
from legacy.queries import payments as queries
from legacy.rules.payments import Status, why_not_payable
from legacy.schemas.payment import CardForm, ChallengeForm, NewCheckout

if TYPE_CHECKING:
    from aiohttp import web

    from legacy.queries.payments import Row

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
    booking_id = form.data["booking_id"]
    try:
        async with transaction(request.app[POOL]) as conn:
            made = await payments.make_payment(conn, by, booking_id, NAMES[0])
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
    try:
        await payments.charge_card(request.app[POOL], request.app[CONFIG], by, payment_id, form.data["card"])
    except NotConfirmable:
        return see_other(f"/checkout/{payment_id}")  # sent twice, or too late: the page says what is so
    payment_sweeps.wake_delivery(request.app)
    return see_other(f"/checkout/{payment_id}")


async def answer_challenge(request: web.Request) -> web.Response:
    by = require(request)
    form = await parse_form(request, CHALLENGE)
    payment_id = path_id(request, "id")
    if not form.is_valid:
        return _render(request, await _find(request), Form({}, {}, form.errors), 422)
    try:
        await payments.answer_challenge(
            request.app[POOL], request.app[CONFIG], by, payment_id, form.data["code"]
        )
    except NotConfirmable:
        return see_other(f"/checkout/{payment_id}")
    payment_sweeps.wake_delivery(request.app)
    return see_other(f"/checkout/{payment_id}")


async def _find(request: web.Request) -> Row:
    by = require(request)
    payment = await queries.get_checkout(request.app[POOL], path_id(request, "id"))
    if payment is None or payment["user_id"] != by.user_id:
        raise NotFound
    return payment


def _render(request: web.Request, payment: Row, form: Form, status: int = 200) -> web.Response:
    now = datetime.now(UTC)
    context: dict[str, Any] = {
        "payment": payment,
        "amount": money(to_minor(payment["amount"], payment["currency"]), payment["currency"]),
        "state": _state(payment),
        "payable": why_not_payable(payment["booking_status"], payment["expires_at"], now) is None,
        "form": form,
        "refresh_s": REFRESH_S,
        "test_cards": TEST_CARDS,
    }
    return render(request, "checkout.html", context, status)


def _state(payment: Row) -> str:
    """What the page is about: `card`, `challenge`, `waiting`, `failed` or `closed`."""
    if payment["status"] == Status.PROCESSING:
        return "challenge" if payment["next_action"] else "waiting"
    return {Status.REQUIRES_METHOD: "card", Status.FAILED: "failed"}.get(payment["status"], "closed")
