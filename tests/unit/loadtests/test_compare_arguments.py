"""What `python -m loadtests` understands, and what it says to what cannot be meant."""

from __future__ import annotations

import pytest

from loadtests.compare.arguments import parse
from loadtests.compare.refusals import Refused
from loadtests.compare.sides import ByCommand
from loadtests.compare.sizes import FULL, PHASES, QUICK, SMOKE
from loadtests.compare.stage import check_answers, check_memory, facts_of


def test_nothing_said_is_the_full_comparison_on_a_stack_of_its_own():
    arguments = parse([])
    assert (arguments.size, arguments.host, arguments.phases) == (FULL, None, PHASES)


@pytest.mark.parametrize(("word", "size"), [("--quick", QUICK), ("--smoke", SMOKE)])
def test_a_word_makes_it_smaller(word, size):
    assert parse([word]).size == size


def test_numbers_overrule_the_size():
    size = parse("--quick --rounds 2 --users 77 --seconds 12.5 --scale 3".split()).size
    assert (size.mix.rounds, size.mix.users, size.mix.seconds, size.scale) == (2, 77, 12.5, 3)
    assert (size.routes.rounds, size.journey.rounds) == (2, 2)
    assert (size.curves.rounds, size.curves.sales, size.curves.full_rounds) == (2, 2, 2)
    assert size.cast == 77, "there must be somebody for everybody"


def test_phases_are_in_their_order_and_idle_is_always_first():
    assert parse(["--only", "curves,mix"]).phases == ("idle", "mix", "curves")


@pytest.mark.parametrize("said", ["localhost:8080", "http://localhost:8080/"])
def test_a_host_is_an_address_of_a_site(said):
    assert parse(["--host", said]).host == "http://localhost:8080"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--quick --smoke", "not allowed with"),
        ("--only routs", "there is no phase routs; there are mix, routes, journey, curves"),
        ("--only ,", "there is no phase"),
        ("--rounds 0", "0 is not a number from 1"),
        ("--users many", "many is not a number from 1"),
        ("--seconds 0.2", "0.2 is not a number of seconds from 1"),
        ("--seconds nan", "nan is not a number of seconds"),
        ("--host ftp://somewhere", "is no address of a site"),
        ("--host http://localhost:8080/api", "is no address of a site"),
        ("--host http://localhost:port", "is no address of a site"),
        ("--side split", "invalid choice"),
        ("--host localhost:8080 --scale 4", "./banyan demo --scale N"),
        ("--steer {side}", "--steer is for a stack at --host"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_a_reason(words, said, capsys):
    with pytest.raises(SystemExit) as refused:
        parse(words.split())
    assert refused.value.code == 2
    assert said in capsys.readouterr().err


def test_a_steering_command_without_a_side_is_refused():
    with pytest.raises(Refused, match=r"no \{side\} in it") as refused:
        ByCommand("true", "http://127.0.0.1:1")
    assert "place {side}" in refused.value.next_step


def test_a_host_where_nobody_listens_is_refused_with_the_next_step():
    with pytest.raises(Refused, match=r"http://127\.0\.0\.1:1 does not answer") as refused:
        check_answers("http://127.0.0.1:1")
    assert "make run" in refused.value.next_step


def test_too_little_memory_is_refused(tmp_path):
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal:       16000000 kB\nMemAvailable:    1048576 kB\n", encoding="ascii")
    check_memory(1024, meminfo)
    with pytest.raises(Refused, match="1024 MiB of memory are free here, and this takes 1025"):
        check_memory(1025, meminfo)


def test_another_sites_stack_is_not_taken_for_this_checkouts(tmp_path):
    assert facts_of("http://localhost:8080", {"BANYAN_LOCAL_DIR": str(tmp_path)}) is None
