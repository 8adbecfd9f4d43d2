"""What is looked at before anything starts: no start shall fail half-way for a reason known beforehand."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from deploy.local.marks import started
from deploy.local.ports import DESIGN_PORT, holder_of, is_taken
from deploy.local.refusals import CannotStart

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from deploy.local.folders import Folders

LEAST_FREE_BYTES: Final = 500 * 1024 * 1024


def check_disk(folders: Folders, least: int = LEAST_FREE_BYTES) -> None:
    """PostgreSQL on a full disk stops in the middle of a write; better not to start."""
    free = shutil.disk_usage(folders.state).free
    if free < least:
        raise CannotStart(
            f"The disk that holds {folders.state} has {free // 2**20} MB free; the stack wants at least "
            f"{least // 2**20} MB for its database. Free some space, or keep its state on another disk with "
            "BANYAN_LOCAL_DIR=/somewhere/else make run."
        )


def check_ports(ports: Mapping[str, int], hosts: Iterable[str], public: str = "gateway") -> None:
    """Every port at once; the message names each taken one and its holder."""
    taken: dict[int, str] = {}
    for name, port in ports.items():
        for host in hosts if name == public else ("127.0.0.1",):
            try:
                if port not in taken and is_taken(host, port):
                    taken[port] = name
            except PermissionError as error:
                raise CannotStart(
                    f"Port {port}, wanted for {name}, may only be opened by root. Choose one above 1023: "
                    f"BANYAN_PORT={DESIGN_PORT} make run."
                ) from error
    if not taken:
        return
    lines = [f"port {port}, wanted for {name}, is held by {holder_of(port)}" for port, name in taken.items()]
    other = DESIGN_PORT + 10 if ports.get(public) != DESIGN_PORT + 10 else DESIGN_PORT + 20
    raise CannotStart(
        _sentence("; ".join(lines)) + " End that process, or start this stack on other ports: all of them "
        f"follow the public one, as in BANYAN_PORT={other} make run."
    )


def check_owner_alive(pid: int) -> str:
    """The start mark of the process on whose behalf the stack runs."""
    since = started(pid)
    if since is None:
        raise CannotStart(f"The process {pid}, on whose behalf the stack was to run, is gone.")
    return since


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
