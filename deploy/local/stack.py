"""What Banyan consists of on one machine, and who waits for whom.

postgres ─► databases ─┬─► legacy's tables ─┬─► demo data
                       │                    └─► legacy ────┐
                       └─► strangler's tables ─► strangler ├─► the first page
                                             valkey ─┘     │
                                                 gateway ──┘
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from deploy.local import databases, nginx, postgres, valkey
from deploy.local.credentials import Credentials, load_credentials
from deploy.local.keys import make_rings, ring_file
from deploy.local.parts import Command, Daemon, Part, Step
from deploy.local.readiness import NOT_YET, Probe, by_ping, by_query, by_request
from deploy.local.refusals import StartFailed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.folders import Folders
    from deploy.local.processes import Spawner

DOMAINS: Final = ("auth", "user", "company", "ticketing", "qr", "payment")
# What a person may set for the processes from outside; everything else named BANYAN_ is the stack's to say.
PASSED_ON: Final = (
    "BANYAN_ENVIRONMENT",
    "BANYAN_HOLD_S",
    "BANYAN_LOG_FORMAT",
    "BANYAN_LOG_LEVEL",
    "BANYAN_MAIL_FROM",
    "BANYAN_MAIL_URL",
    "BANYAN_POOL_SIZE",
)
_EXTERNAL_WITHIN_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class Options:
    """How this stack differs from the next: `ports` by process name, `hosts` where the gateway listens."""

    ports: Mapping[str, int]
    hosts: tuple[str, ...]
    fast: bool = False
    """For tests: nothing is kept safe against a power cut."""
    demo: bool = True
    admin: tuple[str, str] | None = None
    """An administrator to make, as email and password, where there is no demo data."""
    workers: int = min(2, os.cpu_count() or 1)


@dataclass(slots=True)
class Stack:
    """The parts to run, the ports they need, and what others may know of it."""

    parts: list[Part]
    ports: dict[str, int]
    origins: dict[str, str]
    public_url: str
    gateway_url: str
    description: dict[str, Any] = field(default_factory=dict)


def build(folders: Folders, options: Options, env: Mapping[str, str]) -> Stack:
    """Lay everything out on disk and describe it; raises CannotStart, and starts nothing."""
    credentials = load_credentials(folders, databases.ROLES)
    ports = dict(options.ports)
    origins: dict[str, str] = {}
    parts: list[Part] = []

    admin_dsn = _add_postgres(parts, ports, origins, folders, options, env, credentials)
    redis_url = _add_valkey(parts, ports, origins, folders, options, env, credentials)
    dsns = {
        owner: databases.dsn_of(admin_dsn, owner, credentials.roles[databases.role_of(owner)])
        for owner in databases.OWNERS
    }
    public_url = env.get("BANYAN_PUBLIC_URL") or f"http://localhost:{ports['gateway']}"
    common = _common_environment(folders, options, env, credentials, public_url)
    environments = _add_applications(parts, ports, folders, options, common, dsns, redis_url)

    gateway = nginx.lay_out(
        folders,
        hosts=options.hosts,
        port=ports["gateway"],
        strangler=f"127.0.0.1:{ports['strangler']}",
        limits=nginx.Limits.from_env(env),
    )
    parts.append(gateway.daemon(()))
    origins["nginx"] = str(gateway.binary)

    if _present("strangler.proxy.__main__") or _present("strangler.__main__"):
        needs = tuple(name for name in ("gateway", "strangler", "legacy") if _has(parts, name))
        parts.append(Step("first-page", _first_page(gateway.url), needs))
    wanted = {part.name for part in parts if isinstance(part, Daemon)} | {"strangler-admin"}
    description = {
        "public_url": public_url,
        "gateway_url": gateway.url,
        "strangler_url": f"http://127.0.0.1:{ports['strangler']}",
        "strangler_admin_url": f"http://127.0.0.1:{ports['strangler-admin']}",
        "legacy_url": f"http://127.0.0.1:{ports['legacy']}",
        "redis_url": redis_url,
        "admin_dsn": admin_dsn,
        "databases": {databases.database_of(owner): dsn for owner, dsn in dsns.items()},
        "environment": common,
        "environments": environments,
        "mail_dir": str(folders.mail),
        "logs_dir": str(folders.logs),
        "secrets_dir": str(folders.secrets),
        "control": str(folders.control),
        "ports": ports,
    }
    ports = {name: port for name, port in ports.items() if name in wanted}
    return Stack(parts, ports, origins, public_url, gateway.url, description)


def _add_postgres(
    parts: list[Part],
    ports: dict[str, int],
    origins: dict[str, str],
    folders: Folders,
    options: Options,
    env: Mapping[str, str],
    credentials: Credentials,
) -> str:
    """Answers the superuser's DSN."""
    outside = env.get("BANYAN_POSTGRES_URL")
    if outside:
        origins["PostgreSQL"] = "the address in BANYAN_POSTGRES_URL"
        parts.append(Step("postgres", _external("PostgreSQL", "BANYAN_POSTGRES_URL", by_query(outside))))
        dsn = outside
    else:
        server = postgres.lay_out(folders, ports["postgres"], credentials.postgres, fast=options.fast)
        origins["PostgreSQL"] = str(server.binary)
        parts += [Step("cluster", server.prepare), server.daemon(("cluster",))]
        dsn = server.dsn()

    async def make(spawner: Spawner) -> None:
        made = await databases.make_databases(dsn, credentials.roles)
        await databases.add_statement_statistics(dsn)
        if made:
            spawner.log("databases").say("created " + ", ".join(made))

    parts.append(Step("databases", make, ("postgres",)))
    return dsn


