from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from strangler.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from click.testing import Result

SEARCH = "GET /api/search"
WHY = ("--why", "to see", "--as", "asha")


@pytest.fixture
def environment(database: str, redis_url: str, monkeypatch) -> Callable[..., None]:
    """The environment of a stack without services; a value of None is taken out."""
    told = {
        "BANYAN_DATABASE_URL": database,
        "BANYAN_REDIS_URL": redis_url,
        "BANYAN_UPSTREAM_LEGACY": "http://127.0.0.1:9",
        "BANYAN_UPSTREAM_TICKETING": "http://127.0.0.1:9",
        "BANYAN_UPSTREAM_QR": "",
    }
    for name in ("ADMIN_URLS", "ADMIN_PORT", "ROUTES_FILE", "DEBUG"):
        monkeypatch.delenv(f"BANYAN_{name}", raising=False)

    def tell(**more: str | None) -> None:
        for name, value in {**told, **{f"BANYAN_{key}": value for key, value in more.items()}}.items():
            if value is None:
                monkeypatch.delenv(name, raising=False)
            else:
                monkeypatch.setenv(name, value)

    tell()
    return tell


def banyan(*arguments: str) -> Result:
    result = CliRunner().invoke(app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def json_of(*arguments: str) -> Any:
    return json.loads(banyan(*arguments, "--json").stdout)


def test_routes_are_listed_with_what_moves_them(environment):
    result = banyan("routes", "--domain", "payment", "--access", "write")
    assert result.exit_code == 0
    assert "POST /api/payments/webhooks/{provider}" in result.stdout
    assert "GET /api/payments" not in result.stdout
    assert "8 of " in result.stdout
    assert not result.stderr


def test_routes_can_be_chosen_by_group_and_by_side(environment):
    banyan("flag", "set", SEARCH, "split", "--percent", "5", *WHY)
    on_both = json_of("routes", "--side", "split")["routes"]
    assert [route["route"] for route in on_both] == [SEARCH]
    assert on_both[0]["flag"] == {"mode": "split", "percent": 5, "sticky": "user"}
    groups = json_of("routes", "--group", "checkins")["routes"]
    assert {"POST /api/check-ins", "POST /api/qr/verify"} <= {route["route"] for route in groups}


def test_a_flag_is_set_step_by_step_and_seen(environment):
    first = banyan("flag", "set", SEARCH, "split", "--percent", "1", "--cohort-role", "admin", *WHY)
    assert (first.exit_code, first.stderr) == (0, "")
    assert "GET /api/search goes from legacy to split 1 % + cohort (version 1)." in first.stdout
    assert (
        "to split 12.5 % + cohort" in banyan("flag", "set", SEARCH, "split", "--percent", "12.5", *WHY).stdout
    )
    assert "from split 12.5 % + cohort to legacy" in banyan("flag", "set", SEARCH, "legacy", *WHY).stdout
    assert "from legacy to split 12.5 %" in banyan("flag", "set", SEARCH, "split", *WHY).stdout
    assert "is at split 12.5 % + cohort already" in banyan("flag", "set", SEARCH, "split", *WHY).stdout
    assert json_of("flag", "get", SEARCH)["flag"]["cohort"] == {"roles": ["admin"]}
    assert "cohort" not in json_of("flag", "set", SEARCH, "split", "--no-cohort", *WHY)["after"]
    assert SEARCH in banyan("flag", "get").stdout


def test_history_says_who_when_and_why(environment):
    banyan("flag", "set", SEARCH, "split", "--percent", "1", "--why", "a first step", "--as", "asha")
    banyan("flag", "set", SEARCH, "service", "--why", "[all] well", "--as", "ravi")
    shown = banyan("flag", "history", SEARCH)
    assert shown.exit_code == 0
    assert "legacy → split 1 %" in shown.stdout
    assert "[all] well" in shown.stdout
    newest, oldest = json_of("flag", "history")["changes"]
    assert (newest["who"], newest["before"]["mode"], newest["after"]["mode"]) == ("ravi", "split", "service")
    assert (oldest["version"], oldest["why"]) == (1, "a first step")


def test_without_a_name_it_is_the_login_that_did_it(environment, monkeypatch):
    monkeypatch.setenv("LOGNAME", "meena")
    banyan("flag", "set", SEARCH, "service", "--why", "x")
    assert json_of("flag", "history")["changes"][0]["who"] == "meena"


@pytest.mark.parametrize(
    ("arguments", "code", "reason", "next_step"),
    [
        (
            ("POST /api/bookings", "service"),
            1,
            "writes the group bookings, and its side is the group's owner: legacy",
            "banyan cutover bookings",
        ),
        (
            ("GET /api/qr/keys", "split", "--percent", "1"),
            1,
            "qr-service, which has no address here",
            "BANYAN_UPSTREAM_QR, or insist with --force",
        ),
        (("GET /api/serch", "legacy"), 2, 'Did you mean "GET /api/search"', "banyan routes"),
        ((SEARCH, "split"), 2, "percent: is missing, and there is no cohort", "12.5"),
        ((SEARCH, "split", "--percent", "101"), 2, "percent: 101.0 is not between 0 and 100", "12.5"),
        ((SEARCH, "split", "--percent", "0.001"), 2, "more than two decimals", "0.25"),
        ((SEARCH, "legacy", "--guard", "{"), 2, "guard: is not JSON", "p99_ms"),
        ((SEARCH, "service", "--if-version", "3"), 1, "at version 0, not at 3", "banyan flag history"),
        ((SEARCH, "service", "--as", " "), 1, "is kept on record", "--why"),
    ],
)
def test_a_refusal_has_its_reason_its_next_step_and_its_exit_code(
    environment, arguments, code, reason, next_step
):
    why = ("--why", "to see")
    result = banyan("flag", "set", *arguments, *why)
    assert (result.exit_code, result.stdout) == (code, "")
    assert reason in result.stderr
    assert next_step in result.stderr
    refused = banyan("flag", "set", *arguments, *why, "--json")
    assert refused.exit_code == code
    said = json.loads(refused.stdout)
    assert reason in said["error"]
    assert next_step in said["next_step"]
    assert json_of("flag", "history")["changes"] == []


def test_a_service_without_an_address_can_be_insisted_on_and_status_then_says_so(environment):
    result = banyan("flag", "set", "GET /api/qr/keys", "service", "--force", *WHY)
    assert result.exit_code == 0
    status = banyan("status")
    assert status.exit_code == 1
    assert '"GET /api/qr/keys" is flagged to qr-service, which has no address here: 502.' in status.stdout
    assert 'banyan flag set "GET /api/qr/keys" legacy' in status.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("flag", "set", SEARCH, "service"),
        ("flag", "set", SEARCH, "both", "--why", "x"),
        ("flag", "set", SEARCH, "split", "--percent", "many", "--why", "x"),
        ("routes", "--access", "delete"),
        ("flag", "histroy"),
    ],
)
def test_what_is_not_understood_ends_with_two(environment, arguments):
    assert banyan(*arguments).exit_code == 2


