"""Addresses, redirects, refresh tokens and the standing of accounts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.addresses import client_address, networks, throttled_as
from common.redirects import local_path
from common.web.browsers import browser_name
from legacy.rules.accounts import ROLES, STAFF_ROLES, standing_after
from legacy.rules.sessions import Meaning, expiry, meaning_of, new_token, successor

OURS = networks(("127.0.0.0/8", "::1", "10.0.0.0/8"))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = b"k" * 32


class TestAddresses:
    @pytest.mark.parametrize(
        ("peer", "forwarded_for", "client"),
        [
            ("203.0.113.7", "", "203.0.113.7"),
            ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # a stranger's word counts for nothing
            ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
            ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
            ("127.0.0.1", "10.9.9.9, 203.0.113.7", "203.0.113.7"),
            ("127.0.0.1", "nonsense", "127.0.0.1"),
            ("127.0.0.1", "203.0.113.7, nonsense", "127.0.0.1"),
            ("127.0.0.1", "127.0.0.1, 127.0.0.1", "127.0.0.1"),
            ("10.0.0.2", "10.0.0.9", "10.0.0.9"),
            ("::ffff:127.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
            ("::1", "2001:db8::7", "2001:db8::7"),
            (None, "203.0.113.7", "unknown"),
            ("", "", "unknown"),
        ],
    )
    def test_the_nearest_that_is_not_ours_is_the_client(self, peer, forwarded_for, client):
        assert client_address(peer, forwarded_for, OURS) == client

    @given(st.text(max_size=60), st.ip_addresses(v=4, network="203.0.113.0/24"))
    def test_whatever_a_client_writes_its_own_address_is_what_we_see(self, written, address):
        assert client_address("127.0.0.1", f"{written},{address}", OURS) == str(address)

    def test_an_ipv6_customer_is_one_whichever_address_is_used(self):
        assert throttled_as("2001:db8:1:2::1") == throttled_as("2001:db8:1:2:ffff::9") == "2001:db8:1:2::/64"
        assert throttled_as("203.0.113.7") == "203.0.113.7"


class TestRedirects:
    @pytest.mark.parametrize("path", ["/", "/bookings/1?x=%2F&y=2", "/search?from=a&to=b#seats", "/a//b"])
    def test_a_path_of_this_site_is_kept(self, path):
        assert local_path(path) == path

    @pytest.mark.parametrize(
        "wanted",
        ["", None, "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "a",
         "/a\\b", "/\t/evil.example", "/a\r\nSet-Cookie: x=y", " /a", "/é", "/" + "a" * 2000],
    )  # fmt: skip
    def test_anything_else_is_not(self, wanted):
        assert local_path(wanted, "/dashboard") == "/dashboard"

    @given(st.text(alphabet="/\\:@.?#%&ab\t\r\n é", max_size=12))
    def test_no_text_leads_off_the_site(self, wanted):
        target = local_path(wanted)
        # as a browser reads it: backslashes are slashes, tabs and line breaks are nothing
        read = target.replace("\\", "/").replace("\t", "").replace("\r", "").replace("\n", "")
        assert urlsplit(urljoin("https://banyan.example/login", read)).netloc == "banyan.example"


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

    def test_it_lasts_thirty_days_and_the_session_half_a_year(self):
        assert expiry(NOW, NOW) == NOW + timedelta(days=30)
        assert expiry(NOW - timedelta(days=170), NOW) == NOW + timedelta(days=10)


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
    ("user_agent", "browser", "system"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36",
            "Chrome",
            "Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0 Safari/537.36 Edg/120.0",
            "Edge",
            "Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/120.0 Mobile EdgA/120.0",
            "Edge",
            "Android",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU OS 17_0 like Mac OS X) AppleWebKit/605.1 Version/17.0 Safari/604.1",
            "Safari",
            "iPhone",
        ),
        ("Mozilla/5.0 (Android 14; Mobile; rv:120.0) Gecko/120.0 Firefox/120.0", "Firefox", "Android"),
        ("curl/8.5.0", "curl", None),
        ("Mozilla/5.0 (something new)", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_a_browser_is_called_what_its_owner_calls_it(user_agent, browser, system):
    assert browser_name(user_agent) == (browser, system)
