"""Probes of what every installation stands on: database, Redis, files, mail, clock, disk, workers.

Reads and writes only what it removes again.
"""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from typing import Any, Final

import psycopg
import redis
from django.conf import settings
from django.core import checks
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from core.doctor import (
    CALL_SECONDS,
    SLOW_QUEUE_SECONDS,
    STUCK_QUEUE_SECONDS,
    Finding,
    register_probe,
)
from core.jobs.registry import LANES
from core.single_process import ServerAlreadyRunningError, ServerLock

MAX_SKEW_SECONDS: Final = 2.0
BAD_SKEW_SECONDS: Final = 30.0
LOW_DISK_BYTES: Final = 2_000_000_000
FULL_DISK_BYTES: Final = 300_000_000
HEARTBEAT_SECONDS: Final = 30


def probe_settings() -> Finding:
    """Run Django's system checks, those of a deployment included in production."""
    found = checks.run_checks(include_deployment_checks=settings.PRODUCTION)
    errors = [one for one in found if one.level >= checks.ERROR]
    if errors:
        hints = " ".join(f"{one.id}: {one.hint or one.msg}" for one in errors[:3])
        return Finding("FAIL", f"{len(errors)} errors of manage.py check", hints)
    off = [one for one in found if (one.id or "").startswith("parley.W")]
    if off:
        return Finding(
            "OK", f"no error; {len(off)} parts are switched off (manage.py check --deploy)"
        )
    return Finding("OK", "no error")


def probe_database() -> Finding:
    """Ask the database who it is and how many connections it has left for the pools."""
    with connection.cursor() as cursor:
        if settings.DATABASE_IS_SQLITE:
            cursor.execute("PRAGMA journal_mode")
            mode = cursor.fetchone()[0]
            if mode not in ("wal", "memory"):
                return Finding(
                    "FAIL",
                    f"SQLite in journal mode {mode}",
                    "Put DATA_DIR on a local disk; WAL does not work on network folders.",
                )
            return Finding("OK", f"SQLite, journal mode {mode}: one server process")
        cursor.execute(
            "SELECT current_setting('server_version'), current_setting('max_connections')::int, "
            "(SELECT count(*) FROM pg_stat_activity), pg_is_in_recovery()"
        )
        version, most, used, is_replica = cursor.fetchone()
    if is_replica:
        return Finding("FAIL", "this PostgreSQL is a replica", "Set DATABASE_URL to the primary.")
    pool = settings.DATABASES["default"]["OPTIONS"]["pool"]["max_size"]
    says = f"PostgreSQL {version}, {used} of {most} connections used, pool of {pool} a process"
    if used + pool > most:
        return Finding(
            "WARN",
            says,
            "One more process would find none left: lower DATABASE_POOL_MAX, raise "
            "max_connections, or put a pooler before it.",
        )
    return Finding("OK", says)


