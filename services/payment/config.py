"""What the service needs to know to run, read once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from common.config import ConfigReader

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the service.

    `sandbox_webhook_url` is the origin that the sandbox provider posts its webhooks to, where that is not the
    strangler. The secret key is the same on both sides: the sandbox's references are signed with it.
    """

    database_url: str
    redis_url: str
    host: str
    port: int
    public_url: str
    strangler_url: str
    jwks_url: str
    secret_key: bytes
    sandbox_webhook_secrets: tuple[str, ...]
    sandbox_webhook_url: str
    pool_size: int
    log_level: str
    log_format: Literal["json", "text"]
    seen_within_ms: int = 250

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Read all settings; raises ConfigError naming every one that is missing or wrong."""
        read = ConfigReader(env)
        strangler_url = read.url("STRANGLER_URL", example="http://localhost:8000")
        config = cls(
            database_url=read.url("DATABASE_URL"),
            redis_url=read.url("REDIS_URL"),
            host=read.text("HOST", default="127.0.0.1"),
            port=read.integer("PORT", default=8006, minimum=1, maximum=65535),
            public_url=read.url("PUBLIC_URL").rstrip("/"),
            strangler_url=strangler_url,
            jwks_url=read.url("JWKS_URL", default=f"{strangler_url}/.well-known/jwks.json"),
            secret_key=read.secret("SECRET_KEY").encode(),
            sandbox_webhook_secrets=read.secrets("SANDBOX_WEBHOOK_SECRETS"),
            sandbox_webhook_url=read.url("SANDBOX_WEBHOOK_URL", default=strangler_url),
            pool_size=read.integer("POOL_SIZE", default=10, minimum=2, maximum=100),
            seen_within_ms=read.integer("SEEN_WITHIN_MS", default=250, minimum=0, maximum=60_000),
            log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info"),
            log_format="text"
            if read.choice("LOG_FORMAT", ("json", "text"), default="json") == "text"
            else "json",
        )
        read.done()
        return config
