"""What the command line is told by the environment. Everything may be missing until a command needs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from common.config import PREFIX, ConfigReader

_ROUTES: Final = Path(__file__).parents[1] / "routes.toml"
_UPSTREAM: Final = "UPSTREAM_"
_LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # ruff: ignore[hardcoded-bind-all-interfaces] — asked, not bound


@dataclass(frozen=True, slots=True)
class Settings:
    """`upstreams` are addresses by domain, and legacy's; a service without one is not deployed."""

    routes_file: Path
    redis_url: str
    database_url: str
    admin_urls: tuple[str, ...]
    upstreams: Mapping[str, tuple[str, ...]]

    @property
    def deployed(self) -> frozenset[str]:
        return frozenset(name for name, addresses in self.upstreams.items() if addresses and name != "legacy")

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Raises `ConfigError` for what is there but cannot be used; an empty text is what is not there."""
        read = ConfigReader(env)
        names = sorted(name.removeprefix(PREFIX) for name in env if name.startswith(PREFIX + _UPSTREAM))
        admin_urls = read.urls("ADMIN_URLS", ())
        admin_port = read.integer("ADMIN_PORT", 0, 0, 65535)
        if not admin_urls and admin_port:
            host = read.text("HOST", "127.0.0.1")
            admin_urls = (f"http://{_LOCAL.get(host, host)}:{admin_port}",)
        settings = cls(
            routes_file=read.path("ROUTES_FILE", _ROUTES),
            redis_url=read.url("REDIS_URL", "", schemes=("redis", "rediss", "unix")),
            database_url=read.url("DATABASE_URL", "", schemes=("postgresql", "postgres")),
            admin_urls=admin_urls,
            upstreams={name.removeprefix(_UPSTREAM).lower(): read.urls(name, ()) for name in names},
        )
        read.done()
        return settings
