"""Wires the service together; the only place that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from common import context, database, health, metrics, openapi, principals, problems
from common.events import add_events, relay_after_writes
from common.mail.mailer import open_mail
from common.reading import add_reading
from common.routing import add_endpoints
from common.sweeps import SWEEPER, Sweeper
from common.tokens import AUDIENCE, ISSUER, KeyRing
from common.web.i18n import language_middleware
from common.web.layout import setup_pages
from common.web.renewal import renew_first
from services.auth.events import HANDLERS, translate
from services.auth.keys import CONFIG, TOKEN_KEYS
from services.auth.routes import ENDPOINTS, PAGES, SWEEPS

if TYPE_CHECKING:
    from services.auth.config import Config

_HERE: Final = Path(__file__).parent
# A form that was on its way when its session was due for renewal comes by here with all it carries.
LARGEST_BODY: Final = 21 * 1024 * 1024


def create_app(config: Config) -> web.Application:
    """auth-service as an aiohttp application; it verifies tokens with the ring that it signs them with."""
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
            relay_after_writes,
        ],
    )
    app[CONFIG] = config
    app[TOKEN_KEYS] = token_keys
    app[SWEEPER] = Sweeper(SWEEPS)
    open_mail(app, config.mail_url, config.mail_from, config.public_url)
    add_reading(app, config.strangler_url)
    metrics.add_metrics(app)

    app.cleanup_ctx.append(
        database.pool_ctx(config.database_url, max_size=config.pool_size, application_name="auth-service")
    )
    add_events(
        app,
        source="auth",
        database_url=config.database_url,
        redis_url=config.redis_url,
        seen_within_s=config.seen_within_ms / 1000,
        translate=translate,
        handlers=HANDLERS,
    )
    app.cleanup_ctx.append(app[SWEEPER].run)
    app.on_response_prepare.append(context.return_ids_of_streams)

    add_endpoints(app, ENDPOINTS)
    setup_pages(app, _HERE / "templates", [_HERE / "locale"], static=("auth", _HERE / "static"))
    app.add_routes(PAGES)
    document = openapi.build_document("Banyan: accounts", "1", [endpoint.doc for endpoint in ENDPOINTS])
    openapi.add_part(app, "auth", document)
    health.add_health(app, {"database": database.check_pool})
    return app
