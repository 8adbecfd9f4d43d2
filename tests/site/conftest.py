"""A site that somebody else started, named by the environment: containers, or a machine far away.

BANYAN_SITE_URL             where its gateway is; without it nothing here is run
BANYAN_SITE_ADMIN_EMAIL     an admin on the side that answers, and
BANYAN_SITE_ADMIN_PASSWORD  the password
BANYAN_SITE_MAILS           a command that writes the folder of sent mails to its output, as a tar archive
BANYAN_SITE_SIDE            which side is to answer
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_journey import world  # ruff: ignore[unused-import] — a fixture of the tests here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

collect_ignore_glob = [] if os.environ.get("BANYAN_SITE_URL") else ["test_*.py"]


@dataclass(frozen=True, slots=True)
class Mails:
    """A folder of mails that is somewhere else: fetched anew each time it is looked into."""

    command: tuple[str, ...]
    folder: Path

    def glob(self, pattern: str) -> Iterator[Path]:
        archive = subprocess.run(self.command, capture_output=True, check=True, timeout=60).stdout
        with tarfile.open(fileobj=io.BytesIO(archive)) as mails:
            mails.extractall(self.folder, filter="data")
        return self.folder.rglob(pattern)


@dataclass(frozen=True, slots=True)
class OutsideSite:
    """What a journey has to know of the site."""

    gateway_url: str
    admin_email: str
    admin_password: str
    side: str
    mail_dir: Mails


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> OutsideSite:
    env = os.environ
    return OutsideSite(
        env["BANYAN_SITE_URL"],
        env["BANYAN_SITE_ADMIN_EMAIL"],
        env["BANYAN_SITE_ADMIN_PASSWORD"],
        env["BANYAN_SITE_SIDE"],
        Mails(tuple(shlex.split(env["BANYAN_SITE_MAILS"])), tmp_path_factory.mktemp("mails")),
    )
