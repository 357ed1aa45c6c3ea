"""Runs and results in any number for the benchmarks of workflows: made by NumPy, loaded in bulk.

PostgreSQL takes the bare numbers by a binary COPY and makes the rows of them itself, which lets ten
millions be there in minutes; SQLite takes rows made by Python.

200 workflows, 20 markets, 3 skill levels, 4 metrics, 5 currencies, popularity after Zipf: the mix
the design's figures stand for. Rows go into tables of the product itself, in a database of their
own, without foreign keys, which a copy of a million rows would check one by one.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime(2026, 11, 21, 2, 30, tzinfo=UTC)
WORKFLOWS, MARKETS, SKILLS = 200, 20, 3
CURRENCIES = ("USD", "EUR", "INR", "GBP", "JPY")
CHUNK = 500_000
OUTCOME_COLUMNS = (
    "id", "public_id", "person_id", "execution_id", "workflow_id", "market_id", "skill_level_id",
    "metric_type", "unit", "unit_label", "value_minor", "proof_type", "client_op_id", "logged_at",
    "updated_at", "voided_at", "is_counted",
)  # fmt: skip
EXECUTION_COLUMNS = (
    "id", "public_id", "person_id", "workflow_id", "version_id", "market_id", "skill_level_id",
    "state", "rev", "done_steps", "step_notes", "last_device", "started_at", "last_active_at",
    "ended_at", "first_outcome_at", "abandon_reason",
)  # fmt: skip


def configure(database_url: str, data_dir: str) -> None:
    """Point Django at a database of the benchmark's own and set it up."""
    os.environ.update(
        {
            "PARLEY_ENV_FILE": "",
            "DEBUG": "false",
            "SECRET_KEY": "a-key-of-a-benchmark-that-guards-nothing-at-all-0123456789",
            "ALLOWED_HOSTS": "localhost",
            "LOG_STREAM": "none",
            "JOBS_MODE": "inline",
            "DATA_DIR": data_dir,
            "DATABASE_URL": database_url,
            "REDIS_URL": "",
            "DJANGO_SETTINGS_MODULE": "config.settings",
        }
    )
    import django

    django.setup()


def peak_mib() -> float:
    """Return the most memory this process ever held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024 * 1024 if sys.platform == "darwin" else 1024)


def chunks(count: int) -> Iterator[dict[str, Any]]:
    """Yield arrays of results and of the runs they belong to, `CHUNK` rows at a time."""
    import numpy as np  # not above: it would weigh on what the aggregation's process holds

    weights = 1.0 / np.arange(1, WORKFLOWS + 1)
    market_weights = 1.0 / np.arange(1, MARKETS + 1)
    for number, start in enumerate(range(0, count, CHUNK)):
        rng = np.random.default_rng(1000 + number)
        size = min(CHUNK, count - start)
        metric = rng.integers(0, 4, size)
        currency = rng.choice(len(CURRENCIES), size, p=(0.4, 0.25, 0.2, 0.1, 0.05))
        unit = np.where(metric == 0, currency, 4 + metric)
        yield {
            "id": np.arange(start + 1, start + size + 1),
            "person": rng.integers(1, max(2, count // 5), size),
            "workflow": rng.choice(WORKFLOWS, size, p=weights / weights.sum()) + 1,
            "market": rng.choice(MARKETS, size, p=market_weights / market_weights.sum()) + 1,
            "skill": rng.integers(1, SKILLS + 1, size),
            "metric": metric,
            "unit": unit,
            "value": np.exp(rng.normal(8.0, 1.2, size)).astype(np.int64),
            "state": rng.choice(4, size, p=(0.5, 0.3, 0.15, 0.05)),
            "age": rng.integers(0, 120 * 86_400, size),
            "has_result": rng.random(size) < 0.6,
        }


METRICS = ("revenue", "time_saved", "customers", "custom")
UNITS = (*CURRENCIES, "hours", "customers", "interviews")
STATES = ("completed", "abandoned", "in_progress", "paused")


def outcome_rows(part: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a chunk's results."""
    at = NOW.isoformat(sep=" ")
    for row, person, workflow, market, skill, metric, unit, value in zip(
        *(part[name].tolist() for name in ("id", "person", "workflow", "market", "skill")),
        *(part[name].tolist() for name in ("metric", "unit", "value")),
        strict=True,
    ):
        words = UNITS[unit]
        yield (
            *(row, f"outcome_{row:026d}", person, row, workflow, market, skill, METRICS[metric]),
            *(words, words, value, "none", "", at, at, None, True),
        )


