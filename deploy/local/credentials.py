"""The stack's own passwords, made at the first start and kept in one file that only its user may read."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from deploy.local.refusals import CannotStart

if TYPE_CHECKING:
    from pathlib import Path

    from deploy.local.folders import Folders


@dataclass(frozen=True, slots=True)
class Credentials:
    """`roles` has a password for each database role."""

    postgres: str
    redis: str
    secret_key: str
    webhook_secret: str
    roles: dict[str, str]

    @property
    def known(self) -> tuple[str, ...]:
        return (self.postgres, self.redis, self.secret_key, self.webhook_secret, *self.roles.values())


def load_credentials(folders: Folders, roles: tuple[str, ...]) -> Credentials:
    """Read them, or make them; a role that came with a newer version gets its password now."""
    path = folders.secrets / "passwords.json"
    found: dict[str, str] = {}
    found_roles: dict[str, str] = {}
    if path.exists():
        try:
            read = json.loads(path.read_text(encoding="utf-8"))
            found_roles = dict(read.pop("roles"))
            found = {name: str(value) for name, value in read.items()}
        except (OSError, ValueError, KeyError, AttributeError) as error:
            raise CannotStart(
                f"{path} cannot be read ({error}). It holds the passwords of this stack's databases; "
                "restore it, or "
                "start over with `make clean`, which deletes the local data too."
            ) from error
    elif (folders.data / "postgres" / "PG_VERSION").exists():
        raise CannotStart(
            f"There is a database under {folders.data} but its passwords, {path}, are gone. Restore that "
            "file, or "
            "start over with `make clean`, which deletes the local data."
        )
    names = ("postgres", "redis", "secret_key", "webhook_secret")
    credentials = Credentials(
        **{name: found.get(name) or secrets.token_hex(24) for name in names},
        roles={role: found_roles.get(role) or secrets.token_hex(24) for role in roles},
    )
    if found != {name: getattr(credentials, name) for name in names} or found_roles != credentials.roles:
        write_private(path, json.dumps(asdict(credentials), indent=1))
    return credentials


def write_private(path: Path, text: str) -> None:
    """Readable by this user alone from its first byte on, and never half-written."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    aside.replace(path)
