"""The journey of tests/e2e on a site that is up, and what only a site in containers can get wrong."""

from __future__ import annotations

import requests

from tests.contract.world import confirmed, eventually
from tests.e2e.test_journey import (  # ruff: ignore[unused-import] — to be run here
    test_a_confirmation_is_mailed,
    test_a_forgotten_password_is_reset_by_the_link_in_the_mail,
    test_from_registration_to_a_ledger_of_zero,
)


def test_the_side_that_is_meant_answers(site):
    for path in ("/api/companies", "/.well-known/jwks.json", "/login"):
        answer = requests.get(site.gateway_url + path, timeout=30)
        assert (answer.status_code, answer.headers["Banyan-Side"]) == (200, site.side), path


def test_a_page_finds_its_style_at_the_gateway(site):
    page = requests.get(site.gateway_url + "/login", timeout=30)
    style = next(part.split('"')[0] for part in page.text.split('href="') if part.startswith("/static/"))
    answer = requests.get(site.gateway_url + style, timeout=30)
    assert answer.status_code == 200
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Banyan-Side" not in answer.headers


def test_what_processes_say_to_each_other_stays_inside(site):
    for path in ("/metrics", "/healthz", "/readyz", "/internal/anything"):
        assert requests.get(site.gateway_url + path, timeout=30).status_code == 404, path


def test_a_ticket_is_printed_though_nothing_can_be_written(world):
    passenger = world.passenger("मीरा नायर")
    booking = confirmed(passenger, world.company().trip())
    path = f"/api/tickets/{booking['tickets'][0]['id']}.pdf"
    printed = eventually(lambda: passenger.get(path), lambda answer: answer.status == 200, "the ticket")
    assert printed.content.startswith(b"%PDF-")
