"""Wires the service together; the only place that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from common import context, database, health, metrics, openapi, principals, problems
from common.events import add_events, relay_after_writes
from common.idempotency import FINGERPRINT_KEY
from common.jwks import JwksVerifier
from common.mail.mailer import open_mail
from common.reading import add_reading
from common.routing import add_endpoints
from common.sweeps import SWEEPER, Sweeper
from common.tokens import AUDIENCE, ISSUER
from common.web.i18n import language_middleware
from common.web.layout import setup_pages
from common.web.renewal import renew_first
from common.whole_document import add_whole_document
from services.ticketing.crossed import add_crossed
from services.ticketing.events import HANDLERS, translate
from services.ticketing.keys import CONFIG
from services.ticketing.routes import ENDPOINTS, PAGES, SWEEPS

if TYPE_CHECKING:
    from common.tokens import Verifier
    from services.ticketing.config import Config

_HERE: Final = Path(__file__).parent


def create_app(config: Config, verifier: Verifier | None = None) -> web.Application:
    """ticketing-service as an aiohttp application; `verifier` stands in for the issuer's published keys."""
    jwks = JwksVerifier(config.jwks_url)
    app = web.Application(
        middlewares=[
            context.request_context,
            problems.problem_middleware,
            language_middleware,
            principals.authenticate(
                verifier or jwks, issuer=ISSUER, audience=AUDIENCE, public_origin=config.public_url
            ),
            renew_first,
            relay_after_writes,
        ],
    )
    app[CONFIG] = config
    app[FINGERPRINT_KEY] = config.secret_key
    app[SWEEPER] = Sweeper(SWEEPS)
    open_mail(app, config.mail_url, config.mail_from, config.public_url)
    add_reading(app, config.strangler_url)
    metrics.add_metrics(app)
    add_crossed(app)
    app.on_cleanup.append(lambda _app: jwks.close())

    app.cleanup_ctx.append(
        database.pool_ctx(
            config.database_url, max_size=config.pool_size, application_name="ticketing-service"
        )
    )
    add_events(
        app,
        source="ticketing",
        database_url=config.database_url,
        redis_url=config.redis_url,
        seen_within_s=config.seen_within_ms / 1000,
        translate=translate,
        handlers=HANDLERS,
    )
    app.cleanup_ctx.append(app[SWEEPER].run)
    app.on_response_prepare.append(context.return_ids_of_streams)

    add_endpoints(app, ENDPOINTS)
    setup_pages(app, _HERE / "templates", [_HERE / "locale"], static=("ticketing", _HERE / "static"))
    app.add_routes(PAGES)
    document = openapi.build_document("Banyan: ticketing", "1", [endpoint.doc for endpoint in ENDPOINTS])
    openapi.add_part(app, "ticketing", document)
    add_whole_document(app, "Banyan", ("auth", "user", "company", "ticketing", "qr", "payment"))
    health.add_health(app, {"database": database.check_pool})
    return app