def probe_migrations() -> Finding:
    """Compare the code's migrations with the database's."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        first = plan[0][0]
        return Finding(
            "FAIL",
            f"{len(plan)} migrations are missing, the first is {first.app_label}.{first.name}",
            "Run 'python manage.py migrate'.",
        )
    unknown = set(executor.loader.applied_migrations) - set(executor.loader.graph.nodes)
    if unknown:
        return Finding(
            "WARN",
            f"the database knows {len(unknown)} migrations this code does not",
            "Newer code has migrated it: deploy that here too.",
        )
    return Finding("OK", f"all {len(executor.loader.applied_migrations)} are there")


def probe_listen() -> Finding:
    """Send a notification the way workers receive theirs."""
    if settings.DATABASE_IS_SQLITE:
        return Finding("OK", "not needed with SQLite")
    direct = settings.DATABASE_DIRECT_URL
    channel = f"parley_doctor_{secrets.token_hex(6)}"
    given: dict[str, Any] = {} if direct else connection.get_connection_params()
    for name in ("cursor_factory", "context", "prepare_threshold"):
        given.pop(name, None)
    with psycopg.connect(
        direct or "", autocommit=True, connect_timeout=int(CALL_SECONDS), **given
    ) as listening:
        listening.execute(f"LISTEN {channel}")
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, 'here')", [channel])
        heard = list(listening.notifies(timeout=3, stop_after=1))
    if not heard:
        return Finding(
            "FAIL",
            "a notification did not arrive",
            "A pooler in transaction mode stands before the database: set DATABASE_DIRECT_URL to "
            "the address past it.",
        )
    return Finding("OK", f"notifications arrive{' by DATABASE_DIRECT_URL' if direct else ''}")


def probe_redis() -> Finding:
    """Write, read, delete, and hear an own message on a channel."""
    if not settings.REDIS_URL:
        if settings.DATABASE_IS_SQLITE:
            return Finding("OK", "not needed by one server process")
        return Finding(
            "WARN",
            "REDIS_URL is not set: live events reach the clients of one process only",
            "Set REDIS_URL before you start a second web process.",
        )
    client = redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=CALL_SECONDS, socket_connect_timeout=CALL_SECONDS
    )
    name = f"parley:doctor:{secrets.token_hex(6)}"
    channel: Any = client.pubsub(ignore_subscribe_messages=True)  # type: ignore[no-untyped-call]  # library without types
    with client, channel:
        client.set(name, "here", ex=60)
        if client.getdel(name) != b"here":
            return Finding("FAIL", "Redis forgets what it is told", "Look at its maxmemory.")
        channel.subscribe(name)
        # The confirmation of the subscription is read, and ignored, first.
        channel.get_message(timeout=CALL_SECONDS)
        client.publish(name, "here")
        ends_at = time.monotonic() + CALL_SECONDS
        while time.monotonic() < ends_at:
            if channel.get_message(timeout=0.5) is not None:
                version = client.info("server")["redis_version"]
                return Finding("OK", f"Redis {version}: keys and channels work")
    return Finding("FAIL", "a published message did not arrive", "Allow pub/sub for this user.")


def probe_storage() -> Finding:
    """Write, read and delete a small file in every storage."""
    names = [name for name in settings.STORAGES if name != "staticfiles"]
    content = secrets.token_bytes(32)
    for name in names:
        storage = storages[name]
        where = f"storage {name}"
        saved = storage.save(f"doctor/{secrets.token_hex(8)}.bin", ContentFile(content))
        try:
            with storage.open(saved) as handle:
                if handle.read() != content:
                    return Finding("FAIL", f"{where}: read something else", "Look at the bucket.")
        finally:
            storage.delete(saved)
        if storage.exists(saved):
            return Finding("FAIL", f"{where}: a file cannot be deleted", "Allow DeleteObject.")
    bucket = settings.AWS_STORAGE_BUCKET_NAME
    place = f"bucket {bucket}" if bucket else f"folder {settings.MEDIA_ROOT}"
    return Finding("OK", f"{len(names)} storages write, read and delete in {place}")


def probe_static() -> Finding:
    """See that production has its collected files."""
    if not settings.PRODUCTION:
        return Finding("OK", "files are found where they lie")
    if not (Path(settings.STATIC_ROOT) / "staticfiles.json").is_file():
        return Finding(
            "FAIL",
            f"no collected files in {settings.STATIC_ROOT}",
            "Run 'python manage.py collectstatic --noinput' with the code that serves.",
        )
    return Finding("OK", f"collected in {settings.STATIC_ROOT}")


def probe_mail() -> Finding:
    """Log in at the mail server; nothing is sent."""
    if not settings.EMAIL_HOST:
        return Finding(
            "WARN" if settings.PRODUCTION else "OK",
            "mail is written to files in DATA_DIR/mail",
            "Set EMAIL_HOST and its neighbours: nobody gets a password reset."
            * settings.PRODUCTION,
        )
    mail = get_connection(timeout=CALL_SECONDS)
    mail.open()
    mail.close()
    return Finding("OK", f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} lets us in")


def probe_clock() -> Finding:
    """Compare this machine's clock with those of the services."""
    skews: dict[str, float] = {}
    if not settings.DATABASE_IS_SQLITE:
        with connection.cursor() as cursor:
            cursor.execute("SELECT extract(epoch FROM clock_timestamp())")
            skews["PostgreSQL"] = float(cursor.fetchone()[0]) - time.time()
    if settings.REDIS_URL:
        with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=CALL_SECONDS) as client:
            seconds, micros = client.time()
        skews["Redis"] = seconds + micros / 1_000_000 - time.time()
    if not skews:
        return Finding("OK", "no other machine to compare with")
    worst = max(skews, key=lambda name: abs(skews[name]))
    says = f"{abs(skews[worst]):.1f} s apart from {worst}"
    if abs(skews[worst]) < MAX_SKEW_SECONDS:
        return Finding("OK", says)
    return Finding(
        "FAIL" if abs(skews[worst]) > BAD_SKEW_SECONDS else "WARN",
        says,
        "Run NTP on every machine: leases, tokens and signatures compare times.",
    )


