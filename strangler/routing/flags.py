"""What a flag can say, and what it must not: the JSON in Redis, checked key by key. No I/O.

    {"mode": "split", "percent": 12.5, "sticky": "user", "cohort": {"roles": ["admin"]}, "shadow": 1}

`legacy` and `service` mean everybody, without exception: a flag set back to legacy leaves no tester behind.
The share and the cohort count in `split` alone, and are kept meanwhile.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Final, Literal, TypeAlias, get_args

import orjson

Side: TypeAlias = Literal["legacy", "service"]
Mode: TypeAlias = Literal["legacy", "service", "split"]
Sticky: TypeAlias = Literal["user", "client", "none"]

WHOLE: Final = 10_000
"""All of it, in hundredths of a percent: a share has two decimals."""
_LONGEST_TEXT: Final = 200
_LARGEST_COHORT: Final = 1_000
_EXAMPLE: Final = '{"mode": "split", "percent": 12.5, "sticky": "user"}'


class FlagError(ValueError):
    """A flag says what it cannot: at which key, why, and what would be right."""

    def __init__(self, key: str, reason: str, example: str) -> None:
        self.key = key
        self.reason = reason
        self.example = example
        super().__init__(f"{key}: {reason} (for example {example})")


@dataclass(frozen=True, slots=True)
class Cohort:
    """Who is on the service whatever the share:

    Testers, one company, one role. `header` is what `Banyan-Cohort` says.
    """

    users: frozenset[str] = frozenset()
    companies: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    header: str | None = None

    def __bool__(self) -> bool:
        return bool(self.users or self.companies or self.roles or self.header)


@dataclass(frozen=True, slots=True)
class Guard:
    """Limits at which a route is to go back by itself; None is no limit."""

    errors_percent: float | None = None
    p99_ms: float | None = None
    parity_percent: float | None = None
    window_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Flag:
    """One route's flag. `share` and `shadow` are in hundredths of a percent."""

    mode: Mode = "legacy"
    share: int = 0
    sticky: Sticky = "user"
    cohort: Cohort = field(default_factory=Cohort)
    shadow: int = 0
    guard: Guard | None = None

    @property
    def fixed(self) -> Side | None:
        """The side, if it is the same for everybody."""
        if self.mode != "split":
            return self.mode
        if self.share == WHOLE:
            return "service"
        return "legacy" if self.share == 0 and not self.cohort else None

    def __str__(self) -> str:
        """In a few words, for people."""
        if self.mode != "split":
            return self.mode
        return f"split {percent_text(self.share)}" + (" + cohort" if self.cohort else "")


LEGACY: Final = Flag()
"""What a route without a flag does."""


def percent_text(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole}" + (f".{rest:02d}".rstrip("0") if rest else "") + " %"


def read_flag(raw: bytes | str) -> Flag:
    """A flag from its JSON. Raises `FlagError`."""
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise FlagError("flag", f"is not JSON: {error}", _EXAMPLE) from None
    return parse_flag(value)


def parse_flag(value: Any) -> Flag:
    """A flag from its parsed JSON; nothing unknown is let through. Raises `FlagError`."""
    body = _object("flag", value, ("mode", "percent", "sticky", "cohort", "shadow", "guard"), _EXAMPLE)
    if "mode" not in body:
        raise FlagError("mode", "is missing", '"split"')
    mode: Mode = _choice("mode", body["mode"], get_args(Mode))
    cohort = _parse_cohort(body["cohort"]) if body.get("cohort") is not None else Cohort()
    if mode == "split" and "percent" not in body and not cohort:
        raise FlagError("percent", "is missing, and there is no cohort: what should be split?", "12.5")
    return Flag(
        mode=mode,
        share=parse_percent("percent", body.get("percent", 0)),
        sticky=_choice("sticky", body.get("sticky", "user"), get_args(Sticky)),
        cohort=cohort,
        shadow=parse_percent("shadow", body.get("shadow", 0)),
        guard=_parse_guard(body["guard"]) if body.get("guard") is not None else None,
    )


