"""Configuration from environment variables, all faults reported at once.

A deployable has one frozen dataclass with ``from_env(env)`` that reads each field through a `ConfigReader`
and ends with ``done()``. This module never looks at ``os.environ`` itself: only a ``__main__`` does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

_T = TypeVar("_T")

PREFIX: Final = "BANYAN_"
SCHEMES: Final = (
    "http",
    "https",
    "postgresql",
    "postgres",
    "redis",
    "rediss",
    "unix",
    "file",
    "smtp",
    "smtps",
)
_EXAMPLES: Final = {
    "DATABASE_URL": "postgresql://name:password@localhost/db_name",
    "REDIS_URL": "redis://localhost:6379/0",
    "MAIL_URL": "smtp://localhost:25",
    "PUBLIC_URL": "http://localhost:8080",
}
_TRUE: Final = frozenset({"1", "true", "yes", "on"})
_FALSE: Final = frozenset({"0", "false", "no", "off"})


class _Required:
    """The default that means: there is none."""


_REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True)
class Fault:
    """One variable that is missing or cannot be used."""

    variable: str
    reason: str
    example: str

    def __str__(self) -> str:
        return f"{self.variable}: {self.reason}" + (f" (for example {self.example})" if self.example else "")


class ConfigError(Exception):
    """Some variables of the environment are missing or cannot be used."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        count = "1 variable" if len(faults) == 1 else f"{len(faults)} variables"
        super().__init__("\n".join([f"The environment has {count} to correct:", *(f"  {f}" for f in faults)]))


class ConfigReader:
    """Reads named variables and collects what is wrong with them until `done`.

    A faulty variable yields a harmless placeholder of its type, so that reading goes on to the next one. An
    empty value counts as not set, because that is what ``NAME=`` in a compose file or a shell means.
    """

    def __init__(self, env: Mapping[str, str], prefix: str = PREFIX) -> None:
        self._env = env
        self._prefix = prefix
        self._faults: list[Fault] = []

    def text(self, name: str, default: str | _Required = _REQUIRED, *, example: str = "") -> str:
        value = self._raw(name)
        if value is not None:
            return value
        return self._default(name, default, "", example)

    def secret(self, name: str, *, min_length: int = 16) -> str:
        """A value that has no default anywhere; too short a one is refused without being repeated."""
        example = f"the output of: openssl rand -hex {max(min_length, 32)}"
        value = self._raw(name)
        if value is None:
            return self._fault(name, "is missing, and a secret has no default", example, "")
        if len(value) < min_length:
            return self._fault(
                name, f"has {len(value)} characters; at least {min_length} are needed", example, ""
            )
        return value

    def secrets(self, name: str, *, min_length: int = 16) -> tuple[str, ...]:
        """A comma separated list of secrets, as during a rotation; at least one."""
        values = tuple(part.strip() for part in (self._raw(name) or "").split(",") if part.strip())
        example = f"the output of: openssl rand -hex {max(min_length, 32)}"
        if not values:
            return self._fault(name, "is missing, and a secret has no default", example, ())
        if any(len(value) < min_length for value in values):
            return self._fault(name, f"has an entry of fewer than {min_length} characters", example, ())
        return values

    def integer(
        self,
        name: str,
        default: int | _Required = _REQUIRED,
        minimum: int | None = None,
        maximum: int | None = None,
    ) -> int:
        example = str(next((n for n in (default, minimum, maximum) if isinstance(n, int)), 1))
        value = self._raw(name)
        if value is None:
            return self._default(name, default, 0, example)
        try:
            number = int(value)
        except ValueError:
            return self._fault(name, f"{value!r} is not a whole number", example, 0)
        if minimum is not None and number < minimum:
            return self._fault(name, f"{number} is below {minimum}", example, 0)
        if maximum is not None and number > maximum:
            return self._fault(name, f"{number} is above {maximum}", example, 0)
        return number

    def url(
        self,
        name: str,
        default: str | _Required = _REQUIRED,
        *,
        schemes: tuple[str, ...] = SCHEMES,
        example: str = "",
    ) -> str:
        """An absolute URL of one of the schemes, without a slash at its end."""
        example = example or _EXAMPLES.get(name) or f"{schemes[0]}://localhost"
        value = self._raw(name)
        if value is None:
            return self._default(name, default, "", example)
        return self._checked_url(name, value, schemes, example)

    def urls(
        self,
        name: str,
        default: tuple[str, ...] | _Required = _REQUIRED,
        *,
        schemes: tuple[str, ...] = SCHEMES,
        example: str = "",
    ) -> tuple[str, ...]:
        """A comma separated list of absolute URLs."""
        example = example or _EXAMPLES.get(name) or f"{schemes[0]}://localhost"
        value = self._raw(name)
        if value is None:
            return self._default(name, default, (), example)
        parts = [part.strip() for part in value.split(",") if part.strip()]
        return tuple(self._checked_url(name, part, schemes, example) for part in parts)

    def path(
        self, name: str, default: Path | str | _Required = _REQUIRED, *, must_exist: bool = False
    ) -> Path:
        example = "/etc/banyan/" + name.lower().removesuffix("_file")
        value = self._raw(name)
        if value is not None:
            path = Path(value)
        elif isinstance(default, _Required):
            return self._fault(name, "is missing", example, Path())
        else:
            path = Path(default)
        if must_exist and path != Path() and not path.exists():
            return self._fault(name, f"{path} does not exist", example, path)
        return path

    def choice(self, name: str, choices: tuple[str, ...], default: str | _Required = _REQUIRED) -> str:
        value = self._raw(name)
        if value is None:
            return self._default(name, default, choices[0], choices[0])
        if value not in choices:
            return self._fault(name, f"{value!r} is none of {', '.join(choices)}", choices[0], choices[0])
        return value

    def list(self, name: str, default: tuple[str, ...] | _Required = _REQUIRED) -> tuple[str, ...]:
        """Comma separated texts; empty entries are dropped."""
        value = self._raw(name)
        if value is None:
            return self._default(name, default, (), "one,two")
        return tuple(part.strip() for part in value.split(",") if part.strip())

    def flag(self, name: str, default: bool | _Required = _REQUIRED) -> bool:
        value = self._raw(name)
        if value is None:
            return self._default(name, default, False, "true")
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
        return self._fault(name, f"{value!r} is neither true nor false", "true", False)

    def done(self) -> None:
        """Raise `ConfigError` with every fault met so far, if there is one."""
        if self._faults:
            raise ConfigError(self._faults)

    def _raw(self, name: str) -> str | None:
        return self._env.get(self._prefix + name, "").strip() or None

    def _default(self, name: str, default: _T | _Required, placeholder: _T, example: str) -> _T:
        if isinstance(default, _Required):
            return self._fault(name, "is missing", example, placeholder)
        return default

    def _fault(self, name: str, reason: str, example: str, placeholder: _T) -> _T:
        self._faults.append(Fault(self._prefix + name, reason, example))
        return placeholder

    def _checked_url(self, name: str, value: str, schemes: tuple[str, ...], example: str) -> str:
        try:
            parts = urlsplit(value)
            usable = parts.scheme in schemes and (
                bool(parts.netloc) or parts.scheme in {"file", "unix"} or "?" in value
            )
            _ = parts.port
        except ValueError:
            usable = False
        if not usable:
            wanted = (
                "" if schemes is SCHEMES else " that starts with " + " or ".join(f"{s}://" for s in schemes)
            )
            return self._fault(name, f"is not a URL{wanted}", example, "")
        return value.rstrip("/") if parts.scheme in {"http", "https"} else value
