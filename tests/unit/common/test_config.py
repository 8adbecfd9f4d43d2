from pathlib import Path

import pytest

from common.config import ConfigError, ConfigReader


def faults_of(reader: ConfigReader) -> dict[str, str]:
    with pytest.raises(ConfigError) as raised:
        reader.done()
    return {fault.variable: fault.reason for fault in raised.value.faults}


def test_all_faults_are_told_at_once_with_reason_and_example():
    read = ConfigReader({"BANYAN_PORT": "many", "BANYAN_LOG_FORMAT": "xml", "BANYAN_DEBUG": "perhaps"})
    read.url("DATABASE_URL")
    read.integer("PORT", 8010)
    read.choice("LOG_FORMAT", ("json", "text"), "json")
    read.flag("DEBUG", default=False)
    with pytest.raises(ConfigError) as raised:
        read.done()
    text = str(raised.value)
    assert "4 variables" in text
    assert "BANYAN_DATABASE_URL: is missing (for example postgresql://" in text
    assert "'many' is not a whole number" in text
    assert "'xml' is none of json, text" in text
    assert "neither true nor false" in text


def test_what_is_right_is_returned_in_its_type():
    read = ConfigReader(
        {
            "BANYAN_PUBLIC_URL": "https://bus.example/",
            "BANYAN_PORT": "8010",
            "BANYAN_HOSTS": "a, b,,c",
            "BANYAN_DEBUG": "Yes",
            "BANYAN_KEYS_FILE": "/run/keys.json",
            "BANYAN_DATABASE_URL": "postgresql:///db?host=/run/postgres",
        }
    )
    assert read.url("PUBLIC_URL") == "https://bus.example"
    assert read.integer("PORT", minimum=1, maximum=65535) == 8010
    assert read.list("HOSTS") == ("a", "b", "c")
    assert read.flag("DEBUG") is True
    assert read.path("KEYS_FILE") == Path("/run/keys.json")
    assert read.url("DATABASE_URL") == "postgresql:///db?host=/run/postgres"
    read.done()


def test_an_empty_value_is_a_missing_one():
    read = ConfigReader({"BANYAN_HOST": "  "})
    read.text("HOST")
    assert faults_of(read) == {"BANYAN_HOST": "is missing"}


def test_a_default_stands_in_for_what_is_missing():
    read = ConfigReader({})
    assert read.text("HOST", default="127.0.0.1") == "127.0.0.1"
    assert read.integer("PORT", default=8010) == 8010
    assert read.list("NAMES", default=()) == ()
    assert read.url("MAIL_URL", default="file:///tmp/mail") == "file:///tmp/mail"
    read.done()


def test_a_secret_is_never_repeated_in_an_error():
    read = ConfigReader({"BANYAN_SECRET_KEY": "hunter2", "BANYAN_DATABASE_URL": "user:hunter2@db"})
    read.secret("SECRET_KEY")
    read.url("DATABASE_URL")
    with pytest.raises(ConfigError) as raised:
        read.done()
    assert "hunter2" not in str(raised.value)


def test_several_secrets_may_be_given_during_a_rotation():
    read = ConfigReader({"BANYAN_HOOKS": f"{'a' * 16},{'b' * 16}"})
    assert read.secrets("HOOKS") == ("a" * 16, "b" * 16)
    read.secrets("OTHER")
    assert "no default" in faults_of(read)["BANYAN_OTHER"]


@pytest.mark.parametrize(("value", "reason"), [("0", "0 is below 1"), ("99999", "99999 is above 65535")])
def test_a_number_must_be_in_its_range(value: str, reason: str):
    read = ConfigReader({"BANYAN_PORT": value})
    read.integer("PORT", minimum=1, maximum=65535)
    assert faults_of(read) == {"BANYAN_PORT": reason}


@pytest.mark.parametrize(
    "value", ["bus.example", "gopher://bus.example", "http://", "http://host:port", "//x"]
)
def test_what_is_not_an_absolute_url_is_refused(value: str):
    read = ConfigReader({"BANYAN_PUBLIC_URL": value})
    read.url("PUBLIC_URL", schemes=("http", "https"))
    assert "http:// or https://" in faults_of(read)["BANYAN_PUBLIC_URL"]


def test_a_file_that_must_exist_is_looked_for(tmp_path: Path):
    read = ConfigReader({"BANYAN_ROUTES_FILE": str(tmp_path / "routes.toml")})
    read.path("ROUTES_FILE", must_exist=True)
    assert "does not exist" in faults_of(read)["BANYAN_ROUTES_FILE"]


def test_a_list_of_urls_may_be_empty_by_default():
    read = ConfigReader({"BANYAN_UPSTREAM_AUTH": "http://a:1, http://b:2/"})
    assert read.urls("UPSTREAM_AUTH") == ("http://a:1", "http://b:2")
    assert read.urls("UPSTREAM_USER", default=()) == ()
    read.done()