def test_an_unknown_domain_or_group_names_those_there_are(environment):
    result = banyan("routes", "--domain", "tickets")
    assert (result.exit_code, "ticketing" in result.stderr) == (2, True)
    result = banyan("routes", "--group", "booking")
    assert (result.exit_code, "bookings" in result.stderr) == (2, True)


def test_a_dry_run_changes_nothing(environment):
    result = banyan("flag", "set", SEARCH, "service", "--dry-run", *WHY)
    assert result.exit_code == 0
    assert "would go from legacy to service" in result.stdout
    assert json_of("flag", "get", SEARCH)["version"] == 0
    refused = banyan("flag", "set", "POST /api/bookings", "service", "--dry-run", *WHY)
    assert refused.exit_code == 1


def test_domains_are_placed_by_who_knows_that_no_data_moves(environment):
    told = " ".join(banyan("place", "--help").stdout.split())
    assert "Where people have written to one side only, do not use this." in told
    refused = banyan("place", "service", "ticketing", *WHY)
    assert (refused.exit_code, "--without-data" in refused.stderr) == (1, True)
    assert json_of("flag", "history")["changes"] == []
    placed = json_of("place", "service", "ticketing", "--without-data", *WHY)
    assert SEARCH in placed["routes"]
    assert placed["groups"]["bookings"]["owner"] == "service"


