"""The whole flag table compiled for the hot path: immutable, and swapped whole.

A flag that cannot be understood never takes its route anywhere new: the route keeps its last good flag, and
the fault is told. A write route has no flag of its own: its side is its group's owner.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias, cast, get_args

import orjson

from strangler.routing.decide import CompiledRoute, compile_route
from strangler.routing.flags import LEGACY, Flag, FlagError, Side, dump_flag, read_flag
from strangler.routing.table import Route, RouteTable

__all__ = [
    "CompiledRoute",
    "FlagTable",
    "Group",
    "Snapshot",
    "Source",
    "compile_snapshot",
    "default_snapshot",
]

Source: TypeAlias = Literal["redis", "disk", "defaults"]


@dataclass(frozen=True, slots=True)
class Group:
    """Who may write a group, and for the how many-th time that was decided."""

    owner: Side = "legacy"
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class FlagTable:
    """The live table as it is stored: JSON by route and by group, not yet checked.

    `lineage` is made with the durable copy: versions are comparable within one lineage only.
    """

    version: int
    lineage: str | None = None
    flags: Mapping[str, bytes] = field(default_factory=dict)
    groups: Mapping[str, bytes] = field(default_factory=dict)


class Snapshot:
    """`alarms` names every flag that could not be used as it is stored."""

    __slots__ = ("_compiled", "_find", "alarms", "groups", "source", "stored", "version")

    def __init__(
        self,
        table: RouteTable,
        compiled: tuple[CompiledRoute, ...],
        groups: Mapping[str, Group],
        stored: FlagTable,
        source: Source,
        alarms: tuple[str, ...],
    ) -> None:
        self._find = table.trie.find
        self._compiled = compiled
        self.groups = groups
        self.stored = stored
        self.version = stored.version
        self.source = source
        self.alarms = alarms

    def match(self, method: bytes, path: bytes) -> CompiledRoute | None:
        """The route of a path without its query string; None is an unknown path, which goes to legacy."""
        index = self._find(method, path)
        return None if index is None else self._compiled[index]

    def of(self, route: Route) -> CompiledRoute:
        return self._compiled[route.index]

    def effective(self) -> FlagTable:
        """The table as it is acted on: with the stand-ins for what is unusable in the stored one."""
        flags = {
            compiled.route.name: dump_flag(compiled.flag)
            for compiled in self._compiled
            if compiled.route.name in self.stored.flags and compiled.route.group is None
        }
        groups = {
            name: dump_group(group) for name, group in self.groups.items() if name in self.stored.groups
        }
        return FlagTable(self.version, self.stored.lineage, flags, groups)


NOTHING_STORED: Final = FlagTable(0)


def default_snapshot(table: RouteTable) -> Snapshot:
    """Everything on legacy: what a strangler does that has never seen a flag."""
    return compile_snapshot(table, NOTHING_STORED, "defaults", None)


def compile_snapshot(
    table: RouteTable, stored: FlagTable, source: Source, previous: Snapshot | None
) -> Snapshot:
    """Compile what is stored; what is unusable in it is taken from the previous snapshot."""
    alarms: list[str] = []
    groups = _read_groups(table, stored.groups, previous, alarms)
    compiled = tuple(_compile(route, stored.flags, groups, previous, alarms) for route in table.routes)
    alarms += [
        f'"{name}" has a flag but is not declared; it is ignored'
        for name in stored.flags
        if name not in table.by_name
    ]
    return Snapshot(table, compiled, groups, stored, source, tuple(alarms))


def _compile(
    route: Route,
    flags: Mapping[str, bytes],
    groups: Mapping[str, Group],
    previous: Snapshot | None,
    alarms: list[str],
) -> CompiledRoute:
    raw = flags.get(route.name)
    if route.group is not None:
        owner = groups.get(route.group, Group()).owner
        compiled = compile_route(route, Flag(mode=owner))
        if raw is not None and _mode_of(raw) != owner:
            alarms.append(f'"{route.name}" writes {route.group}, which {owner} owns; its own flag is ignored')
        return compiled
    if raw is None:
        return compile_route(route, LEGACY)
    try:
        return compile_route(route, read_flag(raw))
    except FlagError as error:
        kept = previous.of(route).flag if previous is not None else LEGACY
        alarms.append(f'"{route.name}" has a flag that cannot be used, {error}; it stays at: {kept}')
        return compile_route(route, kept)


def _read_groups(
    table: RouteTable, stored: Mapping[str, bytes], previous: Snapshot | None, alarms: list[str]
) -> Mapping[str, Group]:
    groups: dict[str, Group] = {}
    for name in table.groups:
        raw = stored.get(name)
        if raw is None:
            groups[name] = Group()
            continue
        group = parse_group(raw)
        if group is None:
            group = previous.groups.get(name, Group()) if previous is not None else Group()
            alarms.append(f"the group {name} has an entry that cannot be used; its owner stays {group.owner}")
        groups[name] = group
    return groups


def parse_group(raw: bytes | str) -> Group | None:
    """`{"owner": "legacy", "epoch": 3}`, or None if it is not that."""
    value = _loads(raw)
    if not isinstance(value, dict):
        return None
    owner, epoch = value.get("owner"), value.get("epoch")
    if isinstance(epoch, bool) or not isinstance(epoch, int) or epoch < 0:
        return None
    return Group(cast("Side", owner), epoch) if owner in get_args(Side) else None


def dump_group(group: Group) -> bytes:
    return orjson.dumps({"owner": group.owner, "epoch": group.epoch})


def _mode_of(raw: bytes) -> Any:
    value = _loads(raw)
    return value.get("mode") if isinstance(value, dict) else None


def _loads(raw: bytes | str) -> Any:
    """The value, or None if it is not JSON."""
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
