"""The service's API and pages, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from common.openapi import RouteDoc
from common.routing import Endpoint
from services.payment import handlers, pages, sweeps
from services.payment import schemas as wire

if TYPE_CHECKING:
    from common.sweeps import Sweep

OPERATOR = ("operator", "admin")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        RouteDoc(
            "POST",
            "/api/payments/webhooks/{provider}",
            "What a provider tells us",
            "payment",
            request_media_type="application/json",
            responses={202: wire.Acknowledged},
            auth="none",
            errors=(400, 413),
            description="Signed in Banyan-Signature; kept first and worked on after.",
        ),
        handlers.receive_webhook,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/payments",
            "Pay for a booking",
            "payment",
            request_schema=wire.NewPayment,
            responses={200: wire.Payment, 201: wire.Payment},
            idempotent=True,
            errors=(404,),
            description="A booking has one open payment at most; it is answered with 200.",
        ),
        handlers.make_payment,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/payments",
            "Payments of a booking, or one's own",
            "payment",
            query_schema=wire.PaymentQuery,
            responses={200: wire.PaymentPage},
            errors=(404,),
        ),
        handlers.list_payments,
    ),
    Endpoint(
        RouteDoc("GET", "/api/payments/{id}", "A payment", "payment", responses={200: wire.Payment}),
        handlers.show_payment,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/payments/{id}/confirm",
            "Give a card, or the code that its bank asks for",
            "payment",
            request_schema=wire.Confirmation,
            responses={200: wire.Payment},
            idempotent=True,
            description="The payment is processing then; what comes of it the provider tells later.",
        ),
        handlers.confirm_payment,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/payments/{id}/cancel",
            "Close a payment that no card was given for",
            "payment",
            request_schema=wire.Cancellation,
            responses={200: wire.Payment},
            errors=(409,),
        ),
        handlers.cancel_payment,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/payments/{id}/refunds",
            "Give some of a payment back",
            "payment",
            request_schema=wire.NewRefund,
            responses={201: wire.Refund},
            idempotent=True,
            roles=OPERATOR,
        ),
        handlers.make_refund,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/ledger",
            "Accounts and entries",
            "payment",
            query_schema=wire.LedgerQuery,
            responses={200: wire.Ledger},
            roles=("admin",),
        ),
        handlers.show_ledger,
    ),
)
PAGES: tuple[web.RouteDef, ...] = (
    web.post("/checkout", pages.start_checkout),
    web.get("/checkout/{id}", pages.show_checkout),
    web.post("/checkout/{id}", pages.pay),
    web.post("/checkout/{id}/challenge", pages.answer_challenge),
)
SWEEPS: tuple[Sweep, ...] = sweeps.SWEEPS
