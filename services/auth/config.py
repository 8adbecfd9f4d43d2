"""What auth-service needs to know to run, read once from the environment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

from common.addresses import Network, networks
from common.config import ConfigError, ConfigReader, Fault

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LOOPBACK: Final = networks(("127.0.0.0/8", "::1/128"))


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the service.

    X-Forwarded-For is believed of `trusted_proxies` alone. The two `…_per_address` are how many are let
    through in a quarter of an hour; 0 is no limit.
    """

    database_url: str
    redis_url: str
    host: str
    port: int
    public_url: str
    strangler_url: str
    token_keys_file: Path
    secret_key: bytes
    mail_url: str
    mail_from: str
    pool_size: int
    log_level: str
    log_format: Literal["json", "text"]
    trusted_proxies: tuple[Network, ...] = LOOPBACK
    login_failures_per_address: int = 50
    registrations_per_address: int = 300
    seen_within_ms: int = 250

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Read all settings; raises ConfigError naming every one that is missing or wrong."""
        read = ConfigReader(env)
        config = cls(
            database_url=read.url("DATABASE_URL"),
            redis_url=read.url("REDIS_URL"),
            host=read.text("HOST", default="127.0.0.1"),
            port=read.integer("PORT", default=8001, minimum=1, maximum=65535),
            public_url=read.url("PUBLIC_URL").rstrip("/"),
            strangler_url=read.url("STRANGLER_URL", default="http://127.0.0.1:8000").rstrip("/"),
            token_keys_file=read.path("TOKEN_KEYS_FILE"),
            secret_key=read.secret("SECRET_KEY").encode(),
            mail_url=read.url("MAIL_URL"),
            mail_from=read.text("MAIL_FROM", default="Banyan <tickets@banyan.example>"),
            pool_size=read.integer("POOL_SIZE", default=10, minimum=2, maximum=100),
            seen_within_ms=read.integer("SEEN_WITHIN_MS", default=250, minimum=0, maximum=60_000),
            log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info"),
            log_format="text"
            if read.choice("LOG_FORMAT", ("json", "text"), default="json") == "text"
            else "json",
            login_failures_per_address=read.integer("LOGIN_FAILURES_PER_ADDRESS", default=50, minimum=0),
            registrations_per_address=read.integer("REGISTRATIONS_PER_ADDRESS", default=300, minimum=0),
        )
        proxies = read.list("TRUSTED_PROXIES", default=())
        read.done()
        return replace(config, trusted_proxies=read_proxies(proxies))


def read_proxies(texts: tuple[str, ...]) -> tuple[Network, ...]:
    """Loopback, where the gateway of a single machine is, and what the setting adds; raises ConfigError."""
    try:
        return LOOPBACK + networks(texts)
    except ValueError as error:
        raise ConfigError([Fault("BANYAN_TRUSTED_PROXIES", str(error), "10.0.0.0/8,192.168.1.7")]) from None
