from __future__ import annotations

import io
import json
import logging
import logging.config

import pytest
from django.test import Client

from core.logs import JsonFormatter, build_logging_config, redact, request_id_var

# In the shape of `core.tokens.mint`, but the same in every process that collects the tests.
TOKEN = "sk_" + "Zt3" * 14 + "Q"


@pytest.fixture
def lines():
    """Return a logger and the function that reads what it wrote."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("parley.test_logs")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    yield logger, lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logger.removeHandler(handler)


def test_a_record_is_one_compact_object_with_its_fields(lines):
    logger, read = lines
    binding = request_id_var.set("req-1")
    logger.info("orchestrate_turn.completed", extra={"success": True, "lane": "info", "ms": 1.5})
    request_id_var.reset(binding)

    (line,) = read()
    assert line.pop("ts").endswith("Z")
    assert line == {
        "level": "info",
        "at": "orchestrate_turn.completed",
        "logger": "parley.test_logs",
        "success": True,
        "lane": "info",
        "ms": 1.5,
        "request_id": "req-1",
    }


def test_the_seeds_own_search_finds_the_line():
    record = logging.makeLogRecord({"msg": "orchestrate_turn.completed", "name": "parley"})
    vars(record).update(success=True, lane="info")

    assert '"at":"orchestrate_turn.completed"' in JsonFormatter().format(record)


def test_a_line_stays_one_line(lines):
    logger, read = lines

    logger.info('forged\n{"at": "x"}', extra={"field": "a\nb\u2028c"})

    assert len(read()) == 1


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"key {TOKEN} end", "key [token] end"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: [token]"),
        ("bearer.xyz123 offered", "[token] offered"),
        ("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9eyJzdWIiOiIx", "[token]"),
        ("ana.ruiz+x@acme.example wrote", "[email] wrote"),
        ("ana%40acme.example", "[email]"),
        ("call +57 (310) 555-0142 now", "call [phone …0142] now"),
        ("wa 573105550142", "wa [phone …0142]"),
        ("GET /x?token=secret HTTP", "GET /x?… HTTP"),
        ("survey_01arz3ndektsv4rrffq69g5fav", "survey_01arz3ndektsv4rrffq69g5fav"),
        (
            "txn_session_01arz3ndektsv4rrffq69g5fav_1795212345",
            "txn_session_01arz3ndektsv4rrffq69g5fav_1795212345",
        ),
        ("2026-11-21 09:30:00", "2026-11-21 09:30:00"),
        ("took 12.5 ms, 3 of 10", "took 12.5 ms, 3 of 10"),
        ("127.0.0.1:8000", "127.0.0.1:8000"),
    ],
)
def test_what_is_secret_or_personal_is_hidden_and_ids_are_not(text, shown):
    assert redact(text) == shown


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "session_token",
        "password",
        "authorization",
        "api_key",
        "phone",
        "wa_id",
        "email",
        "transcript",
        "text",
        "prompt",
        "system_prompt",
        "body",
        "STRIPE_SECRET",
        "query_string",
    ],
)
def test_a_field_with_a_telling_name_is_hidden_whatever_it_holds(lines, name):
    logger, read = lines

    logger.info("x", extra={name: "canary", "inner": {name: ["canary"]}})

    assert "canary" not in json.dumps(read())


def test_counts_are_shown_and_numbers_of_telephones_are_not(lines):
    logger, read = lines

    logger.info("x", extra={"prompt_tokens": 120, "phone": 573105550142})

    (line,) = read()
    assert line["prompt_tokens"] == 120
    assert line["phone"] == "[redacted]"


def test_an_exception_is_named_and_placed_and_never_quoted(lines):
    logger, read = lines
    try:
        raise ValueError("canary said by a person")
    except ValueError:
        logger.exception("turn.failed")

    (line,) = read()
    assert line["error"] == "ValueError"
    assert line["error_place"][-1].startswith("test_logs.py:")
    assert "canary" not in json.dumps(line)


def test_long_and_strange_values_do_not_break_a_line(lines):
    logger, read = lines

    logger.info(
        "x",
        extra={
            "long": "é" * 10_000,
            "many": list(range(1000)),
            "object": object(),
            "none": None,
            "half": "\ud83d",
        },
    )

    (line,) = read()
    assert len(line["long"]) == 300
    assert len(line["many"]) == 20
    assert line["none"] is None


def test_the_configuration_can_be_applied(tmp_path):
    file = tmp_path / "log" / "parley.log"
    config = build_logging_config(level="debug", file=file, stream="stderr")

    assert config["loggers"]["surveys"]["level"] == "DEBUG"
    assert config["loggers"]["uvicorn.access"]["handlers"] == ["null"]
    assert config["root"]["handlers"] == ["stream", "file"]
    logging.config.DictConfigurator(config)
    assert file.parent.is_dir()
    assert not file.exists()
    silent = build_logging_config(level="info", file=None, stream="none")
    assert silent["root"]["handlers"] == ["null"]


@pytest.mark.django_db
@pytest.mark.urls("core.tests.urls")
def test_no_request_leaves_its_secrets_in_a_log():
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    client = Client(raise_request_exception=False)
    try:
        for path in (
            "/api/test/plain/boom?key=canary-query",
            "/api/canary-path?token=canary-query",
            "/page/reset/canary-path/",
            "/page/raises/suspicious?x=canary-query",
        ):
            client.get(
                path,
                headers={
                    "Authorization": "Bearer canary-bearer",
                    "Cookie": "sessionid=canary-cookie",
                    "Host": "testserver",
                },
            )
        client.post("/api/test/things", '{"title": "canary-body"', content_type="application/json")
        client.post("/admin/login/", {"username": "canary@user.example", "password": "canary-pass"})
    finally:
        root.removeHandler(handler)

    written = stream.getvalue()
    assert '"at":"request.completed"' in written
    assert '"at":"Internal Server Error"' in written
    assert '"error":"ZeroDivisionError"' in written
    assert "canary" not in written


def test_a_stream_can_be_told_less_than_the_file(tmp_path):
    config = build_logging_config(
        level="info", file=tmp_path / "log" / "a.log", stream="stdout", terse=True
    )
    assert config["handlers"]["stream"]["level"] == "WARNING"
    assert "level" not in config["handlers"]["file"]
    assert config["root"]["handlers"] == ["stream", "file"]
