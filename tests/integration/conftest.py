"""What applications make of the same tables, templates and texts is made once per worker, not per test.

Nearly every test here makes an application of its own. Of the time that this takes, three quarters would go
into an OpenAPI document, into texts and into templates that come out the same each time.
"""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import aiohttp_jinja2
import jinja2
import pytest

import legacy.pages
from common import database, openapi, passwords
from common.web import layout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path
    from types import CodeType

    from common.openapi import RouteDoc
    from common.web.i18n import Language, Languages


class CompiledTemplates(jinja2.BytecodeCache):
    """Templates by what is written in them."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Any) -> None:
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Any) -> None:
        self._codes[bucket.key, bucket.checksum] = bucket.code


class Documents:
    """OpenAPI documents by the routes that they tell of, which are constants of their modules."""

    def __init__(self) -> None:
        self._build = openapi.build_document
        self._built: dict[tuple[Any, ...], tuple[list[RouteDoc], dict[str, Any]]] = {}

    def __call__(self, title: str, version: str, docs: Iterable[RouteDoc], **more: str) -> Mapping[str, Any]:
        docs = list(docs)
        key = (title, version, *more.items(), *map(id, docs))
        if key not in self._built:
            self._built[key] = docs, self._build(title, version, docs, **more)
        return self._built[key][1]


class Environments:
    """A service's environments by its folder, with texts and static files that are the folder's as well."""

    def __init__(self) -> None:
        self._make = layout.make_environments
        self._made: dict[Path, dict[str, jinja2.Environment]] = {}

    def __call__(
        self, languages: Iterable[Language], templates: Path, static: Callable[..., str]
    ) -> dict[str, jinja2.Environment]:
        if templates not in self._made:
            self._made[templates] = self._make(languages, templates, static)
        return self._made[templates]


@cache
def _quick() -> passwords.Passwords:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_MEMORY_KIB", 8)
        patch.setattr(passwords, "_ROUNDS", 1)
        return passwords.Passwords()


@pytest.fixture(autouse=True)  # ruff: ignore[pytest-fixture-autouse] — whoever logs in anywhere here
def _quick_passwords(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stretching takes longer than all else that a login does; tests of that very thing are marked."""
    if request.node.get_closest_marker("stretched_passwords") is None:
        monkeypatch.setattr(passwords, "_of_this_process", _quick)


@pytest.fixture(scope="session", autouse=True)  # ruff: ignore[pytest-fixture-autouse] — every application here
def _made_once() -> Iterator[None]:
    read = cache(layout.read_languages)

    def read_languages(folders: Iterable[Path]) -> Languages:
        return read(tuple(folders))

    with pytest.MonkeyPatch.context() as patch:
        setup = partial(aiohttp_jinja2.setup, bytecode_cache=CompiledTemplates())
        patch.setattr(aiohttp_jinja2, "setup", setup)
        patch.setattr(layout, "make_environments", Environments())
        patch.setattr(openapi, "build_document", Documents())
        # Most tests ask one thing after the other; more connections are opened where more is asked at once.
        patch.setattr(database, "pool_ctx", partial(database.pool_ctx, min_size=1))
        patch.setattr(layout, "read_languages", read_languages)
        patch.setattr(legacy.pages, "read_catalogues", cache(legacy.pages.read_catalogues))
        yield
