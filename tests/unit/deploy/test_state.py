"""The state folder: what is refused before a start, and what is kept between two."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace

import pytest

from deploy.local import checks, postgres
from deploy.local.credentials import load_credentials
from deploy.local.folders import LONGEST_SOCKET_PATH, folders_of, make_folders, remove_short_folder
from deploy.local.keys import make_rings, ring_file
from deploy.local.logs import ProcessLog, Terminal
from deploy.local.marks import Mark, is_alive, read_mark, started
from deploy.local.refusals import CannotStart
from deploy.local.stamps import Stamps, digest_of

ROLES = ("banyan_legacy", "banyan_auth")


@pytest.fixture
def folders(tmp_path):
    made = folders_of(tmp_path / "state")
    make_folders(made)
    yield made
    remove_short_folder(made)


def test_a_disk_that_is_nearly_full_is_refused(folders):
    with pytest.raises(CannotStart, match="MB free"):
        checks.check_disk(folders, least=2**60)
    checks.check_disk(folders, least=1)


def test_data_of_another_version_is_refused_with_both_versions(tmp_path):
    (tmp_path / "PG_VERSION").write_text("16\n")
    with pytest.raises(CannotStart, match=r"made by PostgreSQL 16, and this is version 18.*make clean"):
        postgres.check_version(tmp_path)


def test_data_of_this_version_and_no_data_are_fine(tmp_path):
    postgres.check_version(tmp_path)
    (tmp_path / "PG_VERSION").write_text("18\n")
    postgres.check_version(tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "state").write_text("a file where the folder should be")
    with pytest.raises(CannotStart, match="state cannot be used"):
        make_folders(folders_of(tmp_path / "state"))


def test_every_socket_path_is_short_enough(tmp_path):
    for depth in range(0, 200, 7):
        folders = folders_of(tmp_path / ("d" * depth))
        assert len(str(folders.sockets / "postgres" / ".s.PGSQL.65535.lock")) <= LONGEST_SOCKET_PATH


def test_a_strangers_folder_for_sockets_is_refused(tmp_path):
    folders = replace(folders_of(tmp_path / "state"), sockets=tmp_path / "sockets")
    folders.sockets.mkdir()
    folders.sockets.chmod(0o777)
    with pytest.raises(CannotStart, match="can be written by others"):
        make_folders(folders)


def test_passwords_are_kept_and_private(folders):
    first = load_credentials(folders, ROLES)
    assert load_credentials(folders, ROLES) == first
    path = folders.secrets / "passwords.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folders.secrets.stat().st_mode) == 0o700
    assert len({first.postgres, first.redis, first.secret_key, *first.roles.values()}) == 5


def test_a_new_role_gets_a_password_and_the_others_keep_theirs(folders):
    first = load_credentials(folders, ROLES)
    second = load_credentials(folders, (*ROLES, "banyan_new"))
    assert second.roles["banyan_new"]
    assert {role: second.roles[role] for role in ROLES} == first.roles


def test_lost_passwords_of_an_existing_database_are_explained(folders):
    (folders.data / "postgres").mkdir()
    (folders.data / "postgres" / "PG_VERSION").write_text("18")
    with pytest.raises(CannotStart, match=r"passwords.*are gone"):
        load_credentials(folders, ROLES)


def test_a_damaged_password_file_is_explained(folders):
    (folders.secrets / "passwords.json").write_text("{")
    with pytest.raises(CannotStart, match="cannot be read"):
        load_credentials(folders, ROLES)


def test_key_rings_are_made_once(folders):
    make_rings(folders)
    before = ring_file(folders.secrets, "qr").read_bytes()
    make_rings(folders)
    assert ring_file(folders.secrets, "qr").read_bytes() == before
    assert len(json.loads(before)["keys"]) == 1


def test_a_lock_file_that_names_somebody_elses_pid_is_removed_and_nobody_is_ended(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as bystander:
        (tmp_path / "postmaster.pid").write_text(f"{bystander.pid}\n{tmp_path}\n")
        postgres.remove_stale_postmaster(tmp_path)
        assert not (tmp_path / "postmaster.pid").exists()
        assert bystander.poll() is None
        bystander.communicate(b"\n")


def test_a_mark_knows_its_process_and_no_other(tmp_path):
    since = started(os.getpid())
    assert since is not None
    mark = Mark("me", os.getpid(), since, "", 15, 1)
    mark.write(tmp_path / "me.json")
    assert read_mark(tmp_path / "me.json") == mark
    assert is_alive(mark)
    assert not is_alive(replace(mark, started="another moment"))


def test_a_zombie_is_not_alive():
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.read()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert started(child.pid) is None


def test_a_half_written_mark_is_none(tmp_path):
    (tmp_path / "half.json").write_text('{"name": "x"')
    assert read_mark(tmp_path / "half.json") is None


def test_output_is_cut_into_lines_wherever_it_was_broken(tmp_path):
    log = ProcessLog("app", tmp_path / "app.log", Terminal(None))
    for piece in (b"one\ntw", b"o\r\n", b"\xff\xfe", b"\nlast"):
        log.feed(piece)
    log.close()
    assert (tmp_path / "app.log").read_bytes() == b"one\ntwo\n\xff\xfe\nlast\n"
    assert list(log.last) == ["one", "two", "��", "last"]


def test_a_line_without_an_end_does_not_grow_for_ever(tmp_path):
    log = ProcessLog("app", tmp_path / "app.log", Terminal(None))
    for _ in range(100):
        log.feed(b"x" * 4096)
    assert (tmp_path / "app.log").stat().st_size > 300_000
    log.close()


def test_a_stamp_holds_until_the_material_changes(tmp_path):
    material = tmp_path / "migrations"
    material.mkdir()
    (material / "0001.sql").write_text("CREATE TABLE a ()")
    stamps = Stamps(tmp_path / "stamps.json")
    assert not stamps.has("tables", digest_of(material))
    stamps.put("tables", digest_of(material))
    assert stamps.has("tables", digest_of(material))
    (material / "0002.sql").write_text("")
    assert not stamps.has("tables", digest_of(material))
    stamps.put("tables", digest_of(material))
    stamps.forget_all()
    assert not stamps.has("tables", digest_of(material))


def test_damaged_stamps_count_as_none(tmp_path):
    (tmp_path / "stamps.json").write_text("{")
    assert not Stamps(tmp_path / "stamps.json").has("tables", "x")
