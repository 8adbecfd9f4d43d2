"""What Banyan consists of on one machine, and who waits for whom.

postgres ─► databases ─┬─► legacy's tables ─► legacy ──────┐
                       └─► strangler's tables ─► strangler ├─► the first page
                                             valkey ─┘     │
                                                 gateway ──┘
each service's tables ─► that service
all tables ─► demo data
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from deploy.local import databases, nginx, postgres, valkey
from deploy.local.applications import (
    DOMAINS,
    add_demo,
    add_legacy,
    add_strangler,
    common_environment,
)
from deploy.local.credentials import load_credentials
from deploy.local.draft import Draft
from deploy.local.keys import make_rings
from deploy.local.parts import Part, Step
from deploy.local.readiness import by_ping, by_query
from deploy.local.services import add_services, place_all_on_services
from deploy.local.steps import external, first_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.draft import Options
    from deploy.local.folders import Folders
    from deploy.local.processes import Spawner


@dataclass(slots=True)
class Stack:
    """The parts to run, the ports they need, and what others may know of it."""

    parts: list[Part]
    ports: dict[str, int]
    origins: dict[str, str]
    public_url: str
    description: dict[str, Any] = field(default_factory=dict)
    afterwards: list[Step] = field(default_factory=list)
    """What can wait until people use the site."""


def build(folders: Folders, options: Options, env: Mapping[str, str]) -> Stack:
    """Lay everything out on disk and describe it; raises CannotStart, and starts nothing."""
    draft = Draft(folders, options, env, load_credentials(folders, databases.ROLES))
    admin_dsn = _add_postgres(draft)
    redis_url = _add_valkey(draft)
    dsns = {
        owner: databases.dsn_of(admin_dsn, owner, draft.credentials.roles[databases.role_of(owner)])
        for owner in databases.OWNERS
    }
    public_url = env.get("BANYAN_PUBLIC_URL") or f"http://localhost:{options.ports['gateway']}"
    common = common_environment(draft, public_url)

    async def make_keys(_spawner: Spawner) -> None:
        await asyncio.to_thread(make_rings, folders)

    draft.parts.append(Step("keys", make_keys))
    side = options.side
    environments = {}
    if side != "service":
        environments["legacy"] = add_legacy(draft, common, dsns["legacy"])
    environments["strangler"] = add_strangler(draft, common, dsns["strangler"], redis_url)
    if side != "legacy":
        environments |= add_services(draft, common, dsns, redis_url)
    environments["demo"] = add_demo(draft, common, dsns)
    if side == "service":
        draft.parts.append(place_all_on_services(environments["strangler"]))
    gateway_url = _add_gateway(draft)
    description = {
        "public_url": public_url,
        "gateway_url": gateway_url,
        "strangler_url": draft.url("strangler"),
        "strangler_admin_url": draft.url("strangler-admin"),
        "legacy_url": draft.url("legacy"),
        "service_urls": {domain: draft.url(domain) for domain in DOMAINS},
        "redis_url": redis_url,
        "admin_dsn": admin_dsn,
        "databases": {databases.database_of(owner): dsn for owner, dsn in dsns.items()},
        "environment": common,
        "environments": environments,
        "mail_dir": str(folders.mail),
        "logs_dir": str(folders.logs),
        "secrets_dir": str(folders.secrets),
        "control": str(folders.control),
        "ports": dict(options.ports),
    }
    wanted = {name.removesuffix("-service") for name in draft.names()} | {"strangler-admin"}
    ports = {name: port for name, port in options.ports.items() if name in wanted}
    return Stack(draft.parts, ports, draft.origins, public_url, description, draft.afterwards)


def _add_postgres(draft: Draft) -> str:
    """Answers the superuser's DSN."""
    outside = draft.env.get("BANYAN_POSTGRES_URL")
    if outside:
        draft.origins["PostgreSQL"] = "at the address in BANYAN_POSTGRES_URL"
        draft.parts.append(Step("postgres", external("PostgreSQL", "BANYAN_POSTGRES_URL", by_query(outside))))
        dsn = outside
    else:
        server = postgres.lay_out(
            draft.folders,
            draft.options.ports["postgres"],
            draft.credentials.postgres,
            fast=draft.options.fast,
        )
        draft.origins["PostgreSQL"] = str(server.binary)
        draft.parts.extend((Step("cluster", server.prepare), server.daemon(("cluster",))))
        if not draft.options.fast:
            draft.afterwards.append(Step("disk", server.secure))
        dsn = server.dsn()

    async def make(spawner: Spawner) -> None:
        made = await databases.make_databases(dsn, draft.credentials.roles)
        await databases.add_statement_statistics(dsn)
        if made:
            draft.stamps.forget_all()
            spawner.log("databases").say("created " + ", ".join(made))

    draft.parts.append(Step("databases", make, ("postgres",)))
    return dsn


def _add_valkey(draft: Draft) -> str:
    """Answers its URL."""
    outside = draft.env.get("BANYAN_REDIS_URL")
    if outside:
        draft.origins["Redis"] = "at the address in BANYAN_REDIS_URL"
        draft.parts.append(Step("valkey", external("Redis", "BANYAN_REDIS_URL", by_ping(outside))))
        return outside
    port, password = draft.options.ports["valkey"], draft.credentials.redis
    server = valkey.lay_out(draft.folders, port, password, fast=draft.options.fast)
    draft.origins["Valkey"] = str(server.binary)
    draft.parts.append(server.daemon(()))
    return server.url


def _add_gateway(draft: Draft) -> str:
    """nginx, and the first page through all of it; answers the gateway's own address."""
    gateway = nginx.lay_out(
        draft.folders,
        hosts=draft.options.hosts,
        port=draft.options.ports["gateway"],
        strangler=f"127.0.0.1:{draft.options.ports['strangler']}",
        limits=nginx.Limits.from_env(draft.env),
    )
    draft.parts.append(gateway.daemon(()))
    draft.origins["nginx"] = str(gateway.binary)
    answers = "placed" if draft.options.side == "service" else "legacy"
    way = tuple(sorted(draft.names() & {"gateway", "strangler", answers}))
    if len(way) == 3:
        draft.parts.append(Step("first-page", first_page(gateway.url), way))
    return gateway.url
