"""A ticket as a PDF: drawn here, with the code that qr signs."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pypdf
import pytest

if TYPE_CHECKING:
    from uuid import UUID

    from aiohttp import ClientResponse

    from common.database import Pool
    from tests.integration.services.ticketing.conftest import Site
    from tests.integration.services.ticketing.world import Booking

TOKEN = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:" * 3 + "0123456789ABCDE"


def code_path(ticket_id: UUID) -> str:
    return f"/api/tickets/{ticket_id}/qr"


def code(ticket_id: UUID, serial: int = 0) -> dict[str, Any]:
    return {"ticket_id": ticket_id, "token": TOKEN, "kid": 1, "serial": serial}


@pytest.fixture
async def booking(world, site: Site) -> Booking:
    """A confirmed booking of somebody who reads Hindi, whose code qr has."""
    made: Booking = await world.booking(await world.trip(), await world.user(locale="hi"))
    site.answers[code_path(made.ticket_ids[0])] = code(made.ticket_ids[0])
    return made


async def texts(answer: ClientResponse) -> str:
    (page,) = pypdf.PdfReader(io.BytesIO(await answer.read())).pages
    return str(page.extract_text())


async def test_the_sheet_has_names_in_both_scripts_and_is_in_the_bookers_language(
    client, world, pool: Pool, site: Site, booking: Booking
) -> None:
    await pool.execute("UPDATE tickets SET passenger_name = 'Asha श्रीमती 中 = «x»', passenger_age = 61")
    bearer = world.bearer(booking.user)
    answer = await client.get(f"/api/tickets/{booking.ticket_ids[0]}.pdf", headers=bearer)
    assert (answer.status, answer.content_type) == (200, "application/pdf")
    assert booking.reference in answer.headers["Content-Disposition"]
    text = await texts(answer)
    assert booking.reference in text
    assert "Asha" in text
    assert "यात्री" in text
    assert "61" in text
    assert site.asked == [(code_path(booking.ticket_ids[0]) + "?format=json", bearer["Authorization"])]


async def test_a_sheet_that_one_has_is_not_drawn_again_nor_its_code_asked_for(
    client, world, site: Site, booking: Booking
) -> None:
    path, bearer = f"/api/tickets/{booking.ticket_ids[0]}.pdf", world.bearer(booking.user)
    etag = (await client.get(path, headers=bearer)).headers["ETag"]
    site.asked.clear()
    assert (await client.get(path, headers={**bearer, "If-None-Match": etag})).status == 304
    assert not site.asked


async def test_a_ticket_that_is_not_paid_for_has_no_sheet(client, world, site: Site) -> None:
    booking = await world.booking(await world.trip(), status="held")
    answer = await client.get(f"/api/tickets/{booking.ticket_ids[0]}.pdf", headers=world.bearer(booking.user))
    assert (answer.status, (await answer.json())["type"]) == (409, "urn:banyan:problem:not-confirmed")
    assert not site.asked


@pytest.mark.parametrize("says", [503, 409, 404])
async def test_without_qr_the_answer_is_that_the_code_cannot_be_had(
    client, world, site: Site, booking: Booking, says: int
) -> None:
    site.answers[code_path(booking.ticket_ids[0])] = says
    answer = await client.get(f"/api/tickets/{booking.ticket_ids[0]}.pdf", headers=world.bearer(booking.user))
    assert answer.status == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "code of this ticket cannot be had" in (await answer.json())["detail"]


async def test_a_code_that_was_replaced_is_not_printed(client, world, site: Site, booking: Booking) -> None:
    ticket_id = booking.ticket_ids[0]
    path, bearer = f"/api/tickets/{ticket_id}.pdf", world.bearer(booking.user)
    etag = (await client.get(path, headers=bearer)).headers["ETag"]
    await client.post(f"/api/tickets/{ticket_id}/reissue", json={}, headers=bearer)
    # qr has not heard of it yet
    assert (await client.get(path, headers=bearer)).status == 503
    site.answers[code_path(ticket_id)] = code(ticket_id, serial=1)
    answer = await client.get(path, headers={**bearer, "If-None-Match": etag})
    assert answer.status == 200


async def test_it_is_the_owners_and_the_staffs(client, world, booking: Booking) -> None:
    path = f"/api/tickets/{booking.ticket_ids[0]}.pdf"
    assert (await client.get(path)).status == 401
    assert (await client.get(path, headers=world.bearer(await world.user()))).status == 404
    inspector = await world.user("inspector", booking.trip.company)
    assert (await client.get(path, headers=world.bearer(inspector))).status == 200
