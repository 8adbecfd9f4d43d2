"""Requests about payments, refunds, webhooks and the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.answers import NO_STORE, after_id, by_id, listing
from common.cursors import page
from common.database import POOL
from common.events import relay_now
from common.idempotency import run_apart, run_once
from common.money import money
from common.principals import Role, require
from common.problems import TooLarge
from common.reading import read_through
from common.wire import json_response, parse_json, parse_query, path_id
from services.payment import schemas, sweeps
from services.payment.domain.ledger import trial_balance
from services.payment.keys import CONFIG, PROVIDERS
from services.payment.providers import find_provider
from services.payment.repository import inbox
from services.payment.repository import ledger as ledger_repository
from services.payment.repository import refunds as refunds_repository
from services.payment.service import ledger, payments, refunds
from services.payment.service.bookings import with_booking

if TYPE_CHECKING:
    from aiohttp import web

    from common.database import Connection
    from common.principals import Principal
    from services.payment.repository.payments import Row
    from services.payment.service.bookings import Asked

NEW_PAYMENT = schemas.NewPayment()
CONFIRMATION = schemas.Confirmation()
CANCELLATION = schemas.Cancellation()
NEW_REFUND = schemas.NewRefund()
PAYMENTS = schemas.PaymentQuery()
LEDGER = schemas.LedgerQuery()
LARGEST_EVENT = 64 * 1024


async def make_payment(request: web.Request) -> web.Response:
    by = require(request)
    wanted = await parse_json(request, NEW_PAYMENT)
    pool, body = request.app[POOL], await request.read()

    async def attempt(asked: Asked | None) -> web.Response:
        async def work(conn: Connection) -> web.Response:
            made = await payments.make_payment(conn, by, wanted["booking_id"], wanted["provider"], asked)
            location = f"/api/payments/{made.payment['id']}"
            return _answer(request, made.payment, (), 201 if made.is_new else 200, location)

        return await run_once(pool, request, by, body, work)

    return await with_booking(pool, partial(read_through, request), attempt)


async def confirm_payment(request: web.Request) -> web.Response:
    """Charge a card, or answer a challenge. The provider is asked outside of transactions.

    A repeat is answered without asking the provider; without a key the payment's state tells two apart.
    """
    by = require(request)
    payment_id = path_id(request, "id")
    wanted = await parse_json(request, CONFIRMATION)

    async def work() -> web.Response:
        return _answer(request, await _confirm(request, by, payment_id, wanted), ())

    return await run_apart(request.app[POOL], request, by, await request.read(), work)


async def cancel_payment(request: web.Request) -> web.Response:
    by = require(request)
    payment_id = path_id(request, "id")
    await parse_json(request, CANCELLATION)
    return _answer(request, await payments.cancel_payment(request.app[POOL], by, payment_id), ())


async def show_payment(request: web.Request) -> web.Response:
    by = require(request)
    payment = await payments.find_payment(request.app[POOL], by, path_id(request, "id"))
    return _answer(request, payment, await _refunds_of(request, [payment]))


async def list_payments(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, PAYMENTS)
    rows = await payments.list_payments(
        request.app[POOL],
        partial(read_through, request),
        by,
        query["booking_id"],
        after_id(query, UUID),
        query["limit"] + 1,
    )
    given_back = await _refunds_of(request, rows[: query["limit"]])
    public_url = request.app[CONFIG].public_url

    def wire(row: Any) -> dict[str, Any]:
        return schemas.payment_wire(row, given_back, public_url)

    return listing(rows, query["limit"], wire, by_id)


async def make_refund(request: web.Request) -> web.Response:
    by = require(request, Role.OPERATOR, Role.ADMIN)
    payment_id = path_id(request, "id")
    wanted = await parse_json(request, NEW_REFUND)

    async def work(conn: Connection) -> web.Response:
        refund = await refunds.make_refund(conn, by, payment_id, wanted["amount"], wanted["reason"])
        headers = {**NO_STORE, "Location": f"/api/payments/{payment_id}"}
        return json_response(schemas.refund_wire(refund), 201, headers)

    response = await run_once(request.app[POOL], request, by, await request.read(), work)
    relay_now(request)
    sweeps.wake_refunds(request.app)
    return response


async def receive_webhook(request: web.Request) -> web.Response:
    """Keep what a provider says, and say so; what follows from it is done after."""
    provider = find_provider(request.app[PROVIDERS], request.match_info["provider"])
    if (request.content_length or 0) > LARGEST_EVENT:
        raise TooLarge
    body = await request.read()
    if len(body) > LARGEST_EVENT:
        raise TooLarge
    event = provider.read_webhook(request.headers, body, datetime.now(UTC))
    if await inbox.insert_event(request.app[POOL], provider.name, event["id"], event):
        sweeps.wake_events(request.app)
    return json_response({}, 202, NO_STORE)


async def show_ledger(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    query = parse_query(request, LEDGER)
    pool = request.app[POOL]
    accounts = await ledger_repository.sum_accounts(pool)
    rows = await ledger.list_entries(
        pool, query["account"], query["payment_id"], after_id(query, UUID), query["limit"] + 1
    )
    shown = page(rows, query["limit"], by_id)
    return json_response(
        {
            "trial_balance": [money(total, currency) for currency, total in trial_balance(accounts).items()],
            "accounts": accounts,
            "items": [schemas.entry_wire(row) for row in shown["items"]],
            "next_cursor": shown["next_cursor"],
        },
        headers=NO_STORE,
    )


async def _confirm(request: web.Request, by: Principal, payment_id: UUID, wanted: dict[str, Any]) -> Row:
    app = request.app
    pool, providers = app[POOL], app[PROVIDERS]
    if "card" in wanted:

        async def attempt(asked: Asked | None) -> Row:
            return await payments.charge_card(pool, providers, by, payment_id, wanted["card"], asked)

        payment = await with_booking(pool, partial(read_through, request), attempt)
    else:
        payment = await payments.answer_challenge(pool, providers, by, payment_id, wanted["challenge_code"])
    sweeps.wake_delivery(app)
    return payment


async def _refunds_of(request: web.Request, rows: list[Row]) -> list[Row]:
    refunded = [row["id"] for row in rows if row["has_refunds"]]
    return await refunds_repository.refunds_of(request.app[POOL], refunded) if refunded else []


def _answer(
    request: web.Request,
    payment: Row,
    given_back: list[Row] | tuple[()],
    status: int = 200,
    location: str | None = None,
) -> web.Response:
    headers = {**NO_STORE, "Location": location} if location else NO_STORE
    wire = schemas.payment_wire(payment, given_back, request.app[CONFIG].public_url)
    return json_response(wire, status, headers)
