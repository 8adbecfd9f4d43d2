"""Accounts and sessions."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.contract.client import Client
from tests.contract.world import PASSWORD

LONG_PASSWORD = ("as long as a password may be, and that is quite something to remember; " * 2)[:128]


def registration(**changes: Any):
    return {
        "email": f"{uuid4().hex[:12]}@passengers.example",
        "password": PASSWORD,
        "full_name": "Asha Rao",
        **changes,
    }


class TestRegister:
    def test_a_new_account_is_signed_in_at_once(self, anyone):
        body = registration()
        tokens = anyone.post("/api/auth/register", body).ok(201)
        assert tokens["token_type"] == "Bearer"
        assert tokens["expires_in"] == 900
        assert tokens["user"]["email"] == body["email"]
        assert tokens["user"]["role"] == "passenger"
        assert tokens["user"]["company_id"] is None
        me = anyone.with_token(tokens["access_token"]).get("/api/auth/me").ok()
        assert me == tokens["user"]

    def test_what_an_account_was_opened_with_can_be_read_again(self, anyone):
        body = registration(phone="+91 98450 12345", locale="hi")
        tokens = anyone.post("/api/auth/register", body).ok(201)
        opened = anyone.with_token(tokens["access_token"]).get("/api/auth/registration").ok()
        assert opened == {
            "user_id": tokens["user"]["id"],
            "email": body["email"],
            "role": "passenger",
            "full_name": "Asha Rao",
            "phone": "+919845012345",
            "locale": "hi",
            "created_at": tokens["user"]["created_at"],
        }
        anyone.get("/api/auth/registration").refused(401, "token-missing")

    def test_an_address_is_taken_whatever_its_case(self, anyone):
        body = registration()
        anyone.post("/api/auth/register", body).ok(201)
        anyone.post("/api/auth/register", {**body, "email": body["email"].upper()}).refused(
            409, "email-taken"
        )

    @pytest.mark.parametrize("password", ["short", "x" * 129, "password", "12345678"])
    def test_a_weak_password_is_refused(self, anyone, password):
        anyone.post("/api/auth/register", registration(password=password)).invalid("password")

    @pytest.mark.parametrize(
        "password",
        [
            "all lower case words",
            "ಬೆಂಗಳೂರು ಬಸ್ ನಿಲ್ದಾಣ",
            ("of one hundred and twenty-eight characters, which is the most; " * 3)[:128],
        ],
    )
    def test_no_composition_is_asked_of_a_password(self, anyone, password):
        body = registration(password=password)
        anyone.post("/api/auth/register", body).ok(201)
        anyone.post("/api/auth/login", {"email": body["email"], "password": password}).ok()

    @pytest.mark.parametrize("field", ["email", "password", "full_name"])
    def test_a_missing_field_is_named(self, anyone, field):
        body = registration()
        del body[field]
        anyone.post("/api/auth/register", body).invalid(field)

    def test_an_unknown_field_is_named(self, anyone):
        anyone.post("/api/auth/register", registration(role="admin")).invalid("role")

    def test_what_is_no_address_is_refused(self, anyone):
        anyone.post("/api/auth/register", registration(email="not an address")).invalid("email")


class TestLogin:
    def test_wrong_password_and_unknown_account_are_told_alike(self, anyone, passenger):
        wrong = anyone.post("/api/auth/login", {"email": passenger.email, "password": "not this one"})
        unknown = anyone.post(
            "/api/auth/login", {"email": f"{uuid4().hex}@nobody.example", "password": "not this one"}
        )
        one, other = wrong.refused(401, "bad-credentials"), unknown.refused(401, "bad-credentials")
        assert {**one, "request_id": ""} == {**other, "request_id": ""}

    def test_an_address_is_known_in_any_case(self, anyone, passenger):
        anyone.post("/api/auth/login", {"email": passenger.email.upper(), "password": PASSWORD}).ok()

    def test_many_failures_close_the_account_for_a_while_even_to_the_right_password(self, anyone, world):
        victim = world.passenger()
        for _ in range(10):
            anyone.post("/api/auth/login", {"email": victim.email, "password": "guess"}).refused(401)
        answer = anyone.post("/api/auth/login", {"email": victim.email, "password": PASSWORD})
        answer.refused(429, "too-many-requests")
        assert int(answer.headers["Retry-After"]) > 0

    def test_cookies_are_set_only_when_asked_for(self, world, passenger):
        credentials = {"email": passenger.email, "password": PASSWORD}
        assert "Set-Cookie" not in world.anyone().post("/api/auth/login", credentials).headers
        client = world.anyone()
        answer = client.post("/api/auth/login", {**credentials, "cookie": True})
        cookies = answer.response.raw.headers.getlist("Set-Cookie")
        access = next(cookie for cookie in cookies if cookie.startswith("banyan_access="))
        assert "HttpOnly" in access
        assert "SameSite=Lax" in access
        assert client.get("/api/auth/me").ok()["email"] == passenger.email

    def test_a_cookie_does_not_carry_another_sites_request(self, world, passenger):
        client = world.anyone()
        client.post("/api/auth/login", {"email": passenger.email, "password": PASSWORD, "cookie": True}).ok()
        foreign = {"Origin": "https://evil.example"}
        client.post("/api/users/me/travellers", {"name": "Ravi"}, headers=foreign).refused(
            403, "cross-origin"
        )
        client.get("/api/auth/me", headers=foreign).ok()


class TestRefresh:
    def test_a_refresh_token_is_good_once_and_brings_its_successor(self, anyone, passenger):
        tokens = anyone.post("/api/auth/refresh", {"refresh_token": passenger.refresh_token}).ok()
        assert tokens["refresh_token"] != passenger.refresh_token
        anyone.with_token(tokens["access_token"]).get("/api/auth/me").ok()
        anyone.post("/api/auth/refresh", {"refresh_token": tokens["refresh_token"]}).ok()

    def test_two_tabs_that_refresh_at_once_both_get_the_same_successor(self, anyone, passenger):
        def refresh(_) -> Any:
            return (
                Client(anyone.base_url)
                .post("/api/auth/refresh", {"refresh_token": passenger.refresh_token})
                .ok()
            )

        with ThreadPoolExecutor(8) as tabs:
            answers = list(tabs.map(refresh, range(8)))
        assert len({answer["refresh_token"] for answer in answers}) == 1

    def test_an_older_token_used_again_revokes_the_family(self, anyone, passenger):
        first = passenger.refresh_token
        second = anyone.post("/api/auth/refresh", {"refresh_token": first}).ok()["refresh_token"]
        third = anyone.post("/api/auth/refresh", {"refresh_token": second}).ok()["refresh_token"]
        anyone.post("/api/auth/refresh", {"refresh_token": first}).refused(401, "refresh-reused")
        anyone.post("/api/auth/refresh", {"refresh_token": third}).refused(401)

    def test_nonsense_is_refused(self, anyone):
        anyone.post("/api/auth/refresh", {"refresh_token": "nonsense"}).refused(401, "refresh-invalid")

    def test_logging_out_ends_the_session(self, anyone, passenger):
        assert anyone.post("/api/auth/logout", {"refresh_token": passenger.refresh_token}).status == 204
        anyone.post("/api/auth/refresh", {"refresh_token": passenger.refresh_token}).refused(401)
        assert anyone.post("/api/auth/logout", {"refresh_token": passenger.refresh_token}).status == 204


class TestSessions:
    def test_each_login_is_a_session_that_can_be_ended_from_another(self, world, passenger):
        phone = world.login(passenger.email, PASSWORD)
        sessions = passenger.get("/api/auth/sessions").ok()["items"]
        assert len(sessions) == 2
        current = [session for session in sessions if session["current"]]
        assert len(current) == 1
        other = next(session for session in sessions if not session["current"])
        assert passenger.delete(f"/api/auth/sessions/{other['id']}").status == 204
        world.anyone().post("/api/auth/refresh", {"refresh_token": phone.refresh_token}).refused(401)

    def test_somebody_elses_session_is_not_found(self, passenger, stranger):
        session = stranger.get("/api/auth/sessions").ok()["items"][0]
        passenger.delete(f"/api/auth/sessions/{session['id']}").refused(404)


class TestPassword:
    def test_changing_it_needs_the_current_one_and_ends_other_sessions(self, world, passenger):
        phone = world.login(passenger.email, PASSWORD)
        change = {"current_password": "wrong one", "new_password": "a new long password"}
        passenger.post("/api/auth/password", change).refused(401, "bad-credentials")
        assert passenger.post("/api/auth/password", {**change, "current_password": PASSWORD}).status == 204
        world.anyone().post("/api/auth/refresh", {"refresh_token": phone.refresh_token}).refused(401)
        world.anyone().post("/api/auth/refresh", {"refresh_token": passenger.refresh_token}).ok()
        world.login(passenger.email, "a new long password")

    def test_a_reset_is_answered_alike_for_known_and_unknown_accounts(self, anyone, passenger):
        known = anyone.post("/api/auth/password-reset", {"email": passenger.email})
        unknown = anyone.post("/api/auth/password-reset", {"email": f"{uuid4().hex}@nobody.example"})
        assert known.ok(202) == unknown.ok(202)

    def test_a_reset_with_an_invented_token_is_refused(self, anyone):
        body = {"token": "x" * 43, "new_password": "a new long password"}
        anyone.post("/api/auth/password-reset/confirm", body).invalid("token")


class TestTokens:
    def test_the_published_keys_verify_the_token(self, anyone, passenger):
        answer = anyone.get("/.well-known/jwks.json")
        keys = {key["kid"]: key for key in answer.ok()["keys"]}
        assert "max-age=300" in answer.headers["Cache-Control"]
        header = jwt.get_unverified_header(passenger.token)
        assert header["alg"] == "EdDSA"
        key = keys[header["kid"]]
        assert key["crv"] == "Ed25519"
        assert "d" not in key
        claims = jwt.decode(
            passenger.token, jwt.PyJWK(key), algorithms=["EdDSA"], audience="banyan", issuer="banyan"
        )
        assert claims["sub"] == passenger.user["id"]
        assert claims["role"] == "passenger"
        assert claims["exp"] - claims["iat"] == 900
        assert {"jti", "sid", "company_id"} <= claims.keys()

    @pytest.mark.parametrize("path", ["/api/auth/me", "/api/bookings", "/api/users/me", "/api/auth/sessions"])
    def test_no_token_and_a_forged_one_are_refused(self, anyone, passenger, path):
        anyone.get(path).refused(401, "token-missing")
        header, payload, signature = passenger.token.split(".")
        forged = ".".join((header, payload, signature[::-1]))
        anyone.with_token(forged).get(path).refused(401, "token-invalid")
        unsigned = jwt.encode(
            jwt.decode(passenger.token, options={"verify_signature": False}), "", algorithm="none"
        )
        anyone.with_token(unsigned).get(path).refused(401, "token-invalid")

    def test_an_expired_token_says_so(self, anyone, expired_token):
        answer = anyone.with_token(expired_token).get("/api/auth/me")
        answer.refused(401, "token-expired")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


class TestAdministration:
    def test_users_are_listed_and_found_by_an_admin_alone(self, world, passenger):
        found = world.admin.get("/api/users", params={"q": passenger.email}).ok()["items"]
        assert [user["id"] for user in found] == [passenger.user["id"]]
        passenger.get("/api/users").refused(403, "wrong-role")

    def test_a_suspended_account_can_neither_log_in_nor_refresh(self, world, passenger):
        suspended = world.admin.patch(f"/api/users/{passenger.user['id']}", {"status": "suspended"}).ok()
        assert suspended["status"] == "suspended"
        credentials = {"email": passenger.email, "password": PASSWORD}
        world.anyone().post("/api/auth/login", credentials).refused(401, "bad-credentials")
        world.anyone().post("/api/auth/refresh", {"refresh_token": passenger.refresh_token}).refused(401)
        world.admin.patch(f"/api/users/{passenger.user['id']}", {"status": "active"}).ok()
        world.login(passenger.email, PASSWORD)

    def test_a_company_role_needs_a_company(self, world, passenger, company):
        world.admin.patch(f"/api/users/{passenger.user['id']}", {"role": "operator"}).invalid("company_id")
        body = {"role": "operator", "company_id": company.id}
        assert world.admin.patch(f"/api/users/{passenger.user['id']}", body).ok()["company_id"] == company.id

    def test_an_operator_makes_staff_of_the_own_company_only(self, world, company, other_company):
        inspector = world.staff(company.operator, company.id, "inspector")
        assert inspector.user["role"] == "inspector"
        assert inspector.user["company_id"] == company.id
        body = {
            "email": f"{uuid4().hex}@staff.example",
            "password": PASSWORD,
            "full_name": "X",
            "role": "driver",
        }
        company.operator.post(f"/api/companies/{other_company.id}/staff", body).refused(404)
        inspector.post(f"/api/companies/{company.id}/staff", body).refused(403, "wrong-role")
        staff = company.operator.get(f"/api/companies/{company.id}/staff", params={"limit": 100}).ok()[
            "items"
        ]
        assert inspector.user["id"] in {user["id"] for user in staff}
