"""A stack of six services that a module may stop, kill and wipe things in."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from deploy.local.folders import folders_of
from tests import stack as stacks
from tests.contract.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stack import RunningStack


@pytest.fixture(scope="module")
def services(request: pytest.FixtureRequest, worker_id: str) -> Iterator[RunningStack]:
    """The six services, with every flag on them and no legacy."""
    name = f"{request.module.__name__.rpartition('.')[2]}-{worker_id}"
    folders = folders_of(stacks.test_folder() / name)
    arguments = ("--no-demo", "--side", "service", "--admin", stacks.ADMIN_EMAIL)
    # whoever is away here is away for good: nobody is to wait for it longer than people would
    yield stacks.start_stack(folders, *arguments, env={"BANYAN_SEEN_WITHIN_MS": "250"})
    stacks.stop_stack(folders)
    shutil.rmtree(folders.state, ignore_errors=True)


@pytest.fixture(scope="module")
def world(services: RunningStack) -> World:
    return World(services.gateway_url, services.admin_email, services.admin_password)
