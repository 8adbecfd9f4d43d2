"""Refresh tokens, passwords and the standing of accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth.domain import (
    ROLES,
    STAFF_ROLES,
    Meaning,
    meaning_of,
    new_token,
    password_faults,
    standing_after,
    successor,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


class TestRefreshTokens:
    def test_the_successor_follows_from_the_token_and_the_key_alone(self):
        token = new_token()
        assert successor(token, KEY) == successor(token, KEY)
        assert successor(token, KEY) != successor(token, b"another key")
        assert successor(token, KEY) != successor(new_token(), KEY)
        assert len(successor(token, KEY)) == len(token) == 43

    @given(
        st.booleans(),
        st.one_of(st.none(), st.integers(0, 30)),
        st.booleans(),
        st.integers(-100, 100),
    )
    def test_a_token_is_good_only_while_it_is_unused_unrevoked_and_unexpired(
        self, revoked, used_s_ago, successor_is_newest, expires_in_s
    ):
        meaning = meaning_of(
            expires_at=NOW + timedelta(seconds=expires_in_s),
            used_at=None if used_s_ago is None else NOW - timedelta(seconds=used_s_ago),
            revoked_at=NOW if revoked else None,
            successor_is_newest=successor_is_newest,
            now=NOW,
        )
        if revoked or expires_in_s <= 0:
            assert meaning is Meaning.VOID
        elif used_s_ago is None:
            assert meaning is Meaning.GOOD
        elif used_s_ago <= 10 and successor_is_newest:
            assert meaning is Meaning.JUST_USED
        else:
            assert meaning is Meaning.REUSED

    def test_the_successor_is_the_one_that_the_wire_names(self):
        assert successor("a token", KEY) == "4BJ7taA-UUxytTWDpYqYOTL_PITGTfoy041oRL_ZEuk"


class TestStanding:
    @given(
        st.sampled_from(ROLES),
        st.sampled_from(ROLES),
        st.sampled_from([None, "keep", "other"]),
        st.booleans(),
    )
    def test_no_change_leaves_a_role_without_its_company_or_a_company_without_a_role(
        self, role, new_role, company, is_self
    ):
        own = uuid4()
        user = {"role": role, "company_id": own if role in STAFF_ROLES else None, "status": "active"}
        changes = {"role": new_role}
        if company != "keep":
            changes["company_id"] = uuid4() if company == "other" else None
        wanted, errors = standing_after(user, changes, is_self=is_self)
        if not errors:
            assert (wanted["role"] in STAFF_ROLES) == (wanted["company_id"] is not None)
            assert not is_self or new_role == role


@pytest.mark.parametrize(
    "password", ["asha@example.org", "ASHA RAO", "asha.rao", "short", "x" * 129, "password1"]
)
def test_a_password_that_is_guessed_first_is_none(password):
    email = "asha.rao@example.org" if password == "asha.rao" else "asha@example.org"
    assert password_faults(password, email, "Asha Rao")


def test_any_words_make_a_password():
    assert password_faults("correct horse battery", "asha@example.org", "Asha Rao") == []