def probe_disk() -> Finding:
    """See how much room the data folder has."""
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(settings.DATA_DIR).free
    says = f"{free / 1e9:.1f} GB free at {settings.DATA_DIR}"
    if free >= LOW_DISK_BYTES:
        return Finding("OK", says)
    return Finding(
        "FAIL" if free < FULL_DISK_BYTES else "WARN",
        says,
        "Free some: `manage.py purge_expired` deletes what has had its time, old backups may go.",
    )


def probe_worker() -> Finding:
    """Look for signs of life of whoever runs background jobs."""
    if settings.DATABASE_IS_SQLITE:
        try:
            with ServerLock(settings.DATA_DIR):
                pass
        except ServerAlreadyRunningError:
            return Finding("OK", "the server process runs them")
        return Finding("WARN", "no server runs, so no jobs either", "Start the server.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), coalesce(extract(epoch FROM now() - max(last_heartbeat)), 0)::int "
            "FROM procrastinate_workers WHERE last_heartbeat > now() - %s * interval '1 second'",
            [HEARTBEAT_SECONDS],
        )
        alive, ago = cursor.fetchone()
    if not alive:
        return Finding(
            "FAIL",
            f"no worker has given a sign of life for {HEARTBEAT_SECONDS} s",
            f"Start 'manage.py run_worker' (lanes: {', '.join(LANES)}).",
        )
    return Finding("OK", f"{alive} lanes of workers are served, the last sign {ago} s ago")


def probe_queue() -> Finding:
    """See how long the oldest job has waited for a worker."""
    if settings.DATABASE_IS_SQLITE:
        return Finding("OK", "jobs wait in the memory of the server")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT job.queue_name, count(*), "
            "coalesce(extract(epoch FROM now() - min(event.at)), 0)::int "
            "FROM procrastinate_jobs job JOIN procrastinate_events event "
            "ON event.job_id = job.id AND event.type = 'deferred' WHERE job.status = 'todo' "
            "AND (job.scheduled_at IS NULL OR job.scheduled_at <= now()) GROUP BY 1 ORDER BY 3"
        )
        waiting = cursor.fetchall()
    if not waiting:
        return Finding("OK", "no job waits")
    lane, count, age = waiting[-1]
    says = f"lane {lane}: {count} jobs wait, the oldest for {age} s"
    if age < SLOW_QUEUE_SECONDS:
        return Finding("OK", says)
    return Finding(
        "FAIL" if age >= STUCK_QUEUE_SECONDS else "WARN",
        says,
        f"Start another 'manage.py run_worker --lanes {lane}'.",
    )


register_probe("settings", probe_settings)
register_probe("database", probe_database)
register_probe("migrations", probe_migrations)
register_probe("listen", probe_listen)
register_probe("redis", probe_redis)
register_probe("storage", probe_storage)
register_probe("static", probe_static)
register_probe("mail", probe_mail)
register_probe("clock", probe_clock)
register_probe("disk", probe_disk)
register_probe("worker", probe_worker)
register_probe("queue", probe_queue)
