"""Where the databases are, as the environment says: BANYAN_DATABASE_URL_<OWNER> for each that there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from common.config import ConfigError, ConfigReader, Fault
from deploy.demo.sides import LEGACY, SERVICES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Choice: TypeAlias = Literal["legacy", "service", "both"]
PREFIX: Final = "DATABASE_URL_"


class Settings(NamedTuple):
    databases: dict[str, str]
    qr_keys_file: Path


def variable_of(owner: str) -> str:
    """Which variable names the database of legacy or of a service."""
    return f"BANYAN_{PREFIX}{owner.upper()}"


def settings_of(env: Mapping[str, str], side: Choice) -> Settings:
    """The databases of a side, or of all sides that there are; raises ConfigError."""
    chosen = {"legacy": (LEGACY,), "service": SERVICES, "both": (LEGACY, *SERVICES)}[side]
    there = [owner for owner in chosen if env.get(variable_of(owner))]
    missing = [owner for owner in chosen if owner not in there]
    without_a_side = side == "both" and set(missing) in ({LEGACY}, set(SERVICES))
    if missing and not without_a_side:
        raise ConfigError([Fault(variable_of(owner), "is not set", "") for owner in missing])
    read = ConfigReader(env)
    databases = {owner: read.url(f"{PREFIX}{owner.upper()}") for owner in there}
    qr_keys_file = read.path("QR_KEYS_FILE")
    read.done()
    return Settings(databases, qr_keys_file)
