"""When the background jobs of workflows run."""

from __future__ import annotations

import pytest

from core.jobs.registry import job_registry
from workflows.models import AggregationRun, AggregationState
from workflows.people_tasks import aggregate_every_night


@pytest.mark.django_db
def test_the_figures_are_counted_every_night():
    spec = job_registry.periodic["workflows.aggregate_performance"]

    spec.handler()

    assert spec.handler is aggregate_every_night
    assert spec.cron == "30 2 * * *"
    assert AggregationRun.objects.get().state == AggregationState.COMPLETED