def _add_valkey(
    parts: list[Part],
    ports: dict[str, int],
    origins: dict[str, str],
    folders: Folders,
    options: Options,
    env: Mapping[str, str],
    credentials: Credentials,
) -> str:
    outside = env.get("BANYAN_REDIS_URL")
    if outside:
        origins["Redis"] = "the address in BANYAN_REDIS_URL"
        parts.append(Step("valkey", _external("Redis", "BANYAN_REDIS_URL", by_ping(outside))))
        return outside
    server = valkey.lay_out(folders, ports["valkey"], credentials.redis, fast=options.fast)
    origins["Valkey"] = str(server.binary)
    parts.append(server.daemon(()))
    return server.url


def _add_applications(
    parts: list[Part],
    ports: Mapping[str, int],
    folders: Folders,
    options: Options,
    common: Mapping[str, str],
    dsns: Mapping[str, str],
    redis_url: str,
) -> dict[str, dict[str, str]]:
    """Legacy and the strangler, with their tables, keys and first data; answers what each is told."""

    async def make_keys(_spawner: Spawner) -> None:
        await asyncio.to_thread(make_rings, folders)

    parts.append(Step("keys", make_keys))
    host = "127.0.0.1"

    legacy_environment = {
        **common,
        "BANYAN_DATABASE_URL": dsns["legacy"],
        "BANYAN_PORT": str(ports["legacy"]),
    }
    if _present("legacy.__main__"):
        parts += [
            Step(
                "legacy-tables",
                _program("legacy-tables", legacy_environment, "legacy", "migrate"),
                ("databases", "keys"),
            ),
            Daemon(
                "legacy",
                Command(_python("legacy"), legacy_environment),
                by_request(f"http://{host}:{ports['legacy']}/readyz"),
                ("legacy-tables",),
            ),
        ]
        if options.demo and _present("deploy.demo.__main__"):
            fill = _program("demo", legacy_environment, "deploy.demo", "--if-empty")
            parts.append(Step("demo", fill, ("legacy-tables",)))
        if options.admin is not None:
            email, password = options.admin
            make_admin = _program(
                "admin",
                {**legacy_environment, "BANYAN_ADMIN_PASSWORD": password},
                *("legacy", "create-admin", "--email", email),
            )
            parts.append(Step("admin", make_admin, ("legacy-tables",)))

    strangler_environment = {
        **common,
        "BANYAN_LOG_LEVEL": common["BANYAN_LOG_LEVEL"].upper(),
        "BANYAN_DATABASE_URL": dsns["strangler"],
        "BANYAN_REDIS_URL": redis_url,
        "BANYAN_PORT": str(ports["strangler"]),
        "BANYAN_ADMIN_PORT": str(ports["strangler-admin"]),
        "BANYAN_WORKERS": str(options.workers),
        "BANYAN_ROUTES_FILE": str(folders.root / "strangler" / "routes.toml"),
        "BANYAN_STATE_DIR": str(folders.strangler),
        "BANYAN_UPSTREAM_LEGACY": f"http://{host}:{ports['legacy']}",
        **{f"BANYAN_UPSTREAM_{domain.upper()}": "" for domain in DOMAINS},
    }
    if _present("strangler.__main__"):
        parts += [
            Step(
                "strangler-tables",
                _program("strangler-tables", strangler_environment, "strangler", "migrate"),
                ("databases", "keys"),
            ),
            Daemon(
                "strangler",
                Command(_python("strangler", "proxy"), strangler_environment),
                by_request(f"http://{host}:{ports['strangler-admin']}/readyz"),
                ("strangler-tables", "valkey"),
                f"{options.workers} worker{'s' if options.workers > 1 else ''}",
                stop_within_s=35,  # it drains first
            ),
        ]
    return {"legacy": legacy_environment, "strangler": strangler_environment}


