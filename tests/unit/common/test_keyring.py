import base64
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import orjson
import pytest

from common.keyring import KeyRing, KeyRingError, jwks, rotate, write_new_key


@pytest.fixture
def later(monkeypatch):
    """Let seconds pass for the ring, which looks at its file at most once a second."""
    passed = 0.0

    def let_pass(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    monkeypatch.setattr("common.keyring.monotonic", lambda: monotonic() + passed)
    return let_pass


def test_a_key_file_is_for_its_owner_only(key_file: Path):
    assert key_file.stat().st_mode & 0o777 == 0o600
    rotate(key_file)
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_the_newest_key_signs_and_all_verify(key_file: Path, ring: KeyRing, later):
    first = ring.signing_key().kid
    second = write_new_key(key_file)
    later(2)
    assert first != second
    assert ring.signing_key().kid == second
    assert ring.public_key(first) is not None
    assert ring.public_key(second) is not None


def test_the_file_is_not_looked_at_more_than_once_a_second(key_file: Path, ring: KeyRing, later):
    first = ring.signing_key().kid
    write_new_key(key_file)
    assert ring.signing_key().kid == first
    later(1.1)
    assert ring.signing_key().kid != first


def test_a_retired_key_verifies_but_does_not_sign(key_file: Path, later):
    ring = KeyRing.from_file(key_file)
    old = ring.signing_key().kid
    new = rotate(key_file)
    later(2)
    assert ring.signing_key().kid == new
    assert [key.kid for key in ring.all_keys() if key.retired] == [old]
    assert ring.public_key(old) is not None


def test_a_key_is_dropped_when_it_has_been_retired_long_enough(key_file: Path):
    now = datetime.now(UTC)
    first = KeyRing.from_file(key_file).signing_key().kid
    rotate(key_file, now=now)
    rotate(key_file, now=now + timedelta(days=1))
    assert first in {key.kid for key in KeyRing.from_file(key_file).all_keys()}
    rotate(key_file, now=now + timedelta(days=8))
    assert first not in {key.kid for key in KeyRing.from_file(key_file).all_keys()}


def test_a_broken_file_does_not_take_the_known_keys_away(key_file: Path, ring: KeyRing, later):
    kid = ring.signing_key().kid
    key_file.write_text("{", encoding="utf-8")
    later(2)
    assert ring.signing_key().kid == kid
    key_file.unlink()
    later(2)
    assert ring.signing_key().kid == kid


def test_a_mended_file_is_read_again(key_file: Path, ring: KeyRing, later):
    good = key_file.read_bytes()
    key_file.write_text("{", encoding="utf-8")
    later(2)
    ring.signing_key()
    key_file.write_bytes(good)
    kid = rotate(key_file)
    later(2)
    assert ring.signing_key().kid == kid


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{}",
        '{"keys": []}',
        '{"keys": [{"kid": "a"}]}',
        '{"keys": [{"kid": "a", "private": "AAAA", "created": "2030-01-01T00:00:00Z"}]}',
        '["keys"]',
    ],
)
def test_a_file_without_a_good_key_is_refused_by_name(tmp_path: Path, content: str):
    path = tmp_path / "keys.json"
    path.write_text(content)
    with pytest.raises(KeyRingError, match=r"keys\.json"):
        KeyRing.from_file(path)


def test_a_missing_file_and_a_folder_are_refused_by_name(tmp_path: Path):
    with pytest.raises(KeyRingError, match="No such file"):
        KeyRing.from_file(tmp_path / "none.json")
    with pytest.raises(KeyRingError, match="is not a file"):
        KeyRing.from_file(tmp_path)


def test_a_kid_given_twice_is_refused(key_file: Path):
    document = orjson.loads(key_file.read_bytes())
    key_file.write_bytes(orjson.dumps({"keys": document["keys"] * 2}))
    with pytest.raises(KeyRingError, match="twice"):
        KeyRing.from_file(key_file)


def test_a_new_key_is_never_written_over_another_kind_of_file(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text("my notes")
    with pytest.raises(KeyRingError):
        write_new_key(path)
    assert path.read_text() == "my notes"
    assert os.listdir(tmp_path) == ["notes.txt"]  # ruff: ignore[os-listdir] — no draft is left either


def test_the_jwks_document_tells_no_private_half(key_file: Path, ring: KeyRing):
    private = orjson.loads(key_file.read_bytes())["keys"][0]["private"]
    document = jwks(ring)
    assert private not in str(document)
    (key,) = document["keys"]
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert len(base64.urlsafe_b64decode(key["x"] + "=")) == 32
