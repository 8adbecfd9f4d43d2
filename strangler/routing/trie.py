"""Finding a route's number by method and path, in time that does not grow with the number of routes. No I/O.

A path is taken apart at its slashes and walked down, one dictionary per segment and never back: the cost is
the path's depth, for ten routes as for ten thousand. It answers for any bytes whatever; what it does not
know is None.

Rules, which are those of the applications behind it:
- Percent-encoding is undone before the comparison, but for %2F and %25: `/api/%75sers` is `/api/users`,
  while an encoded slash stays inside its segment. Doing it twice changes nothing.
- A slash at the end counts: `/api/users/` is not `/api/users`. So does a doubled one: no parameter is empty.
- Case counts, in paths and in methods. HEAD is looked up as GET.
- A literal segment wins over `{id}.pdf`, a longer ending over a shorter one, that over `{id}`; further left
  decides first.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

_ENCODED: Final = re.compile(rb"%(?!2[fF5])[0-9A-Fa-f]{2}")
_METHOD: Final = re.compile(r"[A-Z]{3,16}")
_LITERAL: Final = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
_PARAMETER: Final = re.compile(r"\{([a-z][a-z0-9_]*)\}([A-Za-z0-9._~!$&'()*+,;=:@-]*)")


class BadTemplate(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """A method or path template that cannot be matched."""


class SameShape(ValueError):  # ruff: ignore[error-suffix-on-exception-name] — it names the fact
    """Two templates that match the same paths; `other` is the number of the earlier one."""

    def __init__(self, other: int) -> None:
        self.other = other
        super().__init__(f"matches the same paths as route {other}")


class _Node:
    """A place in the tree of templates as they were declared."""

    __slots__ = ("any", "endings", "leaf", "literals")

    def __init__(self) -> None:
        self.leaf: int | None = None
        self.literals: dict[bytes, _Node] = {}
        self.endings: dict[bytes, _Node] = {}
        self.any: _Node | None = None

    def step(self, literal: bytes | None, ending: bytes) -> "_Node":
        if literal is not None:
            return self.literals.setdefault(literal, _Node())
        if ending:
            return self.endings.setdefault(ending, _Node())
        if self.any is None:
            self.any = _Node()
        return self.any


class _State:
    """All places that the segments so far can have led to, so that one walk without a way back is enough."""

    __slots__ = ("endings", "leaf", "literals", "other")

    def __init__(self, leaf: int | None) -> None:
        self.leaf = leaf
        self.literals: dict[bytes, _State] = {}
        self.endings: tuple[tuple[bytes, _State], ...] = ()
        """Longest first: a segment that has it has all shorter ones that it ends with as well."""
        self.other: _State | None = None


class _Branch(NamedTuple):
    """The routes of one method. `whole` are paths without a parameter, which win anyway: a single look-up."""

    root: _State
    whole: dict[bytes, int]
    depth: int


class Templates:
    """Collects templates, and refuses what could not be told apart."""

    def __init__(self) -> None:
        self._roots: dict[str, _Node] = {}
        self._paths: dict[str, list[tuple[list[tuple[bytes | None, bytes]], int]]] = {}

    def add(self, method: str, template: str, number: int) -> None:
        """Raises `BadTemplate`, or `SameShape` if the paths it matches are another's already."""
        if _METHOD.fullmatch(method) is None:
            raise BadTemplate(f"{method!r} is not a method in capital letters")
        if method == "HEAD":
            raise BadTemplate("HEAD follows GET and is not declared")
        parts = read_template(template)
        node = self._roots.setdefault(method, _Node())
        for literal, ending in parts:
            node = node.step(literal, ending)
        if node.leaf is not None:
            raise SameShape(node.leaf)
        node.leaf = number
        self._paths.setdefault(method, []).append((parts, number))

    def compiled(self) -> "Trie":
        branches = {}
        for method, paths in self._paths.items():
            whole = {
                b"/" + b"/".join(literal or b"" for literal, _ in parts): number
                for parts, number in paths
                if all(literal is not None for literal, _ in parts)
            }
            root = _compile((self._roots[method],), {})
            branches[method.encode()] = _Branch(root, whole, max(len(parts) for parts, _ in paths))
        if b"GET" in branches:
            branches[b"HEAD"] = branches[b"GET"]
        return Trie(branches)


