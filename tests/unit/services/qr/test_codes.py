from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tokens import KeyRing, rotate, write_new_key
from services.qr.domain.codes import CodeFacts, CodeMalformed, pack, tail_of, unpack, valid_times
from services.qr.domain.tokens import CodeKeys, TokenForged, TokenMalformed, kid_number, peek

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
FACTS = {
    "ticket_id": UUID("01970000-0000-7000-8000-000000000001"),
    "trip_id": UUID("01970000-0000-7000-8000-0000000000aa"),
    "seat": "12A",
    "from_seq": 0,
    "to_seq": 3,
    "serial": 0,
    "not_before": NOON - timedelta(hours=24),
    "expires_at": NOON + timedelta(hours=30),
}

seats = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=3)
bytes_ = st.integers(0, 255)
starts = st.datetimes(datetime(2020, 1, 1), datetime(2051, 1, 1), timezones=st.just(UTC))  # ruff: ignore[call-datetime-without-tzinfo] — hypothesis adds the zone


@pytest.fixture
def ring(tmp_path):
    write_new_key(tmp_path / "qr.json")
    return KeyRing.from_file(tmp_path / "qr.json")


@given(bytes_, st.uuids(), st.uuids(), seats, bytes_, bytes_, bytes_, starts, st.integers(1, 65_000))
def test_facts_come_back_from_their_bytes(kid, ticket, trip, seat, from_seq, to_seq, serial, start, minutes):
    end = start + timedelta(minutes=minutes)
    signed = pack(CodeFacts(kid, ticket, tail_of(trip), seat, from_seq, to_seq, serial, start, end))
    facts = unpack(signed)
    assert len(signed) == 36
    assert (facts.kid, facts.ticket_id, facts.seat, facts.serial) == (kid, ticket, seat, serial)
    assert (facts.from_seq, facts.to_seq) == (from_seq, to_seq)
    assert facts.is_for(trip)
    assert timedelta() <= start - facts.not_before < timedelta(minutes=1)
    assert timedelta() <= facts.expires_at - end < timedelta(minutes=1)


@given(st.binary(min_size=36, max_size=36))
def test_whatever_the_bytes_they_are_facts_or_refused(signed):
    try:
        facts = unpack(signed)
    except CodeMalformed:
        return
    assert len(facts.seat) <= 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"seat": "12AB"},
        {"seat": "é"},
        {"serial": 256},
        {"to_seq": -1},
        {"expires_at": NOON + timedelta(days=60)},
        {"expires_at": NOON - timedelta(days=2)},
        {"not_before": datetime(2019, 1, 1, tzinfo=UTC)},
    ],
)
def test_facts_that_do_not_fit_are_refused(ring, wrong):
    with pytest.raises(CodeMalformed):
        CodeKeys(ring).make(**FACTS | wrong)


def test_a_code_is_read_with_the_key_that_signed_it(ring):
    token = CodeKeys(ring).make(**FACTS)
    assert len(token) == 150
    facts = CodeKeys(ring).read(token)
    assert facts.ticket_id == FACTS["ticket_id"]
    assert facts.is_for(FACTS["trip_id"])
    assert (facts.seat, facts.from_seq, facts.to_seq, facts.serial) == ("12A", 0, 3, 0)
    assert (facts.not_before, facts.expires_at) == (FACTS["not_before"], FACTS["expires_at"])
    assert peek(token) == facts


def test_the_same_facts_make_the_same_code(ring):
    assert CodeKeys(ring).make(**FACTS) == CodeKeys(ring).make(**FACTS)


def test_a_code_outlives_the_rotation_of_keys(ring, tmp_path):
    token = CodeKeys(ring).make(**FACTS)
    rotate(tmp_path / "qr.json")
    rotated = KeyRing.from_file(tmp_path / "qr.json")
    assert CodeKeys(rotated).read(token).seat == "12A"
    assert CodeKeys(rotated).make(**FACTS) != token


def test_a_kid_that_is_a_small_number_is_used_as_it_is(tmp_path):
    ring = _ring_of(tmp_path, ("7", "A"))
    assert kid_number(ring.signing_key()) == 7
    assert CodeKeys(ring).read(CodeKeys(ring).make(**FACTS)).kid == 7


