"""Reading `routes.toml`: every entry checked, every fault named with its line, before anything starts.

Nothing here touches a file.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, Literal, TypeAlias

from strangler.routing.trie import BadTemplate, SameShape, Templates, Trie

Access: TypeAlias = Literal["read", "write"]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_SIZE: Final = re.compile(r"([1-9][0-9]*) ?(B|KiB|MiB|GiB)")
_UNITS: Final = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_DEFAULTS: Final = frozenset({"timeout_s", "max_body"})
_DOMAIN: Final = frozenset({"service", "groups", "routes", "home"})
_ENTRY: Final = frozenset({"route", "read", "write", "timeout_s", "max_body"})
_TIMEOUT_S: Final = 30.0
_MAX_BODY: Final = 1 << 20
_LONGEST_TIMEOUT_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Route:
    """One declared route. `max_body` is in bytes; `index` is its number in the table."""

    method: str
    template: str
    domain: str
    access: Access
    group: str | None
    depends: tuple[str, ...]
    timeout_s: float
    max_body: int
    index: int

    @property
    def name(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True, slots=True)
class Domain:
    name: str
    service: str
    groups: tuple[str, ...]
    is_home: bool = False
    """Unknown paths go here where there is no legacy any more."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """What a file says. Not to be used if it has faults."""

    routes: tuple[Route, ...]
    domains: Mapping[str, Domain]
    groups: Mapping[str, str]
    trie: Trie
    faults: tuple[str, ...]


def read_declarations(source: str, document: Mapping[str, Any]) -> Declarations:
    """Check a parsed file; `source` is its text, for the numbers of lines."""
    return _Reader(source).read(document)


class _Reader:
    """Goes through the whole document and notes what is wrong with it."""

    def __init__(self, source: str) -> None:
        self._faults: list[str] = []
        self._lines = source.splitlines()
        self._seen: dict[str, int] = {}
        self._timeout_s = _TIMEOUT_S
        self._max_body = _MAX_BODY
        self._routes: list[Route] = []
        self._templates = Templates()

    def read(self, document: Mapping[str, Any]) -> Declarations:
        self._refuse_unknown("the file", document, frozenset({"defaults", "domains"}))
        self._read_defaults(document.get("defaults", {}))
        domains = document.get("domains")
        if not isinstance(domains, dict) or not domains:
            self._faults.append("[domains]: there is none")
            domains = {}
        found = {name: self._read_domain(name, body) for name, body in domains.items()}
        homes = [domain.name for domain in found.values() if domain.is_home]
        if len(homes) > 1:
            self._faults.append(f"[domains]: there is one home, and not {', '.join(homes)}")
        groups: dict[str, str] = {}
        for domain in found.values():
            for group in domain.groups:
                if group in groups:
                    self._faults.append(
                        f"[domains.{domain.name}]: the group {group!r} belongs to {groups[group]} already"
                    )
                groups.setdefault(group, domain.name)
        for name, body in domains.items():
            for entry in _entries(body):
                self._read_entry(found[name], groups, entry)
        trie = self._templates.compiled()
        return Declarations(tuple(self._routes), found, groups, trie, tuple(self._faults))

    def _read_defaults(self, defaults: Any) -> None:
        if not isinstance(defaults, dict):
            self._faults.append("[defaults]: is not a table")
            return
        self._refuse_unknown("[defaults]", defaults, _DEFAULTS)
        self._timeout_s = self._timeout("[defaults]", defaults)
        self._max_body = self._size("[defaults]", defaults)

    def _read_domain(self, name: str, body: Any) -> Domain:
        where = f"[domains.{name}]"
        if _NAME.fullmatch(name) is None or name == "legacy":
            self._faults.append(
                f"{where}: a domain's name has lower-case letters, digits and _, and is not legacy"
            )
        if not isinstance(body, dict):
            self._faults.append(f"{where}: is not a table")
            return Domain(name, name, ())
        self._refuse_unknown(where, body, _DOMAIN)
        service, groups, routes = (
            body.get("service", f"{name}-service"),
            body.get("groups", []),
            body.get("routes"),
        )
        if not isinstance(service, str) or not service:
            self._faults.append(f"{where}: service is not a text")
            service = name
        if not _is_names(groups):
            self._faults.append(f"{where}: groups is not a list of names such as {name!r}")
            groups = []
        if not isinstance(routes, list) or not routes:
            self._faults.append(f"{where}: there are no routes")
        home = body.get("home", False)
        if not isinstance(home, bool):
            self._faults.append(f"{where}: home is neither true nor false")
        return Domain(name, service, tuple(groups), home is True)

    def _read_entry(self, domain: Domain, groups: Mapping[str, str], entry: Any) -> None:
        if not isinstance(entry, dict) or not isinstance(entry.get("route"), str):
            self._faults.append(
                f'[domains.{domain.name}]: {entry!r} does not say route = "METHOD /path/template"'
            )
            return
        method, _, template = entry["route"].partition(" ")
        where = self._place(entry["route"])
        self._refuse_unknown(where, entry, _ENTRY)
        access, group, depends = self._read_access(where, domain, groups, entry)
        route = Route(
            method=method,
            template=template,
            domain=domain.name,
            access=access,
            group=group,
            depends=depends,
            timeout_s=self._timeout(where, entry),
            max_body=self._size(where, entry),
            index=len(self._routes),
        )
        try:
            self._templates.add(method, template, route.index)
        except BadTemplate as error:
            self._faults.append(f"{where}: {error}")
        except SameShape as same:
            other = self._routes[same.other].name
            reason = "is declared already" if other == route.name else f'matches the same paths as "{other}"'
            self._faults.append(f"{where}: {reason}")
        self._routes.append(route)

    def _read_access(
        self, where: str, domain: Domain, groups: Mapping[str, str], entry: dict[str, Any]
    ) -> tuple[Access, str | None, tuple[str, ...]]:
        if ("read" in entry) == ("write" in entry):
            self._faults.append(
                f'{where}: says {"both" if "read" in entry else "neither"} read = ["group", …] '
                f'{"and" if "read" in entry else "nor"} write = "group"'
            )
            return "read", None, ()
        if "write" in entry:
            group = entry["write"]
            if not isinstance(group, str) or not group:
                self._faults.append(f"{where}: it writes but names no group, as in {_example(domain)}")
            elif group not in groups:
                self._faults.append(
                    f"{where}: there is no group {group!r}{_likely(group, groups)}; {domain.name} has "
                    + (", ".join(domain.groups) or "none")
                )
            elif groups[group] != domain.name:
                self._faults.append(
                    f"{where}: the group {group!r} is written by {groups[group]}, not by {domain.name}"
                )
            return "write", group if isinstance(group, str) else None, ()
        depends = entry["read"]
        if not _is_names(depends):
            self._faults.append(f"{where}: read is not a list of groups, each once")
            return "read", None, ()
        for group in depends:
            if group not in groups:
                self._faults.append(f"{where}: there is no group {group!r}{_likely(group, groups)}")
        return "read", None, tuple(depends)

    def _timeout(self, where: str, body: dict[str, Any]) -> float:
        value = body.get("timeout_s", self._timeout_s)
        if (
            isinstance(value, bool)
            or not isinstance(value, (int, float))
            or not 0 < value <= _LONGEST_TIMEOUT_S
        ):
            self._faults.append(
                f"{where}: timeout_s = {value!r} is not a number of seconds from 0 to {_LONGEST_TIMEOUT_S}"
            )
            return self._timeout_s
        return float(value)

    def _size(self, where: str, body: dict[str, Any]) -> int:
        if "max_body" not in body:
            return self._max_body
        value = body["max_body"]
        match = _SIZE.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            self._faults.append(f'{where}: max_body = {value!r} is not a size such as "20 MiB"')
            return self._max_body
        return int(match[1]) * _UNITS[match[2]]

    def _refuse_unknown(self, where: str, body: Mapping[str, Any], known: frozenset[str]) -> None:
        for key in body:
            if key not in known:
                self._faults.append(f"{where}: {key!r} means nothing here{_likely(key, known)}")

    def _place(self, name: str) -> str:
        """Where an entry stands: the parser keeps no lines, so its name's nth quotation is looked for."""
        self._seen[name] = nth = self._seen.get(name, 0) + 1
        for number, line in enumerate(self._lines, start=1):
            nth -= f'"{name}"' in line
            if nth == 0:
                return f'line {number}, "{name}"'
        return f'"{name}"'


def _entries(body: Any) -> Iterator[Any]:
    routes = body.get("routes") if isinstance(body, dict) else None
    return iter(routes if isinstance(routes, list) else ())


def _is_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) and _NAME.fullmatch(name) for name in value)
        and len(set(value)) == len(value)
    )


def _likely(word: str, known: Mapping[str, str] | frozenset[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def _example(domain: Domain) -> str:
    return f'write = "{domain.groups[0] if domain.groups else domain.name}"'
