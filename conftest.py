"""The world of every test: its environment, and the four people in it.

The environment is set before anything loads the settings, which is why pytest.ini names no
DJANGO_SETTINGS_MODULE: pytest-django would load them before it reads this file.

Ana owns the company `acme`, Beto works with her, Carla owns `globex`, Vera visits and belongs to
none. DATABASE_URL and REDIS_URL stay as they are: `make test-services` points the same suite at
PostgreSQL and Redis.
"""

from __future__ import annotations

import atexit
import functools
import gc
import os
import shutil
import socket
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
import pytest
from django.conf import settings as live_settings
from django.core.cache import caches
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoDbBlocker
    from rest_framework.test import APIClient

    from accounts.models import Company, User
    from tests.migrated_database import MigratedDatabase

# What holds other processes of the run back, and where to keep the database if it is new.
_MIGRATED: pytest.StashKey[tuple[ExitStack, MigratedDatabase | None]] = pytest.StashKey()

DATA_DIR = Path(tempfile.mkdtemp(prefix="parley-tests-"))
atexit.register(shutil.rmtree, DATA_DIR, ignore_errors=True)


def start_own_redis() -> str:
    """Start a Redis that ends with this process. Returns its address."""
    from scripts.services.redis import RedisService

    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = RedisService(DATA_DIR / "services", {"SERVICES_REDIS_PORT": str(port)})
    server.start()
    # Called in the opposite order: the server has ended when its folder is removed.
    atexit.register(shutil.rmtree, server.require_state().folder, ignore_errors=True)
    atexit.register(server.stop)
    return server.variables()["REDIS_URL"]


