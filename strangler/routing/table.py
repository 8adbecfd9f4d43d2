"""The declared routes: what `routes.toml` says, checked as a whole before anything starts.

This is what does not change at run time. Where a route's requests go now is not said here: flags say it.
"""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from strangler.routing.declarations import Access, Domain, Route, read_declarations
from strangler.routing.trie import Trie

__all__ = ["Access", "Domain", "Route", "RouteTable", "RouteTableError", "UnknownRoute", "load_table"]


class RouteTableError(Exception):
    """The file of routes cannot be used; every fault is named."""

    def __init__(self, path: Path, faults: Sequence[str]) -> None:
        self.path = path
        self.faults = tuple(faults)
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        super().__init__("\n".join([f"{path} has {count}:", *(f"  {fault}" for fault in faults)]))


class UnknownRoute(Exception):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """No route of this name is declared; `suggestions` are the likeliest that are."""

    def __init__(self, name: str, suggestions: tuple[str, ...]) -> None:
        self.name = name
        self.suggestions = suggestions
        meant = " or ".join(f'"{suggestion}"' for suggestion in suggestions)
        super().__init__(f'There is no route "{name}".' + (f" Did you mean {meant}?" if meant else ""))


@dataclass(frozen=True, slots=True)
class RouteTable:
    """All routes, in the file's order; `groups` maps a group to its domain."""

    routes: tuple[Route, ...]
    domains: Mapping[str, Domain]
    groups: Mapping[str, str]
    by_name: Mapping[str, Route]
    trie: Trie

    @classmethod
    def load(cls, path: Path) -> "RouteTable":
        return load_table(path)

    def find(self, name: str) -> Route:
        """The route of this name; also by a path that it matches. Raises `UnknownRoute`."""
        method, _, path = " ".join(name.split()).partition(" ")
        method = method.upper()
        route = self.by_name.get(f"{method} {path}")
        if route is not None:
            return route
        suggestions = get_close_matches(f"{method} {path}", self.by_name, n=3, cutoff=0.75)
        index = self.trie.find(method.encode(), path.encode())
        if index is not None:  # `GET /api/trips/0197…/seats`, or another name for the parameter
            matched = self.routes[index].name
            suggestions = [matched, *(other for other in suggestions if other != matched)][:3]
        raise UnknownRoute(name, tuple(suggestions))

    @property
    def home(self) -> str | None:
        """The domain that unknown paths go to where there is no legacy any more."""
        return next((domain.name for domain in self.domains.values() if domain.is_home), None)

    def writers_of(self, group: str) -> tuple[Route, ...]:
        """The routes that write the group: they move together."""
        return tuple(route for route in self.routes if route.group == group)


def load_table(path: Path) -> RouteTable:
    """Read and check the file. Raises `RouteTableError` with all its faults."""
    try:
        source = Path(path).read_text(encoding="utf-8")
        document = tomllib.loads(source)
    except (OSError, UnicodeDecodeError) as error:
        raise RouteTableError(path, [f"it cannot be read: {error}"]) from None
    except tomllib.TOMLDecodeError as error:
        raise RouteTableError(path, [f"it is not TOML: {error}"]) from None
    declared = read_declarations(source, document)
    if declared.faults:
        raise RouteTableError(path, declared.faults)
    by_name = {route.name: route for route in declared.routes}
    return RouteTable(declared.routes, declared.domains, declared.groups, by_name, declared.trie)
