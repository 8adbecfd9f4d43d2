"""Wires qr-service together; the only place that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from common import context, database, health, metrics, openapi, principals, problems, reading
from common.events import add_events
from common.idempotency import FINGERPRINT_KEY
from common.keyring import KeyRing
from common.routing import add_endpoints
from common.sweeps import SWEEPER, Sweeper
from common.tokens import AUDIENCE, ISSUER, JwksVerifier
from common.web.i18n import language_middleware
from common.web.layout import setup_pages
from common.web.renewal import renew_first
from services.qr.domain.tokens import CodeKeys
from services.qr.events import HANDLERS, translate
from services.qr.keys import CODE_KEYS
from services.qr.routes import ENDPOINTS, PAGES, SWEEPS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from common.tokens import Verifier
    from services.qr.config import Config

HERE = Path(__file__).parent
LARGEST_BODY = 1 << 20  # a batch of 500 scans is a third of it


def create_app(config: Config, *, verifier: Verifier | None = None) -> web.Application:
    """The whole service as one aiohttp application; tokens are checked with the issuer's public keys."""
    app = web.Application(client_max_size=LARGEST_BODY)
    if verifier is None:
        verifier = _fetched_keys(app, config.jwks_url)
    app.middlewares.extend(
        (
            context.request_context,
            problems.problem_middleware,
            language_middleware,
            principals.authenticate(
                verifier, issuer=ISSUER, audience=AUDIENCE, public_origin=config.public_url
            ),
            renew_first,
        )
    )
    app[FINGERPRINT_KEY] = config.secret_key
    app[CODE_KEYS] = CodeKeys(KeyRing.from_file(config.qr_keys_file))
    app[SWEEPER] = Sweeper(SWEEPS)

    app.cleanup_ctx.append(
        database.pool_ctx(config.database_url, max_size=config.pool_size, application_name="qr-service")
    )
    app.cleanup_ctx.append(app[SWEEPER].run)
    app.on_response_prepare.append(context.return_ids_of_streams)

    add_endpoints(app, ENDPOINTS)
    setup_pages(app, HERE / "templates", [HERE / "locale"], static=("qr", HERE / "static"))
    app.add_routes(PAGES)
    document = openapi.build_document("Banyan: qr", "1", [doc for doc, _ in ENDPOINTS])
    openapi.add_part(app, "qr", document)
    health.add_health(app, {"database": database.check_pool})
    metrics.add_metrics(app)
    reading.add_reading(app, config.strangler_url)
    add_events(
        app,
        source="qr",
        database_url=config.database_url,
        redis_url=config.redis_url,
        seen_within_s=config.seen_within_ms / 1000,
        translate=translate,
        handlers=HANDLERS,
    )
    return app


def _fetched_keys(app: web.Application, url: str) -> JwksVerifier:
    verifier = JwksVerifier(url)

    async def closed_at_the_end(_app: web.Application) -> AsyncIterator[None]:
        yield
        await verifier.close()

    app.cleanup_ctx.append(closed_at_the_end)
    return verifier
