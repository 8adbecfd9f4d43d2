"""Wires the monolith together; the only place that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from common import context, database, health, metrics, openapi, principals, problems
from common.idempotency import FINGERPRINT_KEY, purge_expired
from common.mail.mailer import open_mail
from common.routing import add_endpoints
from common.sweeps import SWEEPER, Sweep, Sweeper
from common.tokens import AUDIENCE, ISSUER, KeyRing
from common.web.i18n import language_middleware
from common.web.renewal import renew_first
from legacy import company_router, login_router, pages, payment_router, qr_router, ticket_router, user_router
from legacy.keys import CONFIG, QR_KEYS, TOKEN_KEYS

if TYPE_CHECKING:
    from legacy.config import Config

ROUTERS = (login_router, user_router, company_router, ticket_router, qr_router, payment_router)
LARGEST_BODY = 21 * 1024 * 1024  # a GTFS feed of 20 MiB; every other route reads far less


def create_app(config: Config) -> web.Application:
    """The whole monolith as one aiohttp application."""
    token_keys = KeyRing.from_file(config.token_keys_file)
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            context.request_context,
            problems.problem_middleware,
            language_middleware,
            principals.authenticate(
                token_keys, issuer=ISSUER, audience=AUDIENCE, public_origin=config.public_url
            ),
            renew_first,
        ],
    )
    app[CONFIG] = config
    app[FINGERPRINT_KEY] = config.secret_key
    app[TOKEN_KEYS] = token_keys
    app[QR_KEYS] = KeyRing.from_file(config.qr_keys_file)
    open_mail(app, config.mail_url, config.mail_from, config.public_url)
    app[SWEEPER] = Sweeper((*(sweep for router in ROUTERS for sweep in router.SWEEPS), FORGET_KEYS))

    app.cleanup_ctx.append(
        database.pool_ctx(config.database_url, max_size=config.pool_size, application_name="legacy")
    )
    app.cleanup_ctx.append(app[SWEEPER].run)

    app.on_response_prepare.append(context.return_ids_of_streams)

    endpoints = [endpoint for router in ROUTERS for endpoint in router.ENDPOINTS]
    add_endpoints(app, endpoints)
    pages.add_pages(app, [page for router in ROUTERS for page in router.PAGES])
    document = openapi.build_document("Banyan", "1", [doc for doc, _ in endpoints])
    openapi.add_docs(app, document)
    for tag in sorted({doc.tag for doc, _ in endpoints}):
        openapi.add_part(app, tag, document)
    health.add_health(app, {"database": database.check_pool})
    metrics.add_metrics(app)
    return app


async def forget_idempotency_keys(app: web.Application) -> int:
    """Delete the kept answers that nobody may ask for any more, all of them at once."""
    await purge_expired(app[database.POOL])
    return 0


FORGET_KEYS = Sweep("forget idempotency keys", 600.0, forget_idempotency_keys)
