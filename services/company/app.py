"""Wires company-service together; the only place that does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from aiohttp import web

from common import context, database, health, metrics, openapi, principals, problems, reading
from common.events import add_events, relay_after_writes
from common.jwks import JwksVerifier
from common.routing import add_endpoints
from common.tokens import AUDIENCE, ISSUER
from common.web.i18n import language_middleware
from common.web.layout import setup_pages
from common.web.renewal import renew_first
from services.company import routes
from services.company.events import HANDLERS, translate
from services.company.keys import CONFIG
from services.company.pages.plans import DECKS, PLANS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from common.tokens import Verifier
    from services.company.config import Config

NAME: Final = "company"
FOLDER: Final = Path(__file__).parent
LARGEST_BODY: Final = 21 * 1024 * 1024  # a GTFS feed of 20 MiB in its form; every other route reads far less


def create_app(config: Config, verifier: Verifier | None = None) -> web.Application:
    """The service as one aiohttp application; `verifier` knows the keys of tokens, instead of `jwks_url`."""
    if verifier is None:
        verifier = fetched = JwksVerifier(config.jwks_url)
    else:
        fetched = None
    app = web.Application(
        client_max_size=LARGEST_BODY,
        middlewares=[
            context.request_context,
            problems.problem_middleware,
            language_middleware,
            principals.authenticate(
                verifier, issuer=ISSUER, audience=AUDIENCE, public_origin=config.public_url
            ),
            renew_first,
            relay_after_writes,
        ],
    )
    app[CONFIG] = config
    app[PLANS], app[DECKS] = {}, {}
    metrics.add_metrics(app)
    app.cleanup_ctx.append(
        database.pool_ctx(config.database_url, max_size=config.pool_size, application_name=NAME)
    )
    if fetched is not None:
        app.cleanup_ctx.append(_closing(fetched))
    reading.add_reading(app, config.strangler_url)
    add_events(
        app,
        source=NAME,
        database_url=config.database_url,
        redis_url=config.redis_url,
        seen_within_s=config.seen_within_ms / 1000,
        translate=translate,
        handlers=HANDLERS,
    )
    app.on_response_prepare.append(context.return_ids_of_streams)

    setup_pages(app, FOLDER / "templates", [FOLDER / "locale"], static=(NAME, FOLDER / "static"))
    add_endpoints(app, routes.ENDPOINTS)
    app.router.add_routes(routes.PAGES)
    document = openapi.build_document("Banyan: company", "1", [doc for doc, _ in routes.ENDPOINTS])
    openapi.add_part(app, "company", document)
    health.add_health(app, {"database": database.check_pool})
    return app


def _closing(fetched: JwksVerifier) -> Callable[[web.Application], AsyncIterator[None]]:
    async def close(_app: web.Application) -> AsyncIterator[None]:
        yield
        await fetched.close()

    return close
