"""Counts how many visitors reach each step of a survey. Counts only: no row says who.

Steps: ``shown``, ``consented``, ``started``, ``question:<id>``, ``done``, ``paid``.
"""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection

from core import clock
from surveys.models import FunnelCounter, Survey

WIDGET_STEPS = ("shown", "consented")
"""What the widget reports; everything later the server counts itself."""


def question_step(question_id: str) -> str:
    """Return the funnel's name for a question."""
    return f"question:{question_id}"


def count_step(*, survey: Survey, step: str) -> None:
    """Add one to today's counter of a step. Safe in parallel, inside or outside a transaction."""
    count_steps(survey_id=survey.pk, steps=[step])


def count_steps(*, survey_id: int, steps: Sequence[str]) -> None:
    """Add one to today's counters of several different steps.

    One statement that makes or raises the rows, which no query set can say: an upsert there
    replaces a column by a value and never adds to it. The rows are taken in one order, so two
    visitors who end at once do not wait for each other for ever.
    """
    if not steps:
        return
    day = clock.now().date()
    ordered = sorted(set(steps))
    table = connection.ops.quote_name(FunnelCounter._meta.db_table)
    values = ", ".join(["(%s, %s, %s, 1)"] * len(ordered))
    parameters = [value for step in ordered for value in (survey_id, day, step)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (survey_id, day, step, count) VALUES {values} "  # noqa: S608  # nothing from outside: a table name and placeholders
            f"ON CONFLICT (survey_id, day, step) DO UPDATE SET count = {table}.count + 1",
            parameters,
        )
