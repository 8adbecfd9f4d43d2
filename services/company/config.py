"""What company-service needs to know to run, read once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.config import ConfigReader

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the service.

    `strangler_url` is where the site is asked for what other services own; `jwks_url`, where the keys are
    that access tokens are verified with.
    """

    database_url: str
    redis_url: str
    host: str
    port: int
    public_url: str
    strangler_url: str
    jwks_url: str
    pool_size: int
    log_level: str
    log_format: Literal["json", "text"]
    seen_within_ms: int = 250

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Read all settings; raises ConfigError naming every one that is missing or wrong."""
        read = ConfigReader(env)
        strangler_url = read.url("STRANGLER_URL", default="http://127.0.0.1:8000")
        config = cls(
            database_url=read.url("DATABASE_URL"),
            redis_url=read.url("REDIS_URL"),
            host=read.text("HOST", default="127.0.0.1"),
            port=read.integer("PORT", default=8003, minimum=1, maximum=65535),
            public_url=read.url("PUBLIC_URL"),
            strangler_url=strangler_url,
            jwks_url=read.url("JWKS_URL", default=f"{strangler_url}/.well-known/jwks.json"),
            pool_size=read.integer("POOL_SIZE", default=10, minimum=2, maximum=100),
            seen_within_ms=read.integer("SEEN_WITHIN_MS", default=250, minimum=0, maximum=60_000),
            log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info"),
            log_format="text"
            if read.choice("LOG_FORMAT", ("json", "text"), default="json") == "text"
            else "json",
        )
        read.done()
        return config
