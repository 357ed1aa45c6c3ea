"""`manage.py doctor` against services that work, refuse, answer rubbish, or are not there."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command

from core import clock, doctor
from core.doctor import Finding, examine, register_probe
from core.single_process import ServerLock

DEAD = "http://127.0.0.1:9"
SECRET = "sk_test_very-secret-canary-0123456789"


class Provider:
    """A loopback server that answers GETs from a table, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.asked.append((self.path, dict(self.headers)))
                path = urlsplit(self.path).path
                status, body = provider.answers.get(path, (404, {}))
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def own_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    doctor.probe_names()
    monkeypatch.setattr(doctor, "_probes", dict(doctor._probes))


def look(*names: str) -> dict[str, tuple[str, str]]:
    doctor.probe_names()
    return {one.name: (one.status, one.what) for one in examine(names)}


def run(*arguments: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("doctor", *arguments, stdout=out)
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    return 0, out.getvalue()


@pytest.mark.django_db(transaction=True)
def test_what_this_machine_runs_on_is_found_well(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    status, text = run(
        "--only", "database", "migrations", "listen", "redis", "storage", "clock", "disk", "queue"
    )

    assert status == 0, text
    assert [line.split()[0] for line in text.splitlines()[:-1]] == ["OK"] * 8
    assert text.splitlines()[-1] == "8 probes, 0 warnings, 0 failures"


def test_every_part_has_its_probe() -> None:
    assert set(doctor.probe_names()) >= {
        *("settings", "database", "migrations", "listen", "redis", "storage", "static", "mail"),
        *("clock", "disk", "worker", "queue", "ffmpeg", "espeak", "openai", "livekit", "speech"),
        *("stripe", "pay-queue", "whatsapp", "message-queue"),
    }


def test_programs_for_pictures_and_sound_are_found() -> None:
    found = look("ffmpeg", "espeak")

    assert [status for status, _ in found.values()] == ["OK", "OK"]


def test_it_says_which_probes_there_are() -> None:
    with pytest.raises(CommandError, match=r"No probe nonsense\. There are: settings, database"):
        call_command("doctor", "--only", "nonsense")


def test_dead_addresses_fail_at_once_and_repeat_no_secret(settings: Any) -> None:
    settings.STRIPE_SECRET_KEY = SECRET
    settings.STRIPE_API_BASE = DEAD
    settings.LLM_ENABLED = True
    settings.OPENAI_API_KEY = SECRET
    settings.OPENAI_BASE_URL = DEAD
    settings.REDIS_URL = f"redis://:{SECRET}@127.0.0.1:9/0"
    settings.LIVEKIT_URL = "ws://127.0.0.1:9"
    settings.LIVEKIT_API_KEY = "key"
    settings.LIVEKIT_API_SECRET = SECRET
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    names = ("stripe", "openai", "redis", "livekit", "mail")
    started = time.monotonic()

    status, text = run("--only", *names, "--json")

    assert status == 1
    answer = json.loads(text)
    assert answer["status"] == "fail"
    assert [(one["name"], one["status"]) for one in answer["probes"]] == [
        (name, "FAIL") for name in names
    ]
    assert all(one["advice"] for one in answer["probes"])
    assert SECRET not in text
    assert time.monotonic() - started < 12


def test_a_secret_inside_an_error_is_taken_out(settings: Any, own_probes: None) -> None:
    settings.STRIPE_SECRET_KEY = SECRET

    def leak() -> Finding:
        raise RuntimeError(f"could not use {SECRET} at all")

    register_probe("leak", leak)
    register_probe("words", lambda: Finding("WARN", "mail", "Nobody gets a password reset."))

    found, words = examine(["leak", "words"])

    assert words.advice == "Nobody gets a password reset."

    assert found.what == "RuntimeError: could not use [secret] at all"


def test_a_probe_that_hangs_is_given_up(own_probes: None) -> None:
    released = threading.Event()
    register_probe("hang", lambda: (released.wait(20), Finding("OK", ""))[1])
    register_probe("quick", lambda: Finding("OK", "here"))

    found = examine(["hang", "quick"], deadline_seconds=0.3)

    released.set()
    assert [(one.name, one.status, one.what) for one in found] == [
        ("hang", "FAIL", "no answer within 0.3 seconds"),
        ("quick", "OK", "here"),
    ]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"data": [{"id": "gpt-4o-mini"}]}), "OK"),
        ((200, {"data": [{"id": "other"}]}), "WARN"),
        ((401, {"error": {}}), "FAIL"),
        ((404, {}), "WARN"),
        ((500, b"<html>"), "FAIL"),
    ],
)
def test_the_model_endpoint(
    settings: Any, provider: Provider, answer: tuple[int, Any], expected: str
) -> None:
    settings.LLM_ENABLED = True
    settings.OPENAI_API_KEY = SECRET
    settings.OPENAI_BASE_URL = f"{provider.url}/v1"
    settings.OPENAI_MODEL = "gpt-4o-mini"
    provider.answers["/v1/models"] = answer

    assert look("openai")["openai"][0] == expected
    assert provider.asked[0][1]["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"livemode": True}), ("OK", "the key works (live)")),
        ((200, {"livemode": False}), ("WARN", "this is a test key")),
        ((401, {}), ("FAIL", "Stripe refuses the key (401)")),
        ((503, b""), ("FAIL", "Stripe answers 503")),
    ],
)
def test_the_stripe_key(
    settings: Any, provider: Provider, answer: tuple[int, Any], expected: tuple[str, str]
) -> None:
    settings.STRIPE_SECRET_KEY = SECRET
    settings.STRIPE_API_BASE = provider.url
    provider.answers["/v1/balance"] = answer

    assert look("stripe")["stripe"] == expected


