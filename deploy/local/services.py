"""The six services as processes of the stack, each with its own database and role."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deploy.local.applications import DOMAINS
from deploy.local.parts import Command, Daemon, Step
from deploy.local.readiness import by_request
from deploy.local.stamps import digest_of
from deploy.local.steps import listening, once, program, python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.draft import Draft


def add_services(
    draft: Draft, common: Mapping[str, str], dsns: Mapping[str, str], redis_url: str
) -> dict[str, dict[str, str]]:
    """All six, and their tables; answers their environments by domain."""
    environments = {}
    for domain in DOMAINS:
        environment = {
            **common,
            "BANYAN_DATABASE_URL": dsns[domain],
            "BANYAN_REDIS_URL": redis_url,
            "BANYAN_STRANGLER_URL": draft.url("strangler"),
            "BANYAN_PORT": str(draft.options.ports[domain]),
        }
        environments[domain] = environment
        draft.parts.extend(_parts_of(draft, domain, environment))
    names = tuple(f"{domain}-service" for domain in DOMAINS)
    needs = (*names, *draft.names() & {"valkey"})
    draft.parts.append(Step("events", listening(redis_url, DOMAINS), needs))
    if draft.options.admin is not None:
        email, password = draft.options.admin
        told = {**environments["auth"], "BANYAN_ADMIN_PASSWORD": password}
        arguments = ("services.auth", "create-admin", "--email", email)
        draft.parts.append(program("auth-admin", told, arguments, needs=("auth-tables",)))
    return environments


def _parts_of(draft: Draft, domain: str, environment: Mapping[str, str]) -> tuple[Step, Daemon]:
    module = f"services.{domain}"
    root = draft.folders.root
    tables = f"{domain}-tables"
    return (
        once(
            draft.stamps,
            digest_of(root / "services" / domain / "migrations", root / "common" / "sql"),
            program(tables, environment, (module, "migrate"), needs=("databases", "keys")),
        ),
        Daemon(
            f"{domain}-service",
            Command(python(module), environment),
            by_request(draft.url(domain) + "/readyz"),
            (tables,),
            stops_before=("valkey",),
        ),
    )


def place_all_on_services(environment: Mapping[str, str]) -> Step:
    """Every route to its service, before anybody comes: for a stack that has no legacy."""
    arguments = ("strangler", "place", "service", "--without-data", "--why", "a stack without legacy")
    needs = ("strangler", "events")
    return program("placed", environment, arguments, needs=needs)
