"""What the monolith needs to know to run, read once from the environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from common.config import ConfigReader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting of the monolith; `hold_s` is how long a seat is kept for an unpaid booking, in seconds."""

    database_url: str
    host: str
    port: int
    public_url: str
    token_keys_file: Path
    qr_keys_file: Path
    secret_key: bytes
    sandbox_webhook_secrets: tuple[str, ...]
    mail_url: str
    mail_from: str
    hold_s: int
    pool_size: int
    log_level: str
    log_format: str

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Config:
        """Read all settings; raises ConfigError naming every one that is missing or wrong."""
        read = ConfigReader(env)
        config = cls(
            database_url=read.url("DATABASE_URL"),
            host=read.text("HOST", default="127.0.0.1"),
            port=read.integer("PORT", default=8010, minimum=1, maximum=65535),
            public_url=read.url("PUBLIC_URL").rstrip("/"),
            token_keys_file=read.path("TOKEN_KEYS_FILE"),
            qr_keys_file=read.path("QR_KEYS_FILE"),
            secret_key=read.secret("SECRET_KEY").encode(),
            sandbox_webhook_secrets=tuple(read.list("SANDBOX_WEBHOOK_SECRETS")),
            mail_url=read.url("MAIL_URL"),
            mail_from=read.text("MAIL_FROM", default="Banyan <tickets@banyan.example>"),
            hold_s=read.integer("HOLD_S", default=600, minimum=1, maximum=86_400),
            pool_size=read.integer("POOL_SIZE", default=10, minimum=2, maximum=100),
            log_level=read.choice("LOG_LEVEL", ("debug", "info", "warning", "error"), default="info"),
            log_format=read.choice("LOG_FORMAT", ("json", "text"), default="json"),
        )
        read.done()
        return config