def parse_percent(key: str, value: Any) -> int:
    """0 to 100 with two decimals at most, as hundredths. Raises `FlagError`."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise FlagError(key, f"{value!r} is not a number", "12.5")
    if not 0 <= value <= 100:
        raise FlagError(key, f"{value} is not between 0 and 100", "12.5")
    hundredths = Decimal(repr(value)) * 100
    if hundredths != hundredths.to_integral_value():
        raise FlagError(key, f"{value} has more than two decimals", "0.25")
    return int(hundredths)


def flag_document(flag: Flag) -> dict[str, Any]:
    """The flag as its JSON has it; `parse_flag` of it is the flag again."""
    document: dict[str, Any] = {"mode": flag.mode, "percent": _number(flag.share), "sticky": flag.sticky}
    if flag.cohort:
        cohort = flag.cohort
        sets = {"users": cohort.users, "companies": cohort.companies, "roles": cohort.roles}
        document["cohort"] = {name: sorted(members) for name, members in sets.items() if members}
        if cohort.header:
            document["cohort"]["header"] = cohort.header
    if flag.shadow:
        document["shadow"] = _number(flag.shadow)
    if flag.guard is not None:
        limits = ("errors_percent", "p99_ms", "parity_percent", "window_s")
        document["guard"] = {
            name: getattr(flag.guard, name) for name in limits if getattr(flag.guard, name) is not None
        }
    return document


def dump_flag(flag: Flag) -> bytes:
    return orjson.dumps(flag_document(flag))


def _number(hundredths: int) -> int | float:
    return hundredths // 100 if hundredths % 100 == 0 else hundredths / 100


def _parse_cohort(value: Any) -> Cohort:
    example = '{"users": ["0197…"], "companies": [], "roles": ["admin"], "header": "testers"}'
    body = _object("cohort", value, ("users", "companies", "roles", "header"), example)
    header = body.get("header")
    if header is not None and not _is_text(header):
        raise FlagError("cohort.header", f"{header!r} is not a short text", '"testers"')
    if header is not None and (not header.isascii() or not header.isprintable() or header != header.strip()):
        raise FlagError(
            "cohort.header", f"{header!r} cannot be a header's value as it is written", '"testers"'
        )
    return Cohort(
        users=_texts("cohort.users", body.get("users", []), '["0197a2c4-…"]'),
        companies=_texts("cohort.companies", body.get("companies", []), '["0197a2c4-…"]'),
        roles=_texts("cohort.roles", body.get("roles", []), '["admin"]'),
        header=header,
    )


def _parse_guard(value: Any) -> Guard:
    example = '{"errors_percent": 1, "p99_ms": 250, "window_s": 60}'
    body = _object("guard", value, ("errors_percent", "p99_ms", "parity_percent", "window_s"), example)
    highest = {"errors_percent": 100.0, "p99_ms": 3_600_000.0, "parity_percent": 100.0, "window_s": 86_400.0}
    for name, limit in body.items():
        if (
            isinstance(limit, bool)
            or not isinstance(limit, (int, float))
            or not 0 <= limit <= highest[name]
            or (limit == 0 and name in {"p99_ms", "window_s"})
        ):
            raise FlagError(f"guard.{name}", f"{limit!r} is not a number up to {highest[name]:g}", example)
    if not body.keys() - {"window_s"}:
        raise FlagError("guard", "sets no limit", example)
    return Guard(**{name: float(limit) for name, limit in body.items()})


def _object(key: str, value: Any, known: tuple[str, ...], example: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise FlagError(key, f"{_short(value)} is not an object", example)
    for name in value:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else f"; there are {', '.join(known)}"
            place = _short(name)[1:-1] or "''"
            raise FlagError(place if key == "flag" else f"{key}.{place}", "means nothing" + meant, example)
    return value


def _choice(key: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise FlagError(key, f"{_short(value)} is none of {', '.join(choices)}", f'"{choices[-1]}"')
    return value


def _texts(key: str, value: Any, example: str) -> frozenset[str]:
    if not isinstance(value, list) or not all(_is_text(text) for text in value):
        raise FlagError(key, f"{_short(value)} is not a list of short texts", example)
    if len(value) > _LARGEST_COHORT:
        raise FlagError(
            key, f"has {len(value)} members; {_LARGEST_COHORT} is the most, beyond that use percent", example
        )
    return frozenset(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_TEXT


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
