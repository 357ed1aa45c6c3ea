"""Counts how many visitors reach each step of a survey. Counts only: no row says who.

Steps: ``shown``, ``consented``, ``started``, ``question:<id>``, ``done``, ``paid``.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.db.models import F

from core import clock
from surveys.models import FunnelCounter, Survey

WIDGET_STEPS = ("shown", "consented")
"""What the widget reports; everything later the server counts itself."""


def question_step(question_id: str) -> str:
    """Return the funnel's name for a question."""
    return f"question:{question_id}"


def count_step(*, survey: Survey, step: str, amount: int = 1) -> None:
    """Add to today's counter of a step. Safe in parallel, inside or outside a transaction."""
    day = clock.now().date()
    counters = FunnelCounter.objects.filter(survey=survey, day=day, step=step)
    if counters.update(count=F("count") + amount):
        return
    try:
        with transaction.atomic():
            FunnelCounter.objects.create(survey=survey, day=day, step=step, count=amount)
    except IntegrityError:
        # Another request made today's row between the two statements.
        counters.update(count=F("count") + amount)


def count_steps(*, survey: Survey, steps: Iterable[str]) -> None:
    """Add one to each of several steps."""
    for step in steps:
        count_step(survey=survey, step=step)
