"""Requests about payments, refunds, webhooks and the ledger."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from common.cursors import decode_cursor, page
from common.database import POOL
from common.idempotency import run_apart, run_once
from common.principals import Role, require
from common.problems import NotFound, TooLarge
from common.wire import json_response, parse_json, parse_query, path_id
from legacy import ledger, payment_sweeps, payments, refunds
from legacy.keys import CONFIG
from legacy.providers import find_provider
from legacy.queries import payments as queries
from legacy.queries import webhooks as inbox
from legacy.schemas.payment import (
    Cancellation,
    Confirmation,
    LedgerQuery,
    NewPayment,
    NewRefund,
    PaymentQuery,
    payment_wire,
    refund_wire,
)

if TYPE_CHECKING:
    from aiohttp import web

    from common.database import Connection
    from legacy.queries.payments import Row

NEW_PAYMENT = NewPayment()
CONFIRMATION = Confirmation()
CANCELLATION = Cancellation()
NEW_REFUND = NewRefund()
PAYMENTS = PaymentQuery()
LEDGER = LedgerQuery()
NO_STORE = {"Cache-Control": "no-store"}
LARGEST_EVENT = 64 * 1024
DOMAIN = "payment"  # whose keys these are: the services keep each domain's apart


async def make_payment(request: web.Request) -> web.Response:
    by = require(request)
    wanted = await parse_json(request, NEW_PAYMENT)

    async def work(conn: Connection) -> web.Response:
        made = await payments.make_payment(conn, by, wanted["booking_id"], wanted["provider"])
        location = f"/api/payments/{made.payment['id']}"
        return await _answer(request, conn, made.payment, 201 if made.is_new else 200, location)

    return await run_once(request.app[POOL], request, by, await request.read(), work, within=DOMAIN)


async def confirm_payment(request: web.Request) -> web.Response:
    """Charge a card, or answer a challenge. The provider is asked between two transactions.

    A repeat is answered without asking the provider; without a key the payment's state tells two apart.
    """
    by = require(request)
    payment_id = path_id(request, "id")
    wanted = await parse_json(request, CONFIRMATION)
    app = request.app
    pool = app[POOL]

    async def work() -> web.Response:
        if "card" in wanted:
            await payments.charge_card(pool, app[CONFIG], by, payment_id, wanted["card"])
        else:
            await payments.answer_challenge(pool, app[CONFIG], by, payment_id, wanted["challenge_code"])
        payment_sweeps.wake_delivery(app)
        return await _answer(request, pool, await queries.get_payment(pool, payment_id))

    return await run_apart(pool, request, by, await request.read(), work, within=DOMAIN)


async def cancel_payment(request: web.Request) -> web.Response:
    by = require(request)
    payment_id = path_id(request, "id")
    await parse_json(request, CANCELLATION)
    async with request.app[POOL].acquire() as conn, conn.transaction():
        payment = await payments.cancel_payment(conn, by, payment_id)
        return await _answer(request, conn, payment)


async def show_payment(request: web.Request) -> web.Response:
    by = require(request)
    pool = request.app[POOL]
    return await _answer(request, pool, await payments.find_payment(pool, by, path_id(request, "id")))


async def list_payments(request: web.Request) -> web.Response:
    by = require(request)
    query = parse_query(request, PAYMENTS)
    pool = request.app[POOL]
    rows = await payments.list_payments(pool, by, query["booking_id"], _before(query), query["limit"] + 1)
    shown = page(rows, query["limit"], lambda row: (row["id"],))
    given_back = await queries.refunds_of(pool, [row["id"] for row in shown["items"]])
    items = [payment_wire(row, given_back, request.app[CONFIG].public_url) for row in shown["items"]]
    return json_response({**shown, "items": items}, headers=NO_STORE)


async def make_refund(request: web.Request) -> web.Response:
    by = require(request, Role.OPERATOR, Role.ADMIN)
    payment_id = path_id(request, "id")
    wanted = await parse_json(request, NEW_REFUND)

    async def work(conn: Connection) -> web.Response:
        payment = await queries.get_payment(conn, payment_id)
        if payment is None or not (by.is_admin or by.company_id == payment["company_id"]):
            raise NotFound
        currency = payment["currency"]
        amount = payments.check_amount(wanted["amount"], currency)
        refund = await refunds.make_refund(conn, by, payment_id, amount, wanted["reason"])
        headers = {**NO_STORE, "Location": f"/api/payments/{payment_id}"}
        return json_response(refund_wire(refund, currency), 201, headers)

    response = await run_once(request.app[POOL], request, by, await request.read(), work, within=DOMAIN)
    payment_sweeps.wake_refunds(request.app)
    return response


async def receive_webhook(request: web.Request) -> web.Response:
    """Keep what a provider says, and say so; what follows from it is done after."""
    provider = find_provider(request.app[CONFIG], request.match_info["provider"])
    if (request.content_length or 0) > LARGEST_EVENT:
        raise TooLarge
    body = await request.read()
    if len(body) > LARGEST_EVENT:
        raise TooLarge
    event = provider.read_webhook(request.headers, body, datetime.now(UTC))
    if await inbox.insert_event(request.app[POOL], provider.name, event["id"], event):
        payment_sweeps.wake_events(request.app)
    return json_response({}, 202, NO_STORE)


async def show_ledger(request: web.Request) -> web.Response:
    require(request, Role.ADMIN)
    query = parse_query(request, LEDGER)
    pool = request.app[POOL]
    accounts = await ledger.sum_accounts(pool)
    rows = await ledger.list_entries(
        pool, query["account"], query["payment_id"], _before(query), query["limit"] + 1
    )
    shown = page(rows, query["limit"], lambda row: (row["id"],))
    return json_response(
        {
            "trial_balance": ledger.trial_balance(accounts),
            "accounts": accounts,
            "items": [ledger.entry_wire(row) for row in shown["items"]],
            "next_cursor": shown["next_cursor"],
        },
        headers=NO_STORE,
    )


async def _answer(
    request: web.Request, conn: Connection, payment: Row, status: int = 200, location: str | None = None
) -> web.Response:
    given_back = await queries.refunds_of(conn, [payment["id"]])
    headers = {**NO_STORE, "Location": location} if location else NO_STORE
    return json_response(payment_wire(payment, given_back, request.app[CONFIG].public_url), status, headers)


def _before(query: dict[str, Any]) -> UUID | None:
    if not query["cursor"]:
        return None
    before: UUID = decode_cursor(query["cursor"], (UUID,))[0]
    return before
