"""The API and the pages of user-service, at a glance."""

from __future__ import annotations

from aiohttp import web

from common.database import POOL
from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from common.sweeps import Sweep
from services.user import handlers, pages, schemas
from services.user.service import dashboards

STAFF = ("operator", "inspector", "driver", "admin")

ENDPOINTS: tuple[Endpoint, ...] = (
    # profiles
    Endpoint(
        RouteDoc(
            "GET", "/api/users/me", "The own profile", "user", responses={200: schemas.Profile, 304: None}
        ),
        handlers.show_profile,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/users/me",
            "Change the own profile",
            "user",
            request_schema=schemas.ProfileChanges,
            responses={200: schemas.Profile},
            errors=(412,),
        ),
        handlers.change_profile,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/users/me/travellers",
            "People the user travels with",
            "user",
            query_schema=ListQuery,
            responses={200: schemas.TravellerPage},
        ),
        handlers.list_travellers,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/users/me/travellers",
            "Keep a traveller for the next booking",
            "user",
            request_schema=schemas.NewTraveller,
            responses={201: schemas.Traveller},
            errors=(409,),
        ),
        handlers.add_traveller,
    ),
    Endpoint(
        RouteDoc(
            "DELETE", "/api/users/me/travellers/{id}", "Forget a traveller", "user", responses={204: None}
        ),
        handlers.forget_traveller,
    ),
    # dashboards
    Endpoint(
        RouteDoc(
            "GET",
            "/api/users/me/dashboard",
            "The own journeys and spending",
            "user",
            responses={200: schemas.UserDashboard},
        ),
        handlers.show_user_dashboard,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/dashboard",
            "Sales, load factor, cancellations and check-ins of a company",
            "user",
            query_schema=schemas.Period,
            responses={200: schemas.CompanyDashboard},
            roles=STAFF,
        ),
        handlers.show_company_dashboard,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/dashboard",
            "The whole platform",
            "user",
            query_schema=schemas.Period,
            responses={200: schemas.PlatformDashboard},
            roles=("admin",),
        ),
        handlers.show_platform_dashboard,
    ),
)

PAGES: tuple[web.RouteDef, ...] = (
    web.get("/dashboard", pages.show_dashboard),
    web.get("/profile", pages.show_profile),
    web.post("/profile", pages.change_profile),
    web.post("/profile/travellers", pages.add_traveller),
    web.post("/profile/travellers/{id}/delete", pages.forget_traveller),
    web.get("/operator/sales", pages.show_sales),
    web.get("/admin", pages.show_platform),
)


async def count_what_is_told(app: web.Application) -> int:
    return await dashboards.count_what_is_told(app[POOL])


# Thorough: what is marked meanwhile waits for the next turn, or it would be counted with every sale again.
SWEEPS: tuple[Sweep, ...] = (
    Sweep("count what is told", 5.0, count_what_is_told, thorough=True, is_news=False),
)
