"""The user section of the API and its pages, at a glance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from common.openapi import RouteDoc
from common.routing import Endpoint
from common.schemas import ListQuery
from legacy.handlers import user
from legacy.pages import user as pages
from legacy.schemas import user as wire

if TYPE_CHECKING:
    from common.sweeps import Sweep

STAFF = ("operator", "inspector", "driver", "admin")

ENDPOINTS: tuple[Endpoint, ...] = (
    # profiles
    Endpoint(
        RouteDoc("GET", "/api/users/me", "The own profile", "user", responses={200: wire.Profile, 304: None}),
        user.show_profile,
    ),
    Endpoint(
        RouteDoc(
            "PATCH",
            "/api/users/me",
            "Change the own profile",
            "user",
            request_schema=wire.ProfileChanges,
            responses={200: wire.Profile},
            errors=(412,),
        ),
        user.change_profile,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/users/me/travellers",
            "People the user travels with",
            "user",
            query_schema=ListQuery,
            responses={200: wire.TravellerPage},
        ),
        user.list_travellers,
    ),
    Endpoint(
        RouteDoc(
            "POST",
            "/api/users/me/travellers",
            "Keep a traveller for the next booking",
            "user",
            request_schema=wire.NewTraveller,
            responses={201: wire.Traveller},
            errors=(409,),
        ),
        user.add_traveller,
    ),
    Endpoint(
        RouteDoc(
            "DELETE", "/api/users/me/travellers/{id}", "Forget a traveller", "user", responses={204: None}
        ),
        user.forget_traveller,
    ),
    # dashboards
    Endpoint(
        RouteDoc(
            "GET",
            "/api/users/me/dashboard",
            "The own journeys and spending",
            "user",
            responses={200: wire.UserDashboard},
        ),
        user.show_user_dashboard,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/companies/{id}/dashboard",
            "Sales, load factor, cancellations and check-ins of a company",
            "user",
            query_schema=wire.Period,
            responses={200: wire.CompanyDashboard},
            roles=STAFF,
        ),
        user.show_company_dashboard,
    ),
    Endpoint(
        RouteDoc(
            "GET",
            "/api/dashboard",
            "The whole platform",
            "user",
            query_schema=wire.Period,
            responses={200: wire.PlatformDashboard},
            roles=("admin",),
        ),
        user.show_platform_dashboard,
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
SWEEPS: tuple[Sweep, ...] = ()
