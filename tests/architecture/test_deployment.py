"""The files others deploy with: they parse, and every command and variable in them exists."""

from __future__ import annotations

import os
import re
import shlex

import pytest
import yaml
from django.core.management import get_commands

from core.jobs.registry import LANES
from tests.architecture.sources import ROOT
from tests.architecture.test_environment import documented_names

PLATFORM_NAMES = {
    # Of the images compose.yaml starts, and of Python itself.
    "POSTGRES_USER",
    "POSTGRES_DB",
    "ROOT_ACCESS_KEY",
    "ROOT_SECRET_KEY",
    "BUCKET",
    "LIVEKIT_KEYS",
    "LIVEKIT_CONFIG",
    "PATH",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PIP_NO_CACHE_DIR",
    "PIP_DISABLE_PIP_VERSION_CHECK",
}


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def parse(name):
    return yaml.safe_load(read(name))


def dockerfile_steps():
    """Return (instruction, rest) of each step, continued lines joined."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", read("Dockerfile"), flags=re.M))
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def compose_commands():
    for name, service in parse("compose.yaml")["services"].items():
        if service.get("image") != "parley:latest":
            continue
        for command in (service.get("command"), (service.get("healthcheck") or {}).get("test")):
            if command:
                yield f"compose.yaml {name}", command[1:] if command[0] == "CMD" else command


def named_commands():
    """Yield where a command stands, and its words."""
    for line in read("Procfile").splitlines():
        process, command = line.split(":", 1)
        yield f"Procfile {process}", shlex.split(command)
    for service in parse("render.yaml")["services"]:
        for key in ("dockerCommand", "preDeployCommand"):
            if key in service:
                yield f"render.yaml {service['name']}", shlex.split(service[key])
    yield from compose_commands()
    for instruction, rest in dockerfile_steps():
        if instruction == "CMD":
            yield "Dockerfile CMD", yaml.safe_load(rest)
        elif instruction == "HEALTHCHECK":
            yield "Dockerfile HEALTHCHECK", yaml.safe_load(rest.split("CMD", 1)[1])


def problem_with(words):
    """Return why this machine could not run the command, or None."""
    while "=" in words[0]:
        words = words[1:]
    if words[0].startswith("scripts/"):
        path = ROOT / words[0]
        return None if path.is_file() and os.access(path, os.X_OK) else f"no program {words[0]}"
    if words[0] != "python":
        return f"unknown program {words[0]}"
    if words[1] != "manage.py":
        return None if (ROOT / words[1]).is_file() else f"no file {words[1]}"
    if words[2] not in get_commands():
        return f"no command {words[2]}"
    if "--lanes" in words:
        unknown = set(words[words.index("--lanes") + 1].split(",")) - set(LANES)
        return f"no lane {unknown}" if unknown else None
    return None


def test_every_command_exists():
    commands = list(named_commands())

    assert len(commands) >= 15
    assert {where: found for where, words in commands if (found := problem_with(words))} == {}


def test_every_lane_has_a_worker_in_each_of_them():
    served = {}
    for where, words in named_commands():
        if "--lanes" in words:
            lanes = words[words.index("--lanes") + 1].split(",")
            served.setdefault(where.split()[0], set()).update(lanes)

    assert served == {name: set(LANES) for name in ("Procfile", "render.yaml", "compose.yaml")}


def variables_of(name):
    if name == "render.yaml":
        blueprint = parse(name)
        holders = [*blueprint["services"], *blueprint["envVarGroups"]]
        return {
            one["key"] for holder in holders for one in holder.get("envVars", []) if "key" in one
        }
    if name == "compose.yaml":
        set_there = {
            key
            for service in parse(name)["services"].values()
            for key in service.get("environment", {})
        }
        return set_there | set(re.findall(r"(?<!\$)\$\{([A-Z][A-Z0-9_]*)", read(name)))
    return set(re.findall(r"\b([A-Z][A-Z0-9_]{3,})=", read(name)))


@pytest.mark.parametrize("name", ["Procfile", "compose.yaml", "render.yaml", "Dockerfile"])
def test_every_variable_is_in_the_example(name):
    assert variables_of(name) - documented_names() - PLATFORM_NAMES == set()


def test_what_compose_demands_is_not_preset_in_the_example():
    demanded = set(re.findall(r"\$\{([A-Z_]+):\?", read("compose.yaml")))

    assert "POSTGRES_PASSWORD" in demanded
    preset = re.findall(r"^([A-Z_]+)=(.+)$", read(".env.example"), re.M)
    assert demanded & {name for name, _ in preset} == set()


def test_compose_waits_for_what_it_needs_and_publishes_no_database():
    services = parse("compose.yaml")["services"]

    for name, service in services.items():
        for needed, how in (service.get("depends_on") or {}).items():
            assert needed in services, (name, needed)
            if how["condition"] == "service_healthy":
                assert "test" in services[needed]["healthcheck"], (name, needed)
    assert [name for name in services if "ports" in services[name]] == ["web", "livekit"]
    volumes = {
        mount.split(":")[0] for one in services.values() for mount in one.get("volumes") or []
    }
    assert volumes == set(parse("compose.yaml")["volumes"])


def test_the_image_runs_as_nobody_in_particular_and_copies_what_exists():
    steps = dockerfile_steps()
    last_stage = steps[max(i for i, step in enumerate(steps) if step[0] == "FROM") :]

    assert [rest for name, rest in last_stage if name == "USER"] == ["parley"]
    assert last_stage.index(("USER", "parley")) < [name for name, _ in last_stage].index("CMD")
    for name, rest in steps:
        if name == "COPY" and not rest.startswith("--from"):
            for source in rest.split()[:-1]:
                assert (ROOT / source).exists(), source
    stages = {rest.split()[-1] for name, rest in steps if name == "FROM"}
    used = set(re.findall(r"--from=(\w+)", read("Dockerfile")))
    assert used <= stages


def test_nothing_secret_is_written_into_them():
    text = "".join(map(read, ("compose.yaml", "render.yaml", "Procfile", "Dockerfile")))

    assert (
        re.findall(r"(?:PASSWORD|SECRET|TOKEN|API_KEY)\w*[:=] ?[\"']?[A-Za-z0-9]{16,}", text) == []
    )
    for group in parse("render.yaml")["envVarGroups"]:
        for one in group["envVars"]:
            if re.search(r"KEY|SECRET|PASSWORD|TOKEN", one["key"]):
                assert "value" not in one, one["key"]
