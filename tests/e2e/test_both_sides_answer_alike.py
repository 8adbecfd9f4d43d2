"""With the same data on both sides every question has one answer, whoever asks and whichever is asked."""

from __future__ import annotations

import asyncio
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pypdf
import pytest
import requests

from deploy.demo import LOGINS, PASSWORD
from deploy.local.folders import CHECKOUT, folders_of
from strangler.routing.table import load_table
from tests import stack as stacks
from tests.e2e.questions import QUESTIONS, somebody_waiting, things_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.stack import RunningStack

ROUTES: Final = {
    route.name: route
    for route in load_table(CHECKOUT / "strangler" / "routes.toml").routes
    if route.method == "GET"
}
_DOCUMENT: Final = "each describes itself: legacy the whole site, a service its part of it"
# What both sides cannot say alike, and why.
NOT_ASKED: Final[Mapping[str, str]] = {
    "GET /api/auth/sessions": "a session is where somebody logged in, and until data can move nowhere else",
    "GET /api/openapi/auth.json": _DOCUMENT,
    "GET /api/openapi/user.json": _DOCUMENT,
    "GET /api/openapi/company.json": _DOCUMENT,
    "GET /api/openapi/ticketing.json": _DOCUMENT,
    "GET /api/openapi/qr.json": _DOCUMENT,
    "GET /api/openapi/payment.json": _DOCUMENT,
}
# Of an answer's members those that are of the moment, or of the request.
OF_THE_MOMENT: Final = frozenset({"request_id", "generated_at"})
TIMEOUT_S: Final = 60


@dataclass(frozen=True, slots=True)
class Sides:
    """A stack with demo data on both sides, the things to ask about, and who may ask: a token by role."""

    stack: RunningStack
    things: Mapping[str, list[str]]
    tokens: Mapping[str, str | None]


@pytest.fixture(scope="module")
def sides(worker_id: str) -> Iterator[Sides]:
    """Every flag is on `service`: what a service asks of another one must not come from legacy."""
    folders = folders_of(stacks.test_folder() / f"alike-{worker_id}")
    stack = stacks.start_stack(folders)
    subprocess.run(
        [sys.executable, "-m", "strangler", "place", "service", "--without-data", "--why", "to compare"],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), **stack.facts["environments"]["strangler"]},
        check=True,
        capture_output=True,
    )
    tokens: dict[str, str | None] = {"anyone": None}
    waiting = asyncio.run(somebody_waiting(stack.dsn("legacy")))
    for role, email, password in [*LOGINS, ("another passenger", waiting, PASSWORD)]:
        answer = requests.post(
            stack.legacy_url + "/api/auth/login",
            json={"email": email, "password": password},
            timeout=TIMEOUT_S,
        )
        tokens[role] = answer.json()["access_token"]
    yield Sides(stack, asyncio.run(things_of(stack.dsn("legacy"))), tokens)
    stacks.stop_stack(folders)
    shutil.rmtree(folders.state, ignore_errors=True)


def test_every_get_route_is_asked_or_said_why_not():
    assert set(ROUTES) == set(QUESTIONS) | set(NOT_ASKED)


@pytest.mark.parametrize("route", QUESTIONS)
def test_both_sides_answer_alike(sides, route):
    legacy, service = sides.stack.legacy_url, sides.stack.service_urls[ROUTES[route].domain]
    unlike = []
    with requests.Session() as session:
        for path in QUESTIONS[route](sides.things):
            for role, token in sides.tokens.items():
                one, other = (_answer(session, side + path, token) for side in (legacy, service))
                if one != other:
                    unlike.append(f"{role} asks {path}: {_first_difference(one, other)}")
    assert unlike == [], f"{len(unlike)} answers differ:\n" + "\n".join(unlike[:10])


def _answer(session: requests.Session, url: str, token: str | None) -> dict[str, Any]:
    """What must be the same: not the words of a page or a print, which a service may put better."""
    headers = {}
    if token is not None:
        headers = {"Authorization": f"Bearer {token}", "Cookie": f"banyan_access={token}"}
    answer = session.get(url, headers=headers, timeout=TIMEOUT_S, allow_redirects=False)
    kind = answer.headers.get("Content-Type", "").partition(";")[0]
    told: dict[str, Any] = {
        "status": answer.status_code,
        "type": kind,
        "location": answer.headers.get("Location"),
    }
    if kind.endswith("json"):
        told["body"] = _without_moment(answer.json())
        told["tag"] = answer.headers.get("ETag")
    elif kind == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as feed:
            told["body"] = {name: feed.read(name).decode() for name in feed.namelist()}
    elif kind == "application/pdf":
        told["pages"] = len(pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    elif kind in {"text/csv", "image/svg+xml"}:
        told["body"] = answer.text
    elif kind == "image/png":
        told["body"] = answer.content
    return told


def _without_moment(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_moment(each) for name, each in value.items() if name not in OF_THE_MOMENT}
    if isinstance(value, list):
        return [_without_moment(each) for each in value]
    return value


def _first_difference(one: Any, other: Any, where: str = "") -> str:
    """Where two answers part, in words."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            if one.get(name) != other.get(name) or (name in one) != (name in other):
                return _first_difference(one.get(name), other.get(name), f"{where}.{name}")
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for nth, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            if mine != theirs:
                return _first_difference(mine, theirs, f"{where}[{nth}]")
    said = [json.dumps(each, ensure_ascii=False, default=repr)[:300] for each in (one, other)]
    return f"{where or 'all of it'} is {said[0]} at legacy and {said[1]} at the service"
