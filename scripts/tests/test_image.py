"""The rehearsal of the image reads every line of the Dockerfile, and compose as compose does."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.image.containers import HOST, Compose
from scripts.image.recipe import Ignored, RecipeError, read_dockerfile
from scripts.image.rehearse import REPOSITORY

SERVERS = {
    "DATABASE_URL": "postgres://parley:secret@127.0.0.1:5433/parley",
    "REDIS_URL": "redis://:secret@127.0.0.1:6380/0",
    "TEST_S3_BUCKET": "files",
    "TEST_S3_ENDPOINT_URL": "http://127.0.0.1:8081",
    "TEST_S3_REGION": "us-east-1",
    "TEST_S3_ACCESS_KEY": "test:tester",
    "TEST_S3_SECRET_KEY": "testing",
    "TEST_LIVEKIT_URL": "ws://127.0.0.1:7880",
    "TEST_LIVEKIT_API_KEY": "parley",
    "TEST_LIVEKIT_API_SECRET": "x" * 32,
}


def test_every_line_of_the_dockerfile_is_understood():
    client, build, run = read_dockerfile((REPOSITORY / "Dockerfile").read_text())

    assert [one.name for one in (client, build, run)] == ["client", "build", "run"]
    commands = [step.rest for step in build.steps if step.instruction == "RUN"]
    assert commands[1] == ".venv/bin/pip install -r requirements.txt"
    assert commands[2].endswith(".venv/bin/python manage.py collectstatic --noinput --verbosity 0")
    assert run.last("CMD").words() == ["scripts/serve_web.sh"]
    assert run.last("HEALTHCHECK").words() == ["python", "scripts/probe_web.py"]
    variables = next(step for step in run.steps if step.instruction == "ENV").variables()
    assert variables["PATH"] == "/srv/parley/.venv/bin:$PATH"
    with pytest.raises(RecipeError, match="ONBUILD"):
        read_dockerfile("FROM scratch\nONBUILD RUN true\n")


def test_what_is_left_out_of_the_image():
    ignored = Ignored((REPOSITORY / ".dockerignore").read_text())

    left_out = (".env", ".env.local", ".git/HEAD", "var/x", "core/tests/test_a.py", "tests/a.py")
    kept = (".env.example", "core/live/hub.py", "static/css/base.css", "scripts/serve_web.sh")
    assert [path for path in left_out if Path(path) not in ignored] == []
    assert [path for path in kept if Path(path) in ignored] == []


def test_a_process_gets_what_compose_would_give_it():
    compose = Compose.read(REPOSITORY / "compose.yaml", SERVERS)

    assert set(compose.services) == {"web", "worker", "video", "voice", "migrate"}
    web = compose.environment("web")
    assert web["WEB_CONCURRENCY"] == "2", "the default after :-"
    assert web["ALLOWED_HOSTS"] == HOST
    # The names inside compose stand for the servers that are really there.
    assert web["DATABASE_URL"] == SERVERS["DATABASE_URL"]
    assert web["AWS_S3_ENDPOINT_URL"] == SERVERS["TEST_S3_ENDPOINT_URL"]
    assert compose.services["voice"]["stop_grace_period"] == "120s"
    compose.settings.pop("POSTGRES_PASSWORD")
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        compose.environment("worker")
