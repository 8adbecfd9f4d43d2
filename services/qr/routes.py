"""All that qr-service answers, at a glance."""

from __future__ import annotations

from aiohttp import web

from common.database import POOL
from common.idempotency import purge_expired
from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from services.qr import handlers, pages
from services.qr import schemas as wire


async def forget_idempotency_keys(app: web.Application) -> int:
    """Delete the kept answers that nobody may ask for any more, all of them at once."""
    await purge_expired(app[POOL])
    return 0


STAFF = ("operator", "inspector", "driver", "admin")

ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        RouteDoc(
            "GET",
            "/api/tickets/{id}/qr",
            "A ticket's code, as an image or as text",
            "qr",
            query_schema=wire.CodeQuery,
            responses={200: wire.Code, 304: None},
            other_forms=("image/png", "image/svg+xml"),
            errors=(409,),
            description="With format=png or svg an image of the code. A ticket has one once it is paid for.",
        ),
        handlers.show_code,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/qr/keys",
            "The public keys that codes are signed with",
            "qr",
            responses={200: wire.CodeKeys},
            auth="none",
        ),
        handlers.list_keys,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/qr/verify",
            "Look at a code without using it",
            "qr",
            request_schema=wire.ShownCode,
            responses={200: wire.Verdict},
            roles=STAFF,
        ),
        handlers.verify_code,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}/offline-list",
            "What a scanner needs without a network",
            "qr",
            responses={200: wire.OfflineList, 304: None},
            roles=STAFF,
        ),
        handlers.show_offline_list,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/check-ins/batch",
            "Bring what a scanner did offline",
            "qr",
            request_schema=wire.CheckInBatch,
            responses={200: wire.BatchResults},
            idempotent=True,
            roles=STAFF,
            description="Whoever was let on with a code that had been used is recorded as a duplicate.",
        ),
        handlers.check_in_batch,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/check-ins",
            "Check a passenger in",
            "qr",
            request_schema=wire.NewCheckIn,
            responses={200: wire.CheckIn, 201: wire.CheckIn},
            idempotent=True,
            roles=STAFF,
            description="The same nonce again answers what it answered first.",
        ),
        handlers.check_in,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/trips/{id}/check-ins",
            "Who boarded, in the order it was recorded",
            "qr",
            query_schema=ListQuery,
            responses={200: wire.RecordedCheckInPage},
            roles=STAFF,
        ),
        handlers.list_check_ins,
    ),
)
PAGES: tuple[web.RouteDef, ...] = (
    web.get("/tickets/{id}", pages.show_ticket),
    web.get("/scan", pages.show_scanner),
    web.post("/scan", pages.scan),
)
SWEEPS: tuple[Sweep, ...] = (Sweep("forget idempotency keys", 600.0, forget_idempotency_keys),)
