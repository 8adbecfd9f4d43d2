"""Legacy, the strangler and the first data as parts of the stack, and what each of them is told."""

from __future__ import annotations

import importlib.util
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from deploy.local.keys import ring_file
from deploy.local.parts import Command, Daemon
from deploy.local.readiness import by_request
from deploy.local.stamps import digest_of
from deploy.local.steps import once, program, python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from deploy.local.draft import Draft

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
    "BANYAN_SEEN_WITHIN_MS",
)


def add_legacy(draft: Draft, common: Mapping[str, str], dsn: str) -> dict[str, str]:
    """The monolith and its tables; answers its environment."""
    environment = {
        **common,
        "BANYAN_DATABASE_URL": dsn,
        "BANYAN_PORT": str(draft.options.ports["legacy"]),
    }
    if not _present("legacy.__main__"):
        return environment
    draft.parts.extend(
        (
            once(
                draft.stamps,
                digest_of(draft.folders.root / "legacy" / "migrations"),
                program("legacy-tables", environment, ("legacy", "migrate"), needs=("databases", "keys")),
            ),
            Daemon(
                "legacy",
                Command(python("legacy"), environment),
                by_request(draft.url("legacy") + "/readyz"),
                ("legacy-tables",),
            ),
        )
    )
    if draft.options.admin is not None:
        email, password = draft.options.admin
        told = {**environment, "BANYAN_ADMIN_PASSWORD": password}
        arguments = ("legacy", "create-admin", "--email", email)
        draft.parts.append(program("admin", told, arguments, needs=("legacy-tables",)))
    return environment


def add_demo(draft: Draft, common: Mapping[str, str], dsns: Mapping[str, str]) -> dict[str, str]:
    """The first data, in the databases of every side that there is; answers its environment."""
    side = draft.options.side
    owners = (() if side == "service" else ("legacy",)) + (() if side == "legacy" else DOMAINS)
    environment = {**common, **{f"BANYAN_DATABASE_URL_{owner.upper()}": dsns[owner] for owner in owners}}
    if draft.options.demo and _present("deploy.demo.__main__"):
        needs = tuple(f"{owner}-tables" for owner in owners)
        fill = program("demo", environment, ("deploy.demo", "--if-empty"), needs=needs)
        digest = f"{datetime.now(UTC).date().isoformat()} {' '.join(owners)}"
        draft.parts.append(once(draft.stamps, digest, fill))
    return environment


def add_strangler(draft: Draft, common: Mapping[str, str], dsn: str, redis_url: str) -> dict[str, str]:
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
        "BANYAN_UPSTREAM_LEGACY": "" if draft.options.side == "service" else draft.url("legacy"),
        **{f"BANYAN_UPSTREAM_{domain.upper()}": _upstream(draft, domain) for domain in DOMAINS},
    }
    if _present("strangler.__main__"):
        draft.parts.extend(
            (
                once(
                    draft.stamps,
                    digest_of(draft.folders.root / "strangler" / "migrations"),
                    program("strangler-tables", environment, ("strangler", "migrate"), needs=("databases",)),
                ),
                Daemon(
                    "strangler",
                    Command(python("strangler", "proxy"), environment),
                    by_request(draft.url("strangler-admin") + "/readyz"),
                    ("strangler-tables", "valkey"),
                    f"{workers} worker{'s' if workers > 1 else ''}",
                    stops_before=_upstreams(draft),
                    stop_within_s=35,  # it drains first
                ),
            )
        )
    return environment


def _upstreams(draft: Draft) -> tuple[str, ...]:
    """Who must outlive the proxy."""
    legacy = () if draft.options.side == "service" else ("legacy",)
    services = () if draft.options.side == "legacy" else tuple(f"{domain}-service" for domain in DOMAINS)
    return legacy + services


def _upstream(draft: Draft, domain: str) -> str:
    return "" if draft.options.side == "legacy" else draft.url(domain)


def common_environment(draft: Draft, public_url: str) -> dict[str, str]:
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


def _present(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
