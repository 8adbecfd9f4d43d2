"""The gateway of the stack: nginx with the configuration of `gateway/`, filled in for this machine."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deploy.local import identity
from deploy.local.binaries import Binary, find_nginx
from deploy.local.parts import Command, Daemon
from deploy.local.readiness import by_request
from deploy.local.refusals import CannotStart

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from deploy.local.folders import Folders

_TOKEN: Final = re.compile(r"\$\{(GATEWAY_[A-Z_]+)\}")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one address may do; the defaults leave a developer and a load test alone and stop a guesser."""

    guess_rate: str = "20r/s"
    guess_burst: int = 100
    connections: int = 4000
    largest_body: str = "25m"
    head_within: str = "10s"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Limits:
        default = cls()
        return cls(
            env.get("BANYAN_GATEWAY_GUESS_RATE", default.guess_rate),
            int(env.get("BANYAN_GATEWAY_GUESS_BURST", default.guess_burst)),
            int(env.get("BANYAN_GATEWAY_CONNECTIONS", default.connections)),
            env.get("BANYAN_GATEWAY_LARGEST_BODY", default.largest_body),
            env.get("BANYAN_GATEWAY_HEAD_WITHIN", default.head_within),
        )


@dataclass(frozen=True, slots=True)
class Gateway:
    """nginx, laid out but not started."""

    binary: Binary
    config: Path
    url: str

    def daemon(self, needs: tuple[str, ...]) -> Daemon:
        # -p keeps nginx from looking for a logs folder of its own; -e is where it complains before it has
        # read its configuration.
        argv = (str(self.binary.path), "-p", str(self.config.parent), "-c", str(self.config), "-e", "stderr")
        command = Command(argv, folder=self.config.parent)
        ready = by_request(f"{self.url}/gateway/health")
        return Daemon("gateway", command, ready, needs, f"nginx {self.binary}", ("strangler", "legacy"))


def lay_out(
    folders: Folders, *, hosts: tuple[str, ...], port: int, strangler: str, limits: Limits, tls: str = ""
) -> Gateway:
    """Write nginx.conf; `hosts` are the addresses to listen on, `strangler` is host:port."""
    for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        (folders.gateway / name).mkdir(exist_ok=True)
    listen = [f"listen {f'[{host}]' if ':' in host else host}:{port};" for host in hosts]
    values = {
        "GATEWAY_USER": _user(folders),
        "GATEWAY_WORKERS": str(min(2, os.cpu_count() or 1)),
        "GATEWAY_RUN": _quoted(folders.gateway),
        "GATEWAY_CONF": _quoted(folders.root / "gateway"),
        "GATEWAY_ROOT": _quoted(folders.root),
        "GATEWAY_ACCESS_LOG": _quoted(folders.logs / "gateway-access.log"),
        "GATEWAY_LISTEN": "\n        ".join(listen),
        "GATEWAY_TLS": tls,
        "GATEWAY_STRANGLER": strangler,
        "GATEWAY_GUESS_RATE": limits.guess_rate,
        "GATEWAY_GUESS_BURST": str(limits.guess_burst),
        "GATEWAY_CONNECTIONS": str(limits.connections),
        "GATEWAY_LARGEST_BODY": limits.largest_body,
        "GATEWAY_HEAD_WITHIN": limits.head_within,
    }
    config = folders.gateway / "nginx.conf"
    config.write_text(
        fill_in((folders.root / "gateway" / "nginx.conf.template").read_text(encoding="utf-8"), values),
        encoding="utf-8",
    )
    return Gateway(find_nginx(), config, f"http://{'127.0.0.1' if '127.0.0.1' in hosts else hosts[0]}:{port}")


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """Replace each ${GATEWAY_…}; raises KeyError for one without a value."""
    return _TOKEN.sub(lambda found: values[found[1]], template)


def _user(folders: Folders) -> str:
    """Workers of a root nginx step down to nobody, unless the checkout's files lie where nobody cannot go."""
    if os.getuid() != 0:
        return ""
    uid, gid = identity.lesser_user(folders.root)
    if not identity.can_reach(folders.root, (uid, gid)):
        return "user root root;"
    return f"user {identity.user_name(uid)} {identity.group_name(gid)};"


def _quoted(path: Path) -> str:
    """A path for the quotes of the template; nginx has no way to write a dollar sign in one."""
    if "$" in str(path):
        raise CannotStart(
            f"nginx cannot be told of {path}: move the checkout to a path without a dollar sign."
        )
    return re.sub(r'(["\\])', r"\\\1", str(path))
