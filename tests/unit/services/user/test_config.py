"""The settings of the service, and that it can be wired together."""

from __future__ import annotations

import pytest

from common.config import ConfigError
from services.user.config import Config

GOOD = {
    "BANYAN_DATABASE_URL": "postgresql://user@localhost/db_user",
    "BANYAN_REDIS_URL": "redis://localhost:6379/0",
    "BANYAN_PUBLIC_URL": "https://banyan.example/",
}


def test_the_service_finds_its_place_by_itself():
    config = Config.from_env(GOOD)
    assert (config.host, config.port, config.pool_size) == ("127.0.0.1", 8002, 10)
    assert config.public_url == "https://banyan.example"
    assert config.strangler_url == "http://127.0.0.1:8000"


def test_the_keys_of_tokens_are_fetched_by_the_strangler_unless_told_otherwise():
    elsewhere = {**GOOD, "BANYAN_STRANGLER_URL": "http://strangler:8000/"}
    assert Config.from_env(elsewhere).jwks_url == "http://strangler:8000/.well-known/jwks.json"
    named = {**elsewhere, "BANYAN_JWKS_URL": "http://auth:8001/.well-known/jwks.json"}
    assert Config.from_env(named).jwks_url == "http://auth:8001/.well-known/jwks.json"


def test_everything_that_is_missing_is_named_at_once():
    with pytest.raises(ConfigError) as refused:
        Config.from_env({})
    for name in GOOD:
        assert name in str(refused.value)