def execution_rows(part: dict[str, Any]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a chunk's runs."""
    stamps = [
        (NOW - timedelta(seconds=second)).replace(tzinfo=None).isoformat(sep=" ")
        for second in range(0, 121 * 86_400, 600)
    ]
    for row, person, workflow, market, skill, state, age, has_result in zip(
        *(part[name].tolist() for name in ("id", "person", "workflow", "market", "skill")),
        *(part[name].tolist() for name in ("state", "age", "has_result")),
        strict=True,
    ):
        at = stamps[age // 600]
        word = STATES[state]
        ended = at if state < 2 else None
        yield (
            *(row, f"execution_{row:026d}", person, workflow, 1, market, skill, word, 1, "[]"),
            *("{}", "", at, at, ended, at if has_result and state == 0 else None, ""),
        )


def prepare(count: int) -> None:
    """Make the tables and fill them; indexes no model names come off, and all while they fill."""
    from django.core.management import call_command
    from django.db import connection

    from workflows.models import Execution, Outcome

    call_command("migrate", verbosity=0)
    dropped: list[str] = []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            _drop_constraints(cursor, (Outcome._meta.db_table, Execution._meta.db_table))
        else:
            cursor.execute("PRAGMA foreign_keys = OFF")
            dropped = _drop_indexes(cursor, (Outcome._meta.db_table, Execution._meta.db_table))
    _fill_lists()
    for part in chunks(count):
        if connection.vendor == "postgresql":
            _load_on_server(part, Outcome._meta.db_table, Execution._meta.db_table)
        else:
            _load(Outcome._meta.db_table, OUTCOME_COLUMNS, outcome_rows(part))
            _load(Execution._meta.db_table, EXECUTION_COLUMNS, execution_rows(part))
    with connection.cursor() as cursor:
        # Built at the end: kept up row by row, in an order of chance, they take minutes.
        if connection.vendor == "postgresql":
            for model in (Outcome, Execution):
                _build_indexes(model)
                _vacuum(cursor, model._meta.db_table)
        else:
            for statement in dropped:
                cursor.execute(statement)
            cursor.execute("ANALYZE")


def _fill_lists() -> None:
    from accounts.models import Market, SkillLevel
    from workflows.models import Workflow, WorkflowVersion

    for number in range(1, MARKETS + 1):
        Market.objects.get_or_create(
            pk=number, defaults={"slug": f"market-{number}", "label": f"Market {number}"}
        )
    for number in range(1, SKILLS + 1):
        SkillLevel.objects.get_or_create(
            pk=number, defaults={"slug": f"skill-{number}", "label": f"Skill {number}"}
        )
    for number in range(1, WORKFLOWS + 1):
        workflow, _ = Workflow.objects.update_or_create(
            pk=number, defaults={"name": f"guide_{number}", "tier": "starter", "position": number}
        )
        if workflow.current_version_id is None:
            workflow.current_version = WorkflowVersion.objects.create(
                workflow=workflow,
                number=1,
                title=f"Guide {number}",
                description="A guide of the benchmark.",
                steps=[],
            )
            workflow.save(update_fields=["current_version"])
    # The catalogue of the product, loaded by the migration, is among the first few.


def _drop_constraints(cursor: Any, tables: tuple[str, ...]) -> None:
    for table in tables:
        cursor.execute(
            "SELECT conname FROM pg_constraint WHERE conrelid = %s::regclass AND contype = 'f'",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s AND indexname NOT LIKE '%%pkey'",
            [table],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT IF EXISTS "{name}"')
            cursor.execute(f'DROP INDEX IF EXISTS "{name}"')


def _drop_indexes(cursor: Any, tables: tuple[str, ...]) -> list[str]:
    """Drop what SQLite keeps up for each row, and return what makes it anew.

    Indexes that belong to a constraint of their table stay.
    """
    statements = []
    for table in tables:
        cursor.execute(
            "SELECT name, sql FROM sqlite_master "
            "WHERE type = 'index' AND tbl_name = %s AND sql IS NOT NULL",
            [table],
        )
        for name, statement in cursor.fetchall():
            cursor.execute(f'DROP INDEX "{name}"')
            statements.append(statement)
    return statements


def _build_indexes(model: Any) -> None:
    """Build the indexes the model names: the nightly one, and a person's own rows."""
    from django.db import connection

    with connection.schema_editor(atomic=False) as editor:
        for index in model._meta.indexes:
            editor.add_index(model, index)


def _vacuum(cursor: Any, table: str) -> None:
    """Vacuum until every page is marked as visible to all, as it is on a night.

    An autovacuum that looks at the table just then holds a snapshot that keeps pages unmarked,
    and reading the index alone then means reading the table too.
    """
    for _ in range(20):
        cursor.execute(f"VACUUM (ANALYZE) {table}")
        cursor.execute(
            "SELECT relallvisible >= relpages FROM pg_class WHERE oid = %s::regclass", [table]
        )
        if cursor.fetchone()[0]:
            return
        time.sleep(1)
    raise RuntimeError(f"{table} still has pages that are not visible to all after 20 vacuums")


def _load(table: str, columns: tuple[str, ...], rows: Iterator[tuple[Any, ...]]) -> None:
    """Insert rows on SQLite."""
    from django.db import connection, transaction

    holes = ", ".join("?" * len(columns))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.cursor.connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({holes})", rows
        )


NUMBERS = (
    "id", "person", "workflow", "market", "skill", "metric", "unit", "value", "state", "age",
    "has_result",
)  # fmt: skip


def binary_copy(part: dict[str, Any]) -> bytes:
    """Return a chunk as PostgreSQL's binary COPY: in each row the count of fields, then they."""
    import numpy as np

    fields: list[tuple[str, str]] = [("fields", ">i2")]
    for name in NUMBERS:
        fields += [(f"{name} bytes", ">i4"), (name, ">i8")]
    rows = np.empty(len(part["id"]), dtype=fields)
    rows["fields"] = len(NUMBERS)
    for name in NUMBERS:
        rows[f"{name} bytes"] = 8
        rows[name] = part[name]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def _load_on_server(part: dict[str, Any], outcomes: str, executions: str) -> None:
    """Insert a chunk on PostgreSQL; the rows are those of `outcome_rows` and `execution_rows`."""
    from django.db import connection

    def chosen(words: tuple[str, ...], column: str) -> str:
        return f"(ARRAY{list(words)})[{column} + 1]"

    began = f"timestamptz '{NOW.isoformat()}' - interval '1 second' * (age / 600 * 600)"
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE IF NOT EXISTS numbers ("
            + ", ".join(f"{name} bigint" for name in NUMBERS)
            + ")"
        )
        cursor.execute("TRUNCATE numbers")
        with cursor.cursor.copy("COPY numbers FROM STDIN (FORMAT BINARY)") as copy:
            copy.write(binary_copy(part))
        unit = chosen(UNITS, "unit")
        now = f"timestamptz '{NOW.isoformat()}'"
        cursor.execute(
            f"INSERT INTO {outcomes} ({', '.join(OUTCOME_COLUMNS)}) "
            "SELECT id, 'outcome_' || lpad(id::text, 26, '0'), person, id, workflow, market, skill,"
            f"{chosen(METRICS, 'metric')}, {unit}, {unit}, value, 'none', '', {now}, {now}, NULL, "
            "true FROM numbers"
        )
        cursor.execute(
            f"INSERT INTO {executions} ({', '.join(EXECUTION_COLUMNS)}) "
            "SELECT id, 'execution_' || lpad(id::text, 26, '0'), person, workflow, 1, market, "
            f"skill, {chosen(STATES, 'state')}, 1, '[]', '{{}}', '', began, began, "
            "CASE WHEN state < 2 THEN began END, "
            "CASE WHEN has_result = 1 AND state = 0 THEN began END, '' "
            f"FROM (SELECT *, {began} AS began FROM numbers) AS dated"
        )
