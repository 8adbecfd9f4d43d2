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
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from deploy.local import databases, nginx, postgres, valkey
from deploy.local.credentials import Credentials, load_credentials
from deploy.local.keys import make_rings, ring_file
from deploy.local.parts import Command, Daemon, Part, Step
from deploy.local.readiness import NOT_YET, Probe, by_ping, by_query, by_request
from deploy.local.refusals import StartFailed
from deploy.local.stamps import Stamps, digest_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from deploy.local.folders import Folders
    from deploy.local.processes import Spawner

    Act = Callable[[Spawner], Awaitable[None]]

DOMAINS: Final = ("auth", "user", "company", "ticketing", "qr", "payment")
# What a person may set for the processes from outside; everything else named BANYAN_ is the stack's to say.
PASSED_ON: Final = (
    "BANYAN_ENVIRONMENT",
    "BANYAN_HOLD_S",
    "BANYAN_LOGIN_FAILURES_PER_ADDRESS",
    "BANYAN_REGISTRATIONS_PER_ADDRESS",
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
    description: dict[str, Any] = field(default_factory=dict)
    afterwards: list[Step] = field(default_factory=list)
    """What can wait until people use the site."""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A stack while it is put together."""

    folders: Folders
    options: Options
    env: Mapping[str, str]
    credentials: Credentials
    parts: list[Part] = field(default_factory=list)
    origins: dict[str, str] = field(default_factory=dict)
    afterwards: list[Step] = field(default_factory=list)

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self.options.ports[name]}"

    @property
    def stamps(self) -> Stamps:
        return Stamps(self.folders.data / "stamps.json")

    def names(self) -> set[str]:
        return {part.name for part in self.parts}


def build(folders: Folders, options: Options, env: Mapping[str, str]) -> Stack:
    """Lay everything out on disk and describe it; raises CannotStart, and starts nothing."""
    draft = _Draft(folders, options, env, load_credentials(folders, databases.ROLES))
    admin_dsn = _add_postgres(draft)
    redis_url = _add_valkey(draft)
    dsns = {
        owner: databases.dsn_of(admin_dsn, owner, draft.credentials.roles[databases.role_of(owner)])
        for owner in databases.OWNERS
    }
    public_url = env.get("BANYAN_PUBLIC_URL") or f"http://localhost:{options.ports['gateway']}"
    common = _common_environment(draft, public_url)

    async def make_keys(_spawner: Spawner) -> None:
        await asyncio.to_thread(make_rings, folders)

    draft.parts.append(Step("keys", make_keys))
    environments = {
        "legacy": _add_legacy(draft, common, dsns["legacy"]),
        "strangler": _add_strangler(draft, common, dsns["strangler"], redis_url),
    }
    gateway_url = _add_gateway(draft)
    description = {
        "public_url": public_url,
        "gateway_url": gateway_url,
        "strangler_url": draft.url("strangler"),
        "strangler_admin_url": draft.url("strangler-admin"),
        "legacy_url": draft.url("legacy"),
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
    wanted = draft.names() | {"strangler-admin"}
    ports = {name: port for name, port in options.ports.items() if name in wanted}
    return Stack(draft.parts, ports, draft.origins, public_url, description, draft.afterwards)


def _add_postgres(draft: _Draft) -> str:
    """Answers the superuser's DSN."""
    outside = draft.env.get("BANYAN_POSTGRES_URL")
    if outside:
        draft.origins["PostgreSQL"] = "at the address in BANYAN_POSTGRES_URL"
        draft.parts.append(
            Step("postgres", _external("PostgreSQL", "BANYAN_POSTGRES_URL", by_query(outside)))
        )
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


def _add_valkey(draft: _Draft) -> str:
    """Answers its URL."""
    outside = draft.env.get("BANYAN_REDIS_URL")
    if outside:
        draft.origins["Redis"] = "at the address in BANYAN_REDIS_URL"
        draft.parts.append(Step("valkey", _external("Redis", "BANYAN_REDIS_URL", by_ping(outside))))
        return outside
    port, password = draft.options.ports["valkey"], draft.credentials.redis
    server = valkey.lay_out(draft.folders, port, password, fast=draft.options.fast)
    draft.origins["Valkey"] = str(server.binary)
    draft.parts.append(server.daemon(()))
    return server.url


def _add_legacy(draft: _Draft, common: Mapping[str, str], dsn: str) -> dict[str, str]:
    """The monolith, its tables and first data; answers its environment."""
    environment = {
        **common,
        "BANYAN_DATABASE_URL": dsn,
        "BANYAN_PORT": str(draft.options.ports["legacy"]),
    }
    if not _present("legacy.__main__"):
        return environment
    draft.parts.extend(
        (
            _once(
                draft.stamps,
                digest_of(draft.folders.root / "legacy" / "migrations"),
                _program("legacy-tables", environment, ("legacy", "migrate"), needs=("databases", "keys")),
            ),
            Daemon(
                "legacy",
                Command(_python("legacy"), environment),
                by_request(draft.url("legacy") + "/readyz"),
                ("legacy-tables",),
            ),
        )
    )
    if draft.options.demo and _present("deploy.demo.__main__"):
        fill = _program("demo", environment, ("deploy.demo", "--if-empty"), needs=("legacy-tables",))
        today = datetime.now(UTC).date().isoformat()
        draft.parts.append(_once(draft.stamps, today, fill))
    if draft.options.admin is not None:
        email, password = draft.options.admin
        told = {**environment, "BANYAN_ADMIN_PASSWORD": password}
        arguments = ("legacy", "create-admin", "--email", email)
        draft.parts.append(_program("admin", told, arguments, needs=("legacy-tables",)))
    return environment


def _add_strangler(draft: _Draft, common: Mapping[str, str], dsn: str, redis_url: str) -> dict[str, str]:
    """The proxy and its tables; answers its environment, which the command line shares."""
    ports, workers = draft.options.ports, draft.options.workers
    environment = {
        **common,
        "BANYAN_LOG_LEVEL": common["BANYAN_LOG_LEVEL"].upper(),
        "BANYAN_DATABASE_URL": dsn,
        "BANYAN_REDIS_URL": redis_url,
        "BANYAN_PORT": str(ports["strangler"]),
        "BANYAN_ADMIN_PORT": str(ports["strangler-admin"]),
        "BANYAN_WORKERS": str(workers),
        "BANYAN_ROUTES_FILE": str(draft.folders.root / "strangler" / "routes.toml"),
        "BANYAN_STATE_DIR": str(draft.folders.strangler),
        "BANYAN_UPSTREAM_LEGACY": draft.url("legacy"),
        **{f"BANYAN_UPSTREAM_{domain.upper()}": "" for domain in DOMAINS},
    }
    if _present("strangler.__main__"):
        draft.parts.extend(
            (
                _once(
                    draft.stamps,
                    digest_of(draft.folders.root / "strangler" / "migrations"),
                    _program("strangler-tables", environment, ("strangler", "migrate"), needs=("databases",)),
                ),
                Daemon(
                    "strangler",
                    Command(_python("strangler", "proxy"), environment),
                    by_request(draft.url("strangler-admin") + "/readyz"),
                    ("strangler-tables", "valkey"),
                    f"{workers} worker{'s' if workers > 1 else ''}",
                    stops_before=("legacy",),
                    stop_within_s=35,  # it drains first
                ),
            )
        )
    return environment


def _add_gateway(draft: _Draft) -> str:
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
    way = tuple(sorted(draft.names() & {"gateway", "strangler", "legacy"}))
    if len(way) == 3:
        draft.parts.append(Step("first-page", _first_page(gateway.url), way))
    return gateway.url


def _common_environment(draft: _Draft, public_url: str) -> dict[str, str]:
    """What more than one process is told."""
    return {
        "BANYAN_HOST": "127.0.0.1",
        "BANYAN_PUBLIC_URL": public_url,
        "BANYAN_TOKEN_KEYS_FILE": str(ring_file(draft.folders.secrets, "tokens")),
        "BANYAN_QR_KEYS_FILE": str(ring_file(draft.folders.secrets, "qr")),
        "BANYAN_SECRET_KEY": draft.credentials.secret_key,
        "BANYAN_SANDBOX_WEBHOOK_SECRETS": draft.credentials.webhook_secret,
        "BANYAN_MAIL_URL": draft.folders.mail.as_uri(),
        "BANYAN_MAIL_FROM": "Banyan <tickets@banyan.example>",
        "BANYAN_LOG_LEVEL": "info",
        "BANYAN_LOG_FORMAT": "json" if draft.options.fast else "text",
        "BANYAN_HOLD_S": "600",
        "BANYAN_ENVIRONMENT": "local",
        **{name: draft.env[name] for name in PASSED_ON if draft.env.get(name)},
    }


def process_environment(env: Mapping[str, str]) -> dict[str, str]:
    """The runner's environment without what would leak a setting meant for it into its processes."""
    return {
        **{name: value for name, value in env.items() if not name.startswith("BANYAN_")},
        "PYTHONUNBUFFERED": "1",
    }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)


def _program(
    name: str, environment: Mapping[str, str], arguments: tuple[str, ...], *, needs: tuple[str, ...]
) -> Step:
    """A Python module that runs to its end."""

    async def run(spawner: Spawner) -> None:
        await spawner.run(name, Command(_python(*arguments), environment))

    return Step(name, run, needs)


def _once(stamps: Stamps, digest: str, step: Step) -> Step:
    """The step, unless it was done at an earlier start from the same material."""

    async def act(spawner: Spawner) -> None:
        if not stamps.has(step.name, digest):
            await step.act(spawner)
            stamps.put(step.name, digest)

    return Step(step.name, act, step.needs)


def _external(what: str, variable: str, probe: Probe) -> Act:
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


def _first_page(url: str) -> Act:
    """The whole way that a reader comes has to be open."""
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