def whatsapp_error(code: int, message: str = "") -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, {"quality_rating": "GREEN"}), ("OK", "Meta knows the number, quality GREEN")),
        ((200, {"quality_rating": "RED"}), ("WARN", "Meta rates the number's quality RED")),
        ((401, whatsapp_error(190)), ("FAIL", "Meta refuses the token")),
        (
            (400, whatsapp_error(100, "Invalid appsecret_proof provided in the API argument")),
            ("FAIL", "the app secret does not belong to this token's app"),
        ),
        (
            (400, whatsapp_error(100, "Unsupported get request")),
            ("FAIL", "Meta answers 400, error 100"),
        ),
    ],
)
def test_the_whatsapp_number(
    settings: Any, provider: Provider, answer: tuple[int, Any], expected: tuple[str, str]
) -> None:
    settings.WHATSAPP_BACKEND = "cloud"
    settings.WHATSAPP_BASE_URL = provider.url
    settings.WHATSAPP_TOKEN = SECRET
    settings.WHATSAPP_APP_SECRET = "an-app-secret"
    settings.WHATSAPP_PHONE_NUMBER_ID = "4711"
    settings.WHATSAPP_VERIFY_TOKEN = "said-by-meta"
    provider.answers["/4711"] = answer

    assert look("whatsapp")["whatsapp"] == expected
    proof = hmac.new(b"an-app-secret", SECRET.encode(), hashlib.sha256).hexdigest()
    path, headers = provider.asked[0]
    assert parse_qs(urlsplit(path).query)["appsecret_proof"] == [proof]
    assert headers["Authorization"] == f"Bearer {SECRET}"


def test_a_number_without_its_variables_names_them(settings: Any) -> None:
    settings.WHATSAPP_BACKEND = "cloud"
    settings.WHATSAPP_TOKEN = settings.WHATSAPP_PHONE_NUMBER_ID = ""
    settings.WHATSAPP_VERIFY_TOKEN = "there"

    assert look("whatsapp")["whatsapp"] == (
        "FAIL",
        "not set: WHATSAPP_TOKEN, WHATSAPP_PHONE_NUMBER_ID",
    )


def test_voice_that_is_offered_without_an_engine_fails(settings: Any) -> None:
    settings.VOICE_OFFERED, settings.VOICE_ENGINE = True, "none"

    assert look("speech")["speech"][0] == "FAIL"


def test_a_folder_that_takes_no_file_fails(settings: Any, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    settings.STORAGES = {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(blocked)},
        }
    }

    assert look("storage")["storage"][0] == "FAIL"


@pytest.mark.parametrize(
    ("free", "expected"), [(5_000_000_000, "OK"), (900_000_000, "WARN"), (1_000_000, "FAIL")]
)
def test_room_on_the_disk(
    monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path, free: int, expected: str
) -> None:
    settings.DATA_DIR = tmp_path
    monkeypatch.setattr(
        "core.probes.shutil.disk_usage", lambda path: type("Usage", (), {"free": free})
    )

    assert look("disk")["disk"][0] == expected


def test_production_without_collected_files_fails(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = tmp_path
    assert look("static")["static"][0] == "FAIL"
    (tmp_path / "staticfiles.json").write_text("{}")
    assert look("static")["static"][0] == "OK"


def test_on_sqlite_the_server_is_the_worker(settings: Any, tmp_path: Path) -> None:
    if not settings.DATABASE_IS_SQLITE:
        pytest.skip("PostgreSQL has workers of its own")
    settings.DATA_DIR = tmp_path
    assert look("worker")["worker"][0] == "WARN"
    with ServerLock(tmp_path):
        assert look("worker")["worker"] == ("OK", "the server process runs them")


@pytest.mark.django_db(transaction=True)
def test_an_answer_that_waits_for_its_score_is_told_with_its_age() -> None:
    from surveys.models import ResponseState
    from surveys.tests.money_world import make_paid_company, make_response, make_survey

    response = make_response(make_survey(make_paid_company()))
    response.state = ResponseState.EVALUATING
    for minutes, expected in ((0, "OK"), (3, "WARN"), (20, "FAIL")):
        response.evaluation_due_at = clock.now() - timedelta(minutes=minutes)
        response.save(update_fields=["state", "evaluation_due_at"])

        assert look("pay-queue")["pay-queue"][0] == expected
