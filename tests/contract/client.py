"""A client of the site as the contract describes it: JSON in, JSON or a problem out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import requests
import requests.cookies

TIMEOUT_S = 30


@dataclass(frozen=True)
class Answer:
    """A response, with the questions that tests ask of it."""

    response: requests.Response

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> Any:
        return self.response.headers

    @property
    def json(self) -> Any:
        return self.response.json()

    @property
    def text(self) -> str:
        return self.response.text

    @property
    def content(self) -> bytes:
        return self.response.content

    def ok(self, status: int = 200) -> Any:
        """The body, if the status is the one expected."""
        assert self.status == status, (
            f"{self.response.request.method} {self.response.url}: {self.status} {self.text[:600]}"
        )
        return self.json if self.headers.get("Content-Type", "").startswith("application/json") else self.text

    def refused(self, status: int, slug: str | None = None) -> Any:
        """The problem, if it is this one and is well formed (RFC 9457)."""
        assert self.status == status, (
            f"{self.response.request.method} {self.response.url}: {self.status} {self.text[:600]}"
        )
        assert self.headers["Content-Type"].startswith("application/problem+json")
        problem = self.json
        assert {"type", "title", "status", "detail", "request_id"} <= problem.keys()
        assert problem["status"] == status
        if slug is not None:
            assert problem["type"] == f"urn:banyan:problem:{slug}", problem
        return problem

    def invalid(self, field_path: str) -> Any:
        """The problem, if it is a 422 that names this field."""
        problem = self.refused(422)
        assert field_path in problem["errors"], problem
        assert all(isinstance(text, str) and text for text in problem["errors"][field_path])
        return problem


@dataclass
class Client:
    """One person at one address of the site."""

    base_url: str
    token: str | None = None
    user: dict[str, Any] = field(default_factory=dict)
    email: str = ""
    password: str = ""
    refresh_token: str = ""
    cookies: requests.cookies.RequestsCookieJar = field(default_factory=requests.cookies.RequestsCookieJar)

    def call(self, method: str, path: str, **options: Any) -> Answer:
        headers = {
            **({"Authorization": f"Bearer {self.token}"} if self.token else {}),
            **options.pop("headers", {}),
        }
        options.setdefault("timeout", TIMEOUT_S)
        options.setdefault("allow_redirects", False)
        response = requests.request(
            method, self.base_url + path, headers=headers, cookies=self.cookies, **options
        )
        requests.cookies.extract_cookies_to_jar(self.cookies, response.request, response.raw)  # deletions too
        return Answer(response)

    def get(self, path: str, **options: Any) -> Answer:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> Answer:
        return self.call("POST", path, json={} if json is None and "data" not in options else json, **options)

    def patch(self, path: str, json: Any, **options: Any) -> Answer:
        return self.call("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.call("DELETE", path, **options)

    def with_token(self, token: str | None) -> Client:
        """Somebody else at the same address."""
        return Client(self.base_url, token)


def new_key() -> dict[str, str]:
    """A fresh Idempotency-Key header."""
    return {"Idempotency-Key": str(uuid4())}
