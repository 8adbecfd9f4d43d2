"""The settings of the service."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from common.config import ConfigError
from services.auth.config import Config

GOOD = {
    "BANYAN_DATABASE_URL": "postgresql://auth@localhost/db_auth",
    "BANYAN_REDIS_URL": "redis://localhost:6379/0",
    "BANYAN_PUBLIC_URL": "https://banyan.example/",
    "BANYAN_TOKEN_KEYS_FILE": "/etc/banyan/tokens.json",
    "BANYAN_SECRET_KEY": "0123456789abcdef0123456789abcdef",
    "BANYAN_MAIL_URL": "smtp://mail.example:587",
}


def test_the_last_proxy_of_our_own_is_on_this_machine_unless_told_otherwise():
    trusted = Config.from_env(GOOD).trusted_proxies
    assert any(ip_address("127.0.0.1") in network for network in trusted)
    assert not any(ip_address("10.0.0.1") in network for network in trusted)


def test_networks_of_proxies_can_be_added():
    trusted = Config.from_env({**GOOD, "BANYAN_TRUSTED_PROXIES": "10.0.0.0/8, 192.168.1.7"}).trusted_proxies
    for address in ("127.0.0.1", "10.1.2.3", "192.168.1.7"):
        assert any(ip_address(address) in network for network in trusted)


def test_what_is_no_network_is_named():
    with pytest.raises(ConfigError, match="BANYAN_TRUSTED_PROXIES"):
        Config.from_env({**GOOD, "BANYAN_TRUSTED_PROXIES": "the gateway"})


def test_limits_can_be_lifted():
    config = Config.from_env({**GOOD, "BANYAN_REGISTRATIONS_PER_ADDRESS": "0"})
    assert config.registrations_per_address == 0
    assert config.login_failures_per_address == 50


def test_secrets_and_the_public_address_have_no_default():
    with pytest.raises(ConfigError) as refused:
        Config.from_env({})
    for name in ("BANYAN_SECRET_KEY", "BANYAN_PUBLIC_URL", "BANYAN_DATABASE_URL"):
        assert name in str(refused.value)


def test_the_service_finds_its_place_by_itself():
    config = Config.from_env(GOOD)
    assert (config.host, config.port) == ("127.0.0.1", 8001)
    assert config.public_url == "https://banyan.example"
    assert config.strangler_url == "http://127.0.0.1:8000"
