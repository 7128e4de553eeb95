"""The images' files and docker/compose.yaml, read: what they name exists, and what they promise stands in them.

That the images build and run is tests/system/test_images.py's to show, with podman.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from pydantic import BaseModel, ConfigDict

from muster_contract.register import load_register
from muster_field.__main__ import app as field_office
from muster_hq.__main__ import app as headquarters
from muster_hq.commands.options import LISTEN
from muster_hq.policy_reader import load_policies

ROOT = Path(__file__).parents[2]
DOCKER = ROOT / "docker"
DOCKERFILE = (DOCKER / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
PROGRAMS = {"headquarters": headquarters, "field-office": field_office}


class Strict(BaseModel):
    """What is not written here is not used in our compose file, or is a slip of the pen."""

    model_config = ConfigDict(extra="forbid")


class Build(Strict):
    """How an image of ours is built."""

    context: str
    dockerfile: str
    target: str


class Needs(Strict):
    """What another service must have become."""

    condition: Literal["service_started", "service_healthy", "service_completed_successfully"]


class Healthcheck(Strict):
    """How a service that has none in its image is asked, or that it is not."""

    test: list[str] | None = None
    interval: str | None = None
    timeout: str | None = None
    retries: int | None = None
    disable: bool = False


class Service(Strict):
    """One service, as far as we use the format."""

    image: str
    build: Build | None = None
    command: list[str] = []
    environment: dict[str, str | int] = {}
    volumes: list[str] = []
    ports: list[str] = []
    depends_on: dict[str, Needs] = {}
    healthcheck: Healthcheck | None = None
    restart: Literal["no", "unless-stopped"] = "no"
    read_only: bool = False
    cap_drop: list[str] = []
    security_opt: list[str] = []
    tmpfs: list[str] = []
    stop_grace_period: str | None = None


def load(path: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read YAML."""
    return yaml.safe_load(path.read_text("utf-8"))


COMPOSE = load(DOCKER / "compose.yaml")
SERVICES = {name: Service.model_validate(service) for name, service in COMPOSE["services"].items()}
OURS = {name: service for name, service in SERVICES.items() if service.build}


def command_of(program: str, arguments: list[str]) -> tuple[click.Command, list[str]]:
    """Find the command that arguments begin with, and give the rest of them."""
    command: Any = typer.main.get_command(PROGRAMS[program])
    while arguments and arguments[0] in getattr(command, "commands", {}):
        command, arguments = command.commands[arguments[0]], arguments[1:]
    assert not hasattr(command, "commands"), f"{program} has no command {arguments[:1]}"
    return command, arguments


def options_of(command: click.Command) -> set[str]:
    """Give every option of a command, in all its spellings."""
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def variables_of(program: str, command: click.Command) -> Iterator[str]:
    """Give the environment variables that a command reads, and its program."""
    whole: Any = typer.main.get_command(PROGRAMS[program])
    for parameter in [*command.params, *whole.params]:
        names = parameter.envvar or []
        yield from [names] if isinstance(names, str) else names


def instructions(name: str) -> list[str]:
    """Give what follows an instruction of the Dockerfile, each time that it stands there."""
    return re.findall(rf"^(?: *){name} (.+)$", DOCKERFILE, re.MULTILINE)


@pytest.mark.parametrize("name", OURS)
def test_what_a_service_of_ours_is_told_is_known_to_its_command(name: str) -> None:
    """Every option and every variable; nothing that its image sets is missing from the command."""
    service = OURS[name]
    program = service.image.removeprefix("muster/")
    assert service.build is not None
    assert service.build.target == program
    assert (DOCKER / service.build.context / service.build.dockerfile).samefile(DOCKER / "Dockerfile")
    command, rest = command_of(program, service.command)
    assert {argument for argument in rest if argument.startswith("--")} <= options_of(command)
    known = set(variables_of(program, command))
    shared = {"MUSTER_POLICY", "MUSTER_LEDGER", "MUSTER_LISTEN"} if name == "topics" else set()
    assert service.environment.keys() - shared <= known
    required = {p.opts[0]: p.envvar for p in command.params if p.required}
    assert not {
        option for option, variable in required.items() if option not in rest and variable not in service.environment
    }


@pytest.mark.parametrize("name", OURS)
def test_a_service_of_ours_may_do_nothing_that_it_need_not(name: str) -> None:
    """A root that is read, no capability, no new privilege; it may write where it keeps things, and to /tmp."""
    service = OURS[name]
    assert service.read_only
    assert (service.cap_drop, service.security_opt) == (["ALL"], ["no-new-privileges:true"])
    assert service.tmpfs == ["/tmp"]  # noqa: S108 - the container's own
    assert not service.ports, "its metrics are Prometheus's to read"


