from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.integration.services.qr.conftest import Gate
    from tests.integration.services.qr.world import User


async def read(gate: Gate, path: str, by: User | None, form: Any = None, **headers: str) -> tuple[int, str]:
    who = gate.world.browser(by) if by else {"Accept": "text/html"}
    method = "GET" if form is None else "POST"
    async with gate.client.request(
        method, path, data=form, headers=who | headers, allow_redirects=False
    ) as answer:
        return answer.status, await answer.text()


def scan_form(gate: Gate, page: str, **fields: Any) -> dict[str, Any]:
    """The page's form as a browser would send it."""
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page))
    return hidden | {"token": gate.token(), "action": "check-in"} | fields


@pytest.fixture
async def page(gate):
    status, text = await read(gate, f"/scan?trip_id={gate.trip.id}", gate.inspector)
    assert status == 200
    return text


async def test_a_ticket_shows_its_code_and_whose_it_is(gate):
    status, page = await read(gate, f"/tickets/{gate.ticket_id}", gate.booking.user)
    assert status == 200
    assert f'src="/api/tickets/{gate.ticket_id}/qr?format=svg"' in page
    assert f'href="/api/tickets/{gate.ticket_id}.pdf"' in page
    for text in (
        "Passenger 1A",
        "1A",
        gate.booking.reference,
        "Bengaluru",
        "Mangaluru",
        "Confirmed",
        "KA 01 AB 1234",
    ):
        assert text in page


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("UPDATE tickets SET status = 'cancelled'", "not good any more"),
        ("UPDATE trips SET status = 'cancelled'", "This departure is cancelled"),
    ],
)
async def test_a_ticket_that_is_not_good_shows_no_code(gate, pool, change, text):
    await pool.execute(change)
    _, page = await read(gate, f"/tickets/{gate.ticket_id}", gate.booking.user)
    assert text in page
    assert "/qr?format" not in page


async def test_a_ticket_is_for_its_owner_and_the_companys_staff(gate):
    path = f"/tickets/{gate.ticket_id}"
    assert (await read(gate, path, gate.inspector))[0] == 200
    assert (await read(gate, path, gate.world.user()))[0] == 404
    assert (await read(gate, path, None))[0] == 303


async def test_a_used_ticket_says_so(gate):
    await gate.check_in()
    _, page = await read(gate, f"/tickets/{gate.ticket_id}", gate.booking.user)
    assert "Checked in on" in page


async def test_the_scanner_offers_the_companys_departures_of_today(gate):
    other = await gate.world.trip(departs_at=gate.trip.departs_at)
    status, page = await read(gate, "/scan", gate.inspector)
    assert status == 200
    assert str(gate.trip.id) in page
    assert str(other.id) not in page
    assert 'name="token"' not in page
    _, page = await read(gate, "/scan", gate.world.user("admin"))
    assert str(other.id) in page


async def test_a_typed_code_checks_in_without_scripts(gate, page, pool):
    form = scan_form(gate, page, stop_seq="0")
    status, answer = await read(gate, "/scan", gate.inspector, form)
    assert status == 200
    assert 'data-state="good"' in answer
    assert "Checked in" in answer
    assert "Passenger 1A" in answer
    assert '<option value="0" selected>' in answer
    again = await read(gate, "/scan", gate.inspector, form)
    assert 'data-state="good"' in again[1]  # the page reloaded: the same scan
    assert await pool.fetchval("SELECT count(*) FROM scans") == 1
    status, answer = await read(gate, "/scan", gate.inspector, scan_form(gate, answer))
    assert 'data-state="again"' in answer
    assert "Already used" in answer


async def test_only_looking_changes_nothing(gate, page, pool):
    status, answer = await read(gate, "/scan", gate.inspector, scan_form(gate, page, action="verify"))
    assert status == 200
    assert "Good" in answer
    assert await pool.fetchval("SELECT count(*) FROM scans") == 0


@pytest.mark.parametrize(("token", "word"), [("NO CODE", "Not a ticket"), ("", None), ("A" * 401, None)])
async def test_what_is_no_code_is_said_so(gate, page, token, word):
    status, answer = await read(gate, "/scan", gate.inspector, scan_form(gate, page, token=token))
    assert status == (200 if word else 422)
    assert (word or 'role="alert"') in answer


async def test_an_old_page_for_another_ticket_is_refused(gate, page):
    await read(gate, "/scan", gate.inspector, scan_form(gate, page))
    status, answer = await read(gate, "/scan", gate.inspector, scan_form(gate, page, token=gate.token(1)))
    assert status == 422
    assert 'role="alert"' in answer


async def test_the_scanner_is_for_staff(gate):
    assert (await read(gate, "/scan", gate.booking.user))[0] == 403
    assert (await read(gate, "/scan", None))[0] == 303
    for role in ("driver", "operator"):
        assert (await read(gate, "/scan", gate.world.user(role, gate.trip.company)))[0] == 200


async def test_the_pages_speak_hindi(gate, page):
    _, ticket = await read(gate, f"/tickets/{gate.ticket_id}?lang=hi", gate.booking.user)
    assert "यात्री" in ticket
    form = scan_form(gate, page)
    _, scanner = await read(gate, "/scan?lang=hi", gate.inspector, form)
    assert "चेक-इन हो गया" in scanner
    assert "Only look" not in scanner


async def test_the_scanner_has_a_worker_of_its_own_which_anyone_may_fetch(gate):
    async with gate.client.get("/scan?worker") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/javascript"
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_who_travels_together_finds_all_tickets_on_each(gate):
    _, page = await read(gate, f"/tickets/{gate.ticket_id}", gate.booking.user)
    for ticket_id in gate.booking.ticket_ids:
        assert f'href="/tickets/{ticket_id}"' in page
    _, page = await read(gate, f"/tickets/{gate.ticket_id}", gate.inspector)
    assert f'href="/tickets/{gate.booking.ticket_ids[1]}"' not in page


async def test_the_scanner_counts_who_is_on_board(gate):
    await gate.check_in()
    _, page = await read(gate, f"/scan?trip_id={gate.trip.id}", gate.inspector)
    assert 'id="boarded">1</span>' in page
    assert 'id="expected">3</span>' in page


def test_every_text_of_the_pages_is_there_in_hindi(gate):
    from common.web.i18n import LANGUAGES
    from services.qr.app import HERE
    from services.qr.pages import WORDS

    hindi = gate.client.app[LANGUAGES].get("hi")
    texts = {text for both in WORDS.values() for text in both}
    for template in (HERE / "templates").iterdir():
        texts |= set(re.findall(r'_\("([^"]+)"', template.read_text("utf-8")))
    assert not [text for text in texts if hindi.gettext(text) == text]
