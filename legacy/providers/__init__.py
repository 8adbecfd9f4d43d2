"""Whoever moves the money, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from common.problems import NotFound
from legacy.providers import sandbox

if TYPE_CHECKING:
    from legacy.config import Config
    from legacy.providers.interface import Provider

NAMES: Final = (sandbox.NAME,)


def sandbox_of(config: Config) -> sandbox.Sandbox:
    """The sandbox with this deployment's secrets."""
    return sandbox.Sandbox(config.secret_key, config.sandbox_webhook_secrets)


def find_provider(config: Config, name: str) -> Provider:
    """The provider of that name; raises NotFound. There is nothing to keep between two calls."""
    if name == sandbox.NAME:
        return sandbox_of(config)
    raise NotFound
