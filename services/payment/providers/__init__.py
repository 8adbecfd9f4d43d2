"""Whoever moves the money, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from common.problems import NotFound
from services.payment.providers.sandbox import NAME as SANDBOX
from services.payment.providers.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Mapping

    from services.payment.config import Config
    from services.payment.providers.interface import Provider

    Providers: TypeAlias = Mapping[str, Provider]

NAMES: Final = (SANDBOX,)
"""Those that a payment can be made with; the first is taken where none is named."""


def open_providers(config: Config) -> Providers:
    """All that this deployment has, with its secrets."""
    return {SANDBOX: sandbox_of(config)}


def sandbox_of(config: Config) -> Sandbox:
    """The sandbox with this deployment's secrets."""
    return Sandbox(config.secret_key, config.sandbox_webhook_secrets)


def find_provider(providers: Providers, name: str) -> Provider:
    """The provider of that name; raises NotFound."""
    provider = providers.get(name)
    if provider is None:
        raise NotFound
    return provider