def test_what_is_mounted_and_waited_for_is_there() -> None:
    """Files of the repository, volumes and services."""
    for name, service in SERVICES.items():
        for volume in service.volumes:
            source, target, *mode = volume.split(":")
            if source.startswith("."):
                assert (DOCKER / source).exists(), f"{name}: {source}"
                assert mode == ["ro"], f"{name}: {source} is only read"
            else:
                assert source in COMPOSE["volumes"], f"{name}: {source}"
            assert target.startswith("/"), name
        for other, needs in service.depends_on.items():
            waited_for = SERVICES[other]
            if needs.condition == "service_healthy":
                assert waited_for.healthcheck, f"{name} waits for the health of {other}"
            if needs.condition == "service_completed_successfully":
                assert waited_for.restart == "no", f"{name} waits for the end of {other}"


def test_nothing_is_reached_from_outside_this_machine() -> None:
    """Every published port is loopback's."""
    ports = [port for service in SERVICES.values() for port in service.ports]
    assert len(ports) == 3
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_images_of_others_have_a_version() -> None:
    """And a registry, so that no search order decides where they come from."""
    for name, service in SERVICES.items():
        if not service.build:
            assert re.fullmatch(r"docker\.io/[a-z/]+:v?\d[\w.-]+", service.image), name


def test_prometheus_finds_every_process_of_ours() -> None:
    """The targets are services of the compose file, at the ports that the images serve."""
    mounted = {volume.split(":")[1]: DOCKER / volume.split(":")[0] for volume in SERVICES["prometheus"].volumes}
    config = load(mounted["/etc/prometheus/prometheus.yml"])
    files = [f for job in config["scrape_configs"] for sd in job["file_sd_configs"] for f in sd["files"]]
    targets = {
        target for file in files for group in load(mounted[f"/etc/prometheus/{file}"]) for target in group["targets"]
    }
    offices = {f"{name}:9465" for name in OURS if name.startswith("office-")}
    assert targets == {"headquarters:9464", *offices}
    (alertmanager,) = config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"]
    assert alertmanager.split(":")[0] in SERVICES
    datasource = load(DOCKER / "grafana" / "provisioning" / "datasources" / "prometheus.yml")["datasources"][0]
    assert datasource["url"] == "http://prometheus:9090"


def test_the_demonstration_is_due_within_seconds() -> None:
    """So that the first alert fires within two minutes: scrape, evaluation and the slowest deadline fit in them."""
    register = load_register(DOCKER / "demo" / "offices.toml")
    assert {f"office-{office.id}" for office in register} == {name for name in OURS if name.startswith("office-")}
    policy = load_policies([DOCKER / "demo" / "policy.toml"]).versions[0]
    assert min(requirement.within for requirement in policy.requirements) <= 10_000


def test_there_are_two_images_of_nobody_in_particular() -> None:
    """Each has an entry, a check by progress, and a port; the user is set before either."""
    stages = re.findall(r"^FROM (\S+) AS (\S+)$", DOCKERFILE, re.MULTILINE)
    assert [name for parent, name in stages if parent == "runtime"] == ["headquarters", "field-office"]
    assert instructions("USER") == ["10001:10001"]
    assert DOCKERFILE.index("USER ") < DOCKERFILE.index("FROM runtime")
    assert instructions("ENTRYPOINT") == ['["headquarters"]', '["field-office"]']
    assert instructions("EXPOSE") == [LISTEN.split(":")[1], "9465"]
    assert "MUSTER_METRICS_PORT=9465" in DOCKERFILE
    checks = [line.partition("CMD ")[2] for line in instructions("HEALTHCHECK")]
    assert checks == ['["headquarters", "healthy"]', '["field-office", "healthy"]']
    for port in (LISTEN.split(":")[1], "9465"):
        assert f"MUSTER_HEALTH_URL=http://127.0.0.1:{port}/healthz" in DOCKERFILE
    for program, command in zip(PROGRAMS, instructions("CMD"), strict=True):
        command_of(program, yaml.safe_load(command))
        command_of(program, ["healthy"])


def test_what_is_copied_is_there_and_not_ignored() -> None:
    """Nothing else of the repository gets into an image: no ledger, no history, no secret."""
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert lines[1] == "*"
    allowed = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copied = {s for line in instructions("COPY") if "--from" not in line for s in shlex.split(line)[:-1]}
    assert copied == allowed
    assert all((ROOT / source).exists() for source in copied)


def pins(path: Path) -> dict[str, str]:
    """Give the versions that a file pins, by the projects' canonical names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", path.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in found}


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt"])
def test_what_is_installed_is_locked_by_hash_and_version(name: str) -> None:
    """The same versions as the tests run with, from no address; docker/lock.sh writes it."""
    text, locked, tested = (DOCKER / name).read_text("utf-8"), pins(DOCKER / name), pins(ROOT / "constraints.txt")
    assert "://" not in text
    assert text.count(" \\\n    --hash=") >= len(locked), "run docker/lock.sh"
    assert {p: v for p, v in locked.items() if p in tested and tested[p] != v} == {}, "run docker/lock.sh"


def test_all_that_muster_depends_on_is_locked() -> None:
    """In pyproject.toml or in the lock, not in one of them."""
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    locked = pins(DOCKER / "requirements.txt")
    missing = [w for w in map(Requirement, wanted) if locked.get(canonicalize_name(w.name), "0") not in w.specifier]
    assert missing == [], "run docker/lock.sh"
