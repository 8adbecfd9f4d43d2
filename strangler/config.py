"""The strangler's configuration, read once from the environment.

An upstream is any variable `BANYAN_UPSTREAM_<NAME>`: `LEGACY` is the legacy side, any other the service of
the domain of that name. One that is empty does not exist, and a flag that points at it is answered with an
error that says so.
"""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from common.config import PREFIX, ConfigError, ConfigReader, Fault
from common.logs import Format

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_UPSTREAM: Final = "UPSTREAM_"
_ROUTES: Final = Path(__file__).with_name("routes.toml")
_TRUSTED: Final = ("127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of everything one worker takes."""

    head_bytes: int = 32768
    target_bytes: int = 8192
    headers: int = 100
    pipelined_bytes: int = 65536
    clients: int = 10_000
    in_flight: int = 2048
    upstream_connections: int = 256
    """To one address."""
    waiting_for_upstream: int = 512
    """Exchanges in line for a connection to one upstream."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """In seconds. The time to an answer's first byte is the route's own."""

    head_s: float = 10.0
    """From a request's first byte to the end of its head."""
    client_idle_s: float = 75.0
    """A client's connection without a request."""
    linger_s: float = 2.0
    """After an early answer, so that the client can read it while it still sends."""
    connect_s: float = 2.0
    upstream_idle_s: float = 15.0
    """An unused connection: shorter than any application server's own keep-alive, so that we close first."""
    queue_s: float = 1.0
    """In line for a connection when all are in use."""
    idle_s: float = 120.0
    """Between two pieces of a body."""
    total_s: float = 3600.0
    tunnel_idle_s: float = 3600.0
    drain_s: float = 30.0
    """From SIGTERM to the end of what still runs."""


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    host: str
    port: int
    admin_port: int
    workers: int
    redis_url: str
    database_url: str
    """Of db_strangler: what a Redis that has lost the flag table is filled again from; empty for none."""
    state_dir: Path
    routes_file: Path
    upstreams: Mapping[str, tuple[str, ...]]
    trusted_proxies: tuple[Network, ...]
    show_side: bool
    """Whether answers carry `Banyan-Side`."""
    access_log: bool
    access_log_sample: float
    """The share of requests that are logged; failed ones always are."""
    log_level: str
    log_format: Format
    limits: Limits = field(default_factory=Limits)
    timeouts: Timeouts = field(default_factory=Timeouts)

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "ProxyConfig":
        """Raises `ConfigError` that names every fault at once."""
        read = ConfigReader(env)
        names = [name.removeprefix(PREFIX) for name in env if name.startswith(PREFIX + _UPSTREAM)]
        upstreams = {
            name.removeprefix(_UPSTREAM).lower(): read.urls(name, (), schemes=("http",))
            for name in sorted(names)
        }
        if not any(upstreams.values()) or env.get(f"{PREFIX}{_UPSTREAM}LEGACY"):
            # where the services have addresses there may be no legacy any more
            upstreams["legacy"] = read.urls(
                "UPSTREAM_LEGACY", schemes=("http",), example="http://localhost:8010"
            )
        limits, timeouts = Limits(), Timeouts()
        config = cls(
            host=read.text("HOST", "127.0.0.1"),
            port=read.integer("PORT", 8000, 0, 65535),
            admin_port=read.integer("ADMIN_PORT", 8009, 0, 65535),
            workers=read.integer("WORKERS", 1, 1, 256),
            redis_url=read.url(
                "REDIS_URL", schemes=("redis", "rediss", "unix"), example="redis://localhost:6379/0"
            ),
            database_url=read.url("DATABASE_URL", "", schemes=("postgresql", "postgres")),
            state_dir=read.path("STATE_DIR", ".banyan/strangler"),
            routes_file=read.path("ROUTES_FILE", _ROUTES, must_exist=True),
            upstreams=upstreams,
            trusted_proxies=_networks(read.list("TRUSTED_PROXIES", _TRUSTED)),
            show_side=read.flag("SHOW_SIDE", read.text("ENVIRONMENT", "local") == "local"),
            access_log=read.flag("ACCESS_LOG", True),
            access_log_sample=read.integer("ACCESS_LOG_SAMPLE_PERCENT", 100, 0, 100) / 100,
            log_level=read.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
            log_format="text" if read.choice("LOG_FORMAT", ("json", "text"), "json") == "text" else "json",
            limits=Limits(
                in_flight=read.integer("MAX_IN_FLIGHT", limits.in_flight, 1),
                clients=read.integer("MAX_CLIENTS", limits.clients, 1),
                upstream_connections=read.integer("UPSTREAM_CONNECTIONS", limits.upstream_connections, 1),
            ),
            timeouts=Timeouts(
                connect_s=read.integer("CONNECT_TIMEOUT_MS", int(timeouts.connect_s * 1000), 1) / 1000,
                idle_s=read.integer("IDLE_TIMEOUT_S", int(timeouts.idle_s), 1),
                drain_s=read.integer("DRAIN_S", int(timeouts.drain_s), 0),
            ),
        )
        read.done()
        return config


def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    try:
        return tuple(ipaddress.ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise ConfigError([Fault(PREFIX + "TRUSTED_PROXIES", str(error), "127.0.0.1,10.0.0.0/8")]) from None
