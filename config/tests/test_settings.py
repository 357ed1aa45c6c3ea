"""Settings are read once, at the start of a process, so each case here is a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET = "".join(map(str, range(40)))
PRODUCTION = {"SECRET_KEY": SECRET, "ALLOWED_HOSTS": "parley.example"}
SHOW = """
import json, sys
import config.settings as found
print(json.dumps({name: getattr(found, name) for name in sys.argv[1:]}, default=str))
"""


def start(tmp_path, command, environment):
    """Run a command of the checkout with nothing in its environment but what is given."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env={
            **kept,
            "PARLEY_ENV_FILE": "",
            "DATA_DIR": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "error",
            **environment,
        },
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def show(tmp_path, environment, *names):
    done = start(tmp_path, ["-c", SHOW, *names], environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_without_a_secret_key_nothing_starts_and_the_message_says_what_to_do(tmp_path):
    done = start(tmp_path, ["manage.py", "check"], {"ALLOWED_HOSTS": "parley.example"})

    assert done.returncode == 1
    assert "SECRET_KEY is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "secret-key").exists()


def test_without_allowed_hosts_production_does_not_start(tmp_path):
    done = start(tmp_path, ["manage.py", "check"], {"SECRET_KEY": SECRET})

    assert done.returncode == 1
    assert "ALLOWED_HOSTS is not set" in done.stderr
    assert SECRET not in done.stderr


def test_an_unusable_value_stops_the_start(tmp_path):
    done = start(tmp_path, ["manage.py", "check"], {**PRODUCTION, "PORT": "canary"})

    assert done.returncode == 1
    assert "PORT is not usable: set it to a whole number from 1 to 65535" in done.stderr
    assert "canary" not in done.stderr


def test_production_is_hardened(tmp_path):
    found = show(
        tmp_path,
        PRODUCTION,
        *("DEBUG", "DEMO", "PRODUCTION", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"),
        *("SECURE_SSL_REDIRECT", "SECURE_HSTS_SECONDS", "SITE_URL", "CHAT_PUBLIC"),
    )

    assert found == {
        "DEBUG": False,
        "DEMO": False,
        "PRODUCTION": True,
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SITE_URL": "https://parley.example",
        "CHAT_PUBLIC": False,
    }


def test_the_deployment_check_of_production_finds_nothing_but_what_is_switched_off(tmp_path):
    done = start(tmp_path, ["manage.py", "check", "--deploy"], PRODUCTION)

    assert done.returncode == 0, done.stderr
    found = {
        line.partition("(")[2].partition(")")[0]
        for line in done.stderr.splitlines()
        if line.startswith("?: (")
    }
    # Warnings of generated documents belong to `make check`.
    # Which fonts there are is the machine's own affair, and only told.
    told = ("drf_spectacular.", "video.I001")
    assert {name for name in found if not name.startswith(told)} == {
        f"parley.W{number:03}" for number in range(1, 11)
    }


def test_the_demo_keeps_a_key_of_its_own_and_answers_on_loopback_only(tmp_path):
    names = ("SECRET_KEY", "DEMO", "PRODUCTION", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT")
    environment = {"PARLEY_DEMO": "1", "ALLOWED_HOSTS": "public.example"}

    first = show(tmp_path, environment, *names)
    second = show(tmp_path, environment, *names)

    assert first == second
    assert len(first["SECRET_KEY"]) >= 50
    assert first["ALLOWED_HOSTS"] == ["localhost", "127.0.0.1", "[::1]"]
    assert first["DEMO"] is True
    assert first["PRODUCTION"] is False
    assert first["SECURE_SSL_REDIRECT"] is False


def test_a_command_beside_a_demos_data_belongs_to_the_demo_and_a_server_does_not(tmp_path):
    show(tmp_path, {"PARLEY_DEMO": "1"}, "DEMO")

    command = start(tmp_path, ["manage.py", "check"], {})
    server = start(tmp_path, ["-c", "import config.settings"], {})

    assert command.returncode == 0, command.stderr
    assert server.returncode == 1
    assert "SECRET_KEY is not set" in server.stderr


def test_logs_of_a_command_do_not_mix_with_what_it_prints(tmp_path):
    done = start(
        tmp_path,
        [
            "-c",
            "import sys; sys.argv = ['manage.py', 'x']; "
            + SHOW.replace("sys.argv[1:]", "['LOG_STREAM']"),
        ],
        {"DEBUG": "true"},
    )

    assert json.loads(done.stdout) == {"LOG_STREAM": "stderr"}
    assert show(tmp_path, {"DEBUG": "true"}, "LOG_STREAM") == {"LOG_STREAM": "stdout"}


def test_sqlite_is_the_default_and_begins_its_transactions_with_the_lock(tmp_path):
    (database,) = show(tmp_path, PRODUCTION, "DATABASES").values()

    assert database["default"]["NAME"] == str(tmp_path / "parley.sqlite3")
    assert database["default"]["OPTIONS"] == {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;",
    }


def test_services_are_switched_on_by_variables_alone(tmp_path):
    found = show(
        tmp_path,
        {
            **PRODUCTION,
            "DATABASE_URL": "postgres://u:p@127.0.0.1:5432/parley",
            "DATABASE_DIRECT_URL": "postgres://u:p@127.0.0.1:5433/parley",
            "REDIS_URL": "redis://127.0.0.1:6379/0",
            "LIVEKIT_URL": "wss://rooms.example",
            "AWS_STORAGE_BUCKET_NAME": "parley",
            "TRUSTED_PROXY_COUNT": "1",
        },
        *("DATABASES", "CHANNEL_LAYERS", "CACHES", "CONTENT_SECURITY_POLICY", "STORAGES"),
        *("INSTALLED_APPS", "SECURE_PROXY_SSL_HEADER", "PROCRASTINATE_ENABLED"),
    )

    database = found["DATABASES"]["default"]
    assert database["OPTIONS"]["pool"] == {"min_size": 2, "max_size": 20, "timeout": 10}
    assert database["ENGINE"] == "core.postgresql"
    assert database["DISABLE_SERVER_SIDE_CURSORS"] is True
    assert database.get("CONN_MAX_AGE", 0) == 0
    assert found["PROCRASTINATE_ENABLED"] is True
    assert "procrastinate.contrib.django" in found["INSTALLED_APPS"]
    assert found["CHANNEL_LAYERS"]["default"]["BACKEND"] == (
        "channels_redis.pubsub.RedisPubSubChannelLayer"
    )
    assert found["CACHES"]["default"]["LOCATION"] == "redis://127.0.0.1:6379/0"
    connect = found["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["connect-src"]
    assert {"wss://rooms.example", "https://rooms.example", "wss://parley.example"} <= set(connect)
    assert found["STORAGES"]["default"]["BACKEND"] == "core.files_s3.PrivateS3Storage"
    assert found["SECURE_PROXY_SSL_HEADER"] == ["HTTP_X_FORWARDED_PROTO", "https"]


def test_only_production_remembers_the_sizes_of_static_files(tmp_path):
    names = ("WHITENOISE_AUTOREFRESH", "WHITENOISE_MAX_AGE")

    assert show(tmp_path, {"PARLEY_DEMO": "1"}, *names) == dict(zip(names, (True, 0), strict=True))
    assert show(tmp_path, PRODUCTION, *names) == dict(zip(names, (False, 60), strict=True))
