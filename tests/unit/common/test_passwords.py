import asyncio
import base64
import hashlib
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.passwords import (
    Passwords,
    check_password_rules,
    common_words,
    hash_password,
    is_common,
    needs_rehash,
    verify_dummy,
    verify_password,
)
from common.problems import Unavailable


async def test_a_password_matches_its_hash_and_no_other():
    stored = await hash_password("kokum sherbet")
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await verify_password(stored, "kokum sherbet")
    assert not await verify_password(stored, "kokum sherbets")
    assert not needs_rehash(stored)


async def test_the_same_letters_typed_differently_are_the_same_password():
    stored = await hash_password(unicodedata.normalize("NFD", "café crème"))
    assert await verify_password(stored, unicodedata.normalize("NFC", "café crème"))
    assert await verify_password(stored, "café crème".replace("c", "\uff43"))


async def test_an_older_hash_is_verified_and_due_for_a_new_one():
    digest = base64.b64encode(hashlib.pbkdf2_hmac("sha256", b"kokum sherbet", b"salt", 1000)).decode()
    stored = f"pbkdf2_sha256$1000$salt${digest}"
    assert await verify_password(stored, "kokum sherbet")
    assert not await verify_password(stored, "kokum")
    assert needs_rehash(stored)


@pytest.mark.parametrize(
    "stored",
    ["", "!", "$argon2id$nonsense", "pbkdf2_sha256$x$y", "pbkdf2_sha256$9999999999$salt$AAAA", "plain"],
)
async def test_a_hash_that_is_none_matches_nothing(stored: str):
    assert not await verify_password(stored, "plain")


async def test_an_unknown_account_costs_as_much_as_a_known_one():
    stored = await hash_password("kokum sherbet")
    loop = asyncio.get_running_loop()

    async def fastest(check) -> float:
        times = []
        for _ in range(5):
            started = loop.time()
            assert not await check()
            times.append(loop.time() - started)
        return min(times)

    known = await fastest(lambda: verify_password(stored, "wrong"))
    unknown = await fastest(lambda: verify_dummy("wrong"))
    assert 0.3 < unknown / known < 3


async def test_a_burst_beyond_the_queue_is_shed_and_the_rest_is_served():
    passwords = Passwords(workers=1, queue_limit=2)
    results = await asyncio.gather(*(passwords.hash_password("x") for _ in range(6)), return_exceptions=True)
    passwords.close()
    assert sum(isinstance(result, str) for result in results) == 3
    assert sum(isinstance(result, Unavailable) for result in results) == 3


async def test_there_is_room_again_after_a_burst():
    passwords = Passwords(workers=1, queue_limit=0)
    await passwords.hash_password("x")
    assert await passwords.hash_password("x")
    passwords.close()


@pytest.mark.parametrize(
    "password", ["monsoon over Konkan", "tvk92mzp", "correct horse battery", "bus№9 at dawn", "पानी की बूँदें"]
)
def test_a_good_password_needs_no_special_characters(password: str):
    assert check_password_rules(password) == []


@pytest.mark.parametrize("password", ["", "short", "1234567", "x" * 129, "ﷺ" * 20])
def test_length_is_counted_after_normalising(password: str):
    assert any("characters" in fault for fault in check_password_rules(password))


@pytest.mark.parametrize(
    "password",
    [
        "password",
        "Password1!",
        "P@$$w0rd",
        "12345678",
        "87654321",
        "qwertyuiop",
        "1qaz2wsx",
        "aaaaaaaa",
        "abcabcabc",
        "Sachin2011",
        "jaishreeram",
        "!!ganesha123",
        "iloveyou2",
        "Mumbai@123",
        "abcd1234",
        "qwerty123456",
        "monkeymonkey",
        "\uff12\uff10password",
    ],
)
def test_what_is_guessed_first_is_refused(password: str):
    assert check_password_rules(password) == ["Is one of the passwords that are guessed first."]


def test_ones_own_address_is_refused():
    assert check_password_rules("asha@example.in", forbidden=("Asha@Example.in",))


def test_the_list_is_long_and_of_lower_case_words():
    assert len(common_words()) > 2000
    assert all(word == word.lower() for word in common_words())


@given(st.text(min_size=8, max_size=128))
def test_rules_answer_for_any_text(password: str):
    assert isinstance(check_password_rules(password), list)
    assert isinstance(is_common(password.lower()), bool)