TEST_ENVIRONMENT = {
    # No .env: a test must not depend on the keys of the machine it runs on.
    "PARLEY_ENV_FILE": "",
    "DEBUG": "false",
    "SECRET_KEY": "a-secret-key-that-only-tests-know-0123456789-abcdefghij",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "SITE_URL": "http://testserver",
    "SECURE_SSL_REDIRECT": "false",
    "DATA_DIR": str(DATA_DIR),
    "STATIC_ROOT": str(DATA_DIR / "static"),
    "JOBS_MODE": "inline",
    "LOG_STREAM": "none",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
# What would reach outside or change what a page shows.
UNSET = (
    "ADMIN_REQUIRE_2FA",
    "AWS_STORAGE_BUCKET_NAME",
    "CORS_ALLOWED_ORIGINS",
    "EMAIL_HOST",
    "LIVEKIT_API_KEY",
    "LIVEKIT_API_SECRET",
    "LIVEKIT_URL",
    "METRICS_TOKEN",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "PARLEY_DEMO",
    "PAYOUT_PROVIDER",
    "STRIPE_SECRET_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "TRUSTED_PROXY_COUNT",
)

# A million objects of code and tests stay to the end: nothing is gained by walking through them
# again and again (see pytest_collection_finish). Nor may anything be collected and logged while
# the tests are parsed: tests/architecture/sources.py says why.
gc.disable()

os.environ.update(TEST_ENVIRONMENT)
for name in UNSET:
    os.environ.pop(name, None)
if "PYTEST_XDIST_WORKER" in os.environ and os.environ.get("REDIS_URL"):
    # Channels of Redis know no separate databases: processes that share the tests need a server
    # each. Their PostgreSQL databases pytest-django names apart.
    os.environ["REDIS_URL"] = start_own_redis()
(DATA_DIR / "static").mkdir()
django.setup()

# An example takes longer on a machine whose cores are all taken; that says nothing of the code.
hypothesis_settings.register_profile(
    "parley", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("parley")

# The default hasher is slow on purpose: ten people would cost four seconds.
live_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
live_settings.STORAGES["staticfiles"] = {
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
if live_settings.DATABASE_IS_SQLITE:
    # A file: threads of a test must meet in one database, as those of a server do.
    live_settings.DATABASES["default"].setdefault("TEST", {})["NAME"] = str(
        DATA_DIR / "test.sqlite3"
    )
    live_settings.DATABASES["default"]["OPTIONS"].update(
        timeout=20,
        # What a machine loses when its power fails is no matter here.
        init_command="PRAGMA journal_mode=WAL;PRAGMA synchronous=OFF;",
    )


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the second process begin with what needs no database, while the first one migrates it."""
    without = [item for item in items if not _needs_database(item)]
    others = [item for item in items if _needs_database(item)]
    # Each of two processes gets one half to begin with.
    half = min(len(items) // 2, len(others))
    items[:] = others[:half] + without + others[half:]


def _needs_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return (
        item.get_closest_marker("django_db") is not None
        or "db" in fixtures
        or "transactional_db" in fixtures
    )


def pytest_collection_finish() -> None:
    """Leave what is loaded by now out of every later collection of garbage."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def django_db_keepdb(
    request: pytest.FixtureRequest, django_db_keepdb: bool, django_db_modify_db_settings: None
) -> Iterator[bool]:
    """Start from a database migrated by an earlier run, where there is one of these migrations.

    Whoever comes first holds the others back until `django_db_setup` has kept what it migrated.
    """
    if not live_settings.DATABASE_IS_SQLITE:
        yield django_db_keepdb
        return
    from tests.migrated_database import MigratedDatabase

    migrated = MigratedDatabase(request.config.cache.mkdir("migrated-database"))
    with ExitStack() as stack:
        stack.enter_context(migrated.alone())
        known = migrated.copy_to(Path(live_settings.DATABASES["default"]["TEST"]["NAME"]))
        request.config.stash[_MIGRATED] = (stack, None if known else migrated)
        yield known or django_db_keepdb


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_db_setup: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Keep what the first run has migrated for the next ones, and put it back after each test."""
    from tests.restored_tables import RestoredTables

    stack, migrated = request.config.stash.get(_MIGRATED, (ExitStack(), None))
    with stack:
        if migrated is not None:
            migrated.keep(Path(live_settings.DATABASES["default"]["TEST"]["NAME"]))
    with django_db_blocker.unblock():
        tables = RestoredTables("default")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: tables.restore())
        yield
    if not live_settings.DATABASE_IS_SQLITE:
        with django_db_blocker.unblock():
            _end_other_sessions()


def _end_other_sessions() -> None:
    """End what threads and processes of tests left open: PostgreSQL drops no database in use."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.fixture(scope="session", autouse=True)
def _certificates_read_once() -> Iterator[None]:
    """Share a context of one kind: each new HTTP client would read a hundred certificates anew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", functools.cache(ssl.create_default_context))
        yield


@pytest.fixture(autouse=True)
def _no_memory_between_tests() -> Iterator[None]:
    """Forget what outlives a test: nudges, caches, counters in Redis, remembered health."""
    from core import health, ratelimit, remembered
    from core.jobs.testing import lose_pending

    lose_pending()
    yield
    health.forget_results()
    remembered.forget_all()
    if live_settings.REDIS_URL:
        ratelimit.forget_counters()
    caches["default"].clear()


@pytest.fixture
def ana(db: None) -> User:
    """Return Ana, who owns `acme`."""
    from accounts.tests.factories import make_user

    return make_user("ana@acme.test", full_name="Ana Ruiz")


@pytest.fixture
def acme(ana: User) -> Company:
    """Return Ana's company."""
    from accounts.tests.factories import make_company

    return make_company("Acme", owner=ana)


@pytest.fixture
def beto(acme: Company) -> User:
    """Return Beto, Ana's colleague, a member of `acme`."""
    from accounts.tests.factories import add_member, make_user

    user = make_user("beto@acme.test", full_name="Beto Lima")
    add_member(acme, user)
    return user


@pytest.fixture
def carla(db: None) -> User:
    """Return Carla, who owns `globex`."""
    from accounts.tests.factories import make_user

    return make_user("carla@globex.test", full_name="Carla Weiss")


@pytest.fixture
def globex(carla: User) -> Company:
    """Return Carla's company."""
    from accounts.tests.factories import make_company

    return make_company("Globex", owner=carla)


@pytest.fixture
def vera(db: None) -> User:
    """Return Vera, who has a login and belongs to no company; most visitors have none."""
    from accounts.tests.factories import make_user

    return make_user("vera@visitor.test", full_name="Vera Okafor")


@pytest.fixture
def browser_of() -> Callable[..., Client]:
    """Return a function that gives a browser signed in as somebody, or as nobody."""
    from django.test import Client

    def make(user: User | None = None, **options: Any) -> Client:
        client = Client(**options)
        if user is not None:
            client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make


@pytest.fixture
def api() -> APIClient:
    """Return a REST client without any credential; errors come back as answers."""
    from rest_framework.test import APIClient

    return APIClient(raise_request_exception=False)


@pytest.fixture
def api_of() -> Callable[..., APIClient]:
    """Return a function that gives a REST client for a company key, a token or a person."""
    from rest_framework.test import APIClient

    from accounts.models import Company
    from accounts.tests.factories import make_key

    def make(holder: Company | User | str) -> APIClient:
        """Use a company's fresh key, a bearer token, or a person's cookie with CSRF checks on."""
        client = APIClient(raise_request_exception=False)
        if isinstance(holder, Company):
            holder = make_key(holder)[1]
        if isinstance(holder, str):
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {holder}")
        else:
            client.force_login(holder, backend="django.contrib.auth.backends.ModelBackend")
        return client

    return make