def _common_environment(
    folders: Folders, options: Options, env: Mapping[str, str], credentials: Credentials, public_url: str
) -> dict[str, str]:
    """What more than one process is told."""
    return {
        "BANYAN_HOST": "127.0.0.1",
        "BANYAN_PUBLIC_URL": public_url,
        "BANYAN_TOKEN_KEYS_FILE": str(ring_file(folders.secrets, "tokens")),
        "BANYAN_QR_KEYS_FILE": str(ring_file(folders.secrets, "qr")),
        "BANYAN_SECRET_KEY": credentials.secret_key,
        "BANYAN_SANDBOX_WEBHOOK_SECRETS": credentials.webhook_secret,
        "BANYAN_MAIL_URL": folders.mail.as_uri(),
        "BANYAN_MAIL_FROM": "Banyan <tickets@banyan.example>",
        "BANYAN_LOG_LEVEL": "info",
        "BANYAN_LOG_FORMAT": "json" if options.fast else "text",
        "BANYAN_HOLD_S": "600",
        "BANYAN_ENVIRONMENT": "local",
        **{name: env[name] for name in PASSED_ON if env.get(name)},
    }


def process_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The runner's environment without what would leak a setting meant for it into its processes."""
    return {
        **{name: value for name, value in env.items() if not name.startswith("BANYAN_")},
        "PYTHONUNBUFFERED": "1",
    }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _program(name: str, environment: Mapping[str, str], module: str, *arguments: str) -> Any:
    async def run(spawner: Spawner) -> None:
        await spawner.run(name, Command(_python(module, *arguments), environment))

    return run


def _external(what: str, variable: str, probe: Probe) -> Any:
    """A server that somebody else runs has to answer soon, or the address is wrong."""

    async def wait(_spawner: Spawner) -> None:
        deadline = asyncio.get_running_loop().time() + _EXTERNAL_WITHIN_S
        while True:
            try:
                await asyncio.wait_for(probe(), _EXTERNAL_WITHIN_S)
                return
            except NOT_YET as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartFailed(
                        f"{what} does not answer at the address in {variable}: {error}"
                    ) from error
            await asyncio.sleep(0.2)

    return wait


def _first_page(url: str) -> Any:
    """The whole way a reader comes; the gateway may be up a moment before those behind it."""
    probe = by_request(url + "/", below=400)

    async def fetch(_spawner: Spawner) -> None:
        deadline = asyncio.get_running_loop().time() + _EXTERNAL_WITHIN_S
        while True:
            try:
                await asyncio.wait_for(probe(), _EXTERNAL_WITHIN_S)
                return
            except NOT_YET as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise StartFailed(
                        f"Everything runs, but the first page does not come: {error}"
                    ) from error
            await asyncio.sleep(0.05)

    return fetch


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _has(parts: list[Part], name: str) -> bool:
    return any(part.name == name for part in parts)