def test_two_keys_of_one_number_are_both_tried(tmp_path):
    first = CodeKeys(_ring_of(tmp_path, ("5", "A"))).make(**FACTS)
    ring = _ring_of(tmp_path, ("5", "A"), ("05", "B"))
    assert CodeKeys(ring).read(first).kid == CodeKeys(ring).read(CodeKeys(ring).make(**FACTS)).kid == 5


@given(st.integers(0, 149), st.integers(1, 44))
def test_a_code_with_one_character_changed_is_never_good(signed, place, step):
    alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
    ring, token = signed
    changed = alphabet[(alphabet.index(token[place]) + step) % 45]
    with pytest.raises((TokenForged, TokenMalformed)):
        CodeKeys(ring).read(token[:place] + changed + token[place + 1 :])


@pytest.mark.parametrize("token", ["", "HELLO", "0" * 150, "0" * 151, "ü" * 150, "A" * 10_000, " " * 150])
def test_text_that_is_no_code_is_refused(ring, token):
    with pytest.raises(TokenMalformed):
        CodeKeys(ring).read(token)


def test_a_code_signed_by_somebody_else_is_forged(ring, tmp_path):
    write_new_key(tmp_path / "other.json")
    token = CodeKeys(KeyRing.from_file(tmp_path / "other.json")).make(**FACTS)
    with pytest.raises(TokenForged):
        CodeKeys(ring).read(token)


def test_blanks_at_the_ends_do_not_matter(tmp_path):
    ring = _ring_of(tmp_path, ("5", "A"))
    token = CodeKeys(ring).make(**FACTS)
    assert token.startswith(" ")
    assert (
        CodeKeys(ring).read(token.strip())
        == CodeKeys(ring).read(f"{token}\r\n")
        == CodeKeys(ring).read(token)
    )


def test_a_code_is_good_from_a_day_before_boarding_until_a_day_after_arrival():
    assert valid_times(NOON, NOON + timedelta(hours=6)) == (
        NOON - timedelta(hours=24),
        NOON + timedelta(hours=30),
    )


@pytest.fixture(scope="module")
def signed(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "qr.json"
    write_new_key(path)
    ring = KeyRing.from_file(path)
    return ring, CodeKeys(ring).make(**FACTS)


def _ring_of(folder: Path, *kids_and_seeds: tuple[str, str]) -> KeyRing:
    path = folder / "qr.json"
    entries = ",".join(
        f'{{"kid": "{kid}", "private": "{seed * 43}", "created": "2026-01-0{number}T00:00:00Z"}}'
        for number, (kid, seed) in enumerate(kids_and_seeds, start=1)
    )
    path.write_text(f'{{"keys": [{entries}]}}', "utf-8")
    return KeyRing.from_file(path)


def test_a_code_is_what_it_has_always_been(tmp_path):
    """Codes are on paper, and made on either side: not a byte of them may change."""
    facts = {
        **FACTS,
        "serial": 2,
        "not_before": NOON - timedelta(hours=24, seconds=-7),
        "expires_at": NOON + timedelta(hours=30, seconds=1),
    }
    assert CodeKeys(_ring_of(tmp_path, ("signing-key", "B"))).make(**facts) == (
        "M6029000000077E88G00000010088G000000Z30PI1300MC0APP1R13 UWXP:Z4LU8N8F1LO3"
        "O6ZHFWGUW5P8AI+S40V3T+AJ-GR57 RSAWL+*T3UVL/207A/%5WSUPBHFODNBNBUP%+Q/RCFDNSKT"
    )


def test_keys_that_come_later_are_known_at_once(ring, tmp_path, monkeypatch):
    keys = CodeKeys(ring)
    first = keys.make(**FACTS)
    rotate(tmp_path / "qr.json")
    monkeypatch.setattr("common.keyring._RECHECK_S", 0)
    second = keys.make(**FACTS)
    assert second != first
    assert keys.read(first).seat == keys.read(second).seat == "12A"


def test_a_code_that_was_read_is_forged_once_its_key_is_gone(ring, tmp_path, monkeypatch):
    keys = CodeKeys(ring)
    token = keys.make(**FACTS)
    assert keys.read(token) == keys.read(token)
    (tmp_path / "qr.json").unlink()
    write_new_key(tmp_path / "qr.json")
    monkeypatch.setattr("common.keyring._RECHECK_S", 0)
    with pytest.raises(TokenForged):
        keys.read(token)
