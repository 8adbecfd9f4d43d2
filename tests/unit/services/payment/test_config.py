from __future__ import annotations

import pytest

from common.config import ConfigError
from services.payment.config import Config

ENVIRONMENT = {
    "BANYAN_DATABASE_URL": "postgresql://payment@localhost/db_payment",
    "BANYAN_REDIS_URL": "redis://localhost:6379/0",
    "BANYAN_PUBLIC_URL": "http://localhost:8080/",
    "BANYAN_STRANGLER_URL": "http://strangler:8000",
    "BANYAN_SECRET_KEY": "0123456789abcdef",
    "BANYAN_SANDBOX_WEBHOOK_SECRETS": "the new secret of it,the old secret of it",
}


def test_what_is_not_said_follows_from_the_strangler():
    config = Config.from_env(ENVIRONMENT)
    assert config.port == 8006
    assert config.public_url == "http://localhost:8080"
    assert config.jwks_url == "http://strangler:8000/.well-known/jwks.json"
    assert config.sandbox_webhook_url == "http://strangler:8000"
    assert config.sandbox_webhook_secrets == ("the new secret of it", "the old secret of it")


def test_everything_that_is_missing_is_named_at_once():
    with pytest.raises(ConfigError) as refused:
        Config.from_env({})
    named = {fault.variable for fault in refused.value.faults}
    assert set(ENVIRONMENT) == named


def test_a_secret_that_can_be_guessed_is_refused():
    with pytest.raises(ConfigError):
        Config.from_env({**ENVIRONMENT, "BANYAN_SANDBOX_WEBHOOK_SECRETS": "short"})