class Trie:
    """Numbers of routes by method and path."""

    __slots__ = ("_branches",)

    def __init__(self, branches: dict[bytes, _Branch]) -> None:
        self._branches = branches

    def find(self, method: bytes, path: bytes) -> int | None:
        """The number of the route that a path (without its query) belongs to."""
        branch = self._branches.get(method)
        if branch is None:
            return None
        if b"%" in path:
            path = plain(path)
        number = branch.whole.get(path)
        if number is not None:
            return number
        segments = path.split(b"/", branch.depth + 1)
        if segments[0] or len(segments) > branch.depth + 1:
            return None
        del segments[0]
        state = branch.root
        for segment in segments:
            child = state.literals.get(segment)
            if child is None:
                child = state.other
                if state.endings:
                    child = _by_ending(state.endings, segment) or child
                if child is None or not segment:
                    return None
            state = child
        return state.leaf


def _by_ending(endings: tuple[tuple[bytes, _State], ...], segment: bytes) -> _State | None:
    for ending, state in endings:
        if segment.endswith(ending) and len(segment) > len(ending):
            return state
    return None


def _compile(nodes: tuple[_Node, ...], known: dict[tuple[_Node, ...], _State]) -> _State:
    """The state of some places, best first: what a walk with a way back would try in this order."""
    state = known.get(nodes)
    if state is not None:
        return state
    leaf = next((node.leaf for node in nodes if node.leaf is not None), None)
    state = known[nodes] = _State(leaf)
    endings = sorted({ending for node in nodes for ending in node.endings}, key=lambda e: (-len(e), e))
    for literal in {literal for node in nodes for literal in node.literals}:
        state.literals[literal] = _compile(_after(nodes, literal), known)
    state.endings = tuple((ending, _compile(_after(nodes, b"\0" + ending), known)) for ending in endings)
    others = tuple(node.any for node in nodes if node.any is not None)
    state.other = _compile(others, known) if others else None
    return state


def _after(nodes: tuple[_Node, ...], segment: bytes) -> tuple[_Node, ...]:
    """Where a segment leads from some places: to its literal, to what it ends with, to a bare parameter."""
    places: list[_Node] = []
    for node in nodes:
        if segment in node.literals:
            places.append(node.literals[segment])
        if not segment:
            continue
        fitting = [e for e in node.endings if segment.endswith(e) and len(segment) > len(e)]
        places += [node.endings[ending] for ending in sorted(fitting, key=len, reverse=True)]
        if node.any is not None:
            places.append(node.any)
    return tuple(places)


def plain(path: bytes) -> bytes:
    """The path with its percent-encoding undone, but for %2F and %25."""
    return _ENCODED.sub(lambda encoded: unquote_to_bytes(encoded[0]), path)


def read_template(template: str) -> list[tuple[bytes | None, bytes]]:
    """A template's segments: (literal, b"") or, for a parameter, (None, its ending). Raises `BadTemplate`."""
    if not template.startswith("/"):
        raise BadTemplate(f"the path template {template!r} does not start with /")
    parts: list[tuple[bytes | None, bytes]] = []
    names: set[str] = set()
    segments = template[1:].split("/")
    for place, segment in enumerate(segments):
        if not segment and place < len(segments) - 1:
            raise BadTemplate(f"{template} has an empty segment")
        if not segment or _LITERAL.fullmatch(segment):
            if segment in {".", ".."}:
                raise BadTemplate(f"{template} has a dot segment")
            parts.append((segment.encode(), b""))
            continue
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            raise BadTemplate(
                f"{segment!r} in {template} is neither literal nor {{name}} with or without an ending"
            )
        name, ending = parameter.groups()
        if name in names:
            raise BadTemplate(f"{{{name}}} stands twice in {template}")
        names.add(name)
        parts.append((None, ending.encode()))
    return parts


def build_trie(routes: Iterable[tuple[str, str]]) -> Trie:
    """A trie of (method, template) pairs, numbered from 0."""
    templates = Templates()
    for number, (method, template) in enumerate(routes):
        templates.add(method, template, number)
    return templates.compiled()
