"""Flags on the running stack: changed while it serves, and not to be lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
import redis
import requests

from tests.contract.world import eventually

ROUTE = "GET /api/companies"


@pytest.fixture
def banyan(stack):
    """The command line as an engineer has it on this stack; answers its JSON."""
    environment = {**os.environ, **stack.facts["environments"]["strangler"]}

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "strangler", *arguments],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def side(stack) -> str:
    return requests.get(f"{stack.gateway_url}/api/companies", timeout=10).headers["Banyan-Side"]


def test_a_route_without_a_service_says_so_and_goes_back_at_once(stack, banyan):
    refused = banyan("flag", "set", ROUTE, "service", "--why", "too early", code=1)
    assert "--force" in refused
    banyan("flag", "set", ROUTE, "service", "--why", "to see the error", "--force")
    try:
        answer = eventually(
            lambda: requests.get(f"{stack.gateway_url}/api/companies", timeout=10),
            lambda seen: seen.status_code != 200,
            "the error",
        )
        assert answer.status_code in {502, 503}
        assert answer.json()["type"] == "urn:banyan:problem:service-not-deployed"
    finally:
        banyan("flag", "set", ROUTE, "legacy", "--why", "seen")
    eventually(lambda: side(stack), lambda seen: seen == "legacy", "legacy again")


def test_a_write_route_moves_with_its_group_alone(banyan):
    refused = banyan("flag", "set", "POST /api/bookings", "service", "--why", "now", code=1)
    assert "banyan cutover bookings" in refused


def test_an_emptied_redis_is_filled_again_and_nobody_notices(stack, banyan):
    banyan("flag", "set", ROUTE, "split", "--percent", "0", "--why", "something to lose", "--force")
    client = redis.Redis.from_url(stack.redis_url)
    before = client.hgetall("strangler:flags")
    assert before
    client.flushdb()
    assert side(stack) == "legacy"
    eventually(lambda: client.hgetall("strangler:flags"), lambda seen: seen == before, "the flags again")
    client.close()
    status = json.loads(banyan("flag", "get", ROUTE, "--json"))
    assert "split" in json.dumps(status)
    banyan("flag", "set", ROUTE, "legacy", "--why", "done")