def test_an_emptied_redis_is_seen_and_restored(environment, redis_url):
    import redis

    banyan("flag", "set", SEARCH, "service", *WHY)
    with redis.Redis.from_url(redis_url) as client:
        client.flushdb()
    status = json_of("status")
    assert {"fault": "Redis has lost the flag table.", "next_step": "banyan flag restore"} in status["faults"]
    listed = banyan("flag", "get", SEARCH)
    assert "GET /api/search: service (version 1)" in listed.stdout
    assert "Redis holds no flag table. Shown is the database's record." in listed.stderr
    assert "Would put version 1 with 1 flags into Redis." in banyan("flag", "restore", "--dry-run").stdout
    assert "Put version 1 with 1 flags into Redis." in banyan("flag", "restore").stdout
    assert "nothing to do" in banyan("flag", "restore").stdout
    assert json_of("flag", "get", SEARCH)["flag"]["mode"] == "service"


def test_with_redis_down_looking_works_and_changing_is_refused(environment):
    banyan("flag", "set", SEARCH, "service", *WHY)
    environment(REDIS_URL="redis://127.0.0.1:1/0")
    looked = banyan("routes", "--side", "service")
    assert (looked.exit_code, SEARCH in looked.stdout) == (0, True)
    assert "Redis does not answer" in looked.stderr
    refused = banyan("flag", "set", SEARCH, "legacy", *WHY)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "The proxies go on with the flags that they have" in refused.stderr
    status = banyan("status")
    assert status.exit_code == 1
    assert "Redis     does not answer" in status.stdout
    assert "Record    answers, version 1" in status.stdout
    assert "1 service" in status.stdout


def test_with_the_database_down_looking_works_and_changing_is_refused(environment):
    banyan("flag", "set", SEARCH, "service", *WHY)
    environment(DATABASE_URL="postgresql://nobody@127.0.0.1:1/db_strangler")
    assert json_of("flag", "get", SEARCH)["flag"]["mode"] == "service"
    refused = banyan("flag", "set", SEARCH, "legacy", *WHY)
    assert refused.exit_code == 1
    assert "The strangler's database does not answer" in refused.stderr
    assert "banyan status" in refused.stderr
    status = banyan("status")
    assert (status.exit_code, "Record    does not answer" in status.stdout) == (1, True)


def test_with_nothing_there_at_all_status_still_speaks(environment):
    environment(
        REDIS_URL="redis://127.0.0.1:1/0", DATABASE_URL="postgresql://x@127.0.0.1:1/y", ADMIN_PORT="1"
    )
    status = json_of("status")
    assert not status["well"]
    assert all(fault["next_step"] for fault in status["faults"])
    assert {row["domain"] for row in status["domains"]} >= {"auth", "payment"}
    assert banyan("status").exit_code == 1


def test_an_environment_without_addresses_says_which_and_how(environment):
    environment(REDIS_URL=None, DATABASE_URL=None)
    refused = banyan("flag", "set", SEARCH, "legacy", *WHY)
    assert refused.exit_code == 2
    assert "BANYAN_DATABASE_URL is not set" in refused.stderr
    assert "make run" in refused.stderr
    assert "BANYAN_ADMIN_URLS are not set" in banyan("status").stderr
    assert banyan("routes").exit_code == 0


def test_a_variable_that_cannot_be_used_is_named(environment):
    environment(REDIS_URL="http://localhost")
    result = banyan("status")
    assert result.exit_code == 2
    assert "BANYAN_REDIS_URL" in result.stderr


def test_a_new_database_says_how_to_make_its_tables(environment, fresh_database):
    environment(DATABASE_URL=fresh_database)
    refused = banyan("flag", "history")
    assert refused.exit_code == 1
    assert "python -m strangler migrate" in refused.stderr


def test_a_faulty_file_of_routes_is_named_with_its_faults(environment, tmp_path):
    (tmp_path / "routes.toml").write_text('[domains.shop]\nroutes = [{ route = "GET /a" }]\n')
    environment(ROUTES_FILE=str(tmp_path / "routes.toml"))
    result = banyan("routes")
    assert result.exit_code == 2
    assert 'line 2, "GET /a": says neither' in result.stderr
