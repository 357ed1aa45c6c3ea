"""What /metrics tells of surveys."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from accounts.models import Company
from agents.interview.types import FlagKind
from core import clock, metrics
from surveys.models import Payout
from surveys.tests.agent_doubles import FixedEvaluator, use_flags
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db


def read(settings: Any) -> dict[str, float]:
    settings.METRICS_TOKEN = "m" * 32
    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {'m' * 32}"})
    assert answer.status_code == 200
    lines = [line for line in answer.content.decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_rows_are_counted_by_state_and_the_queue_has_an_age(
    acme: Company, evaluator: FixedEvaluator, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    use_flags(monkeypatch, FlagKind.PROMPT_INJECTION)
    survey = make_survey(acme)
    Visitor(survey).answer_all()
    Visitor(survey).start()
    Payout.objects.update(created_at=clock.now() - timedelta(hours=2))

    found = read(settings)

    assert found['parley_payouts{state="held"}'] == 1
    assert found['parley_survey_responses{state="completed"}'] == 1
    assert found['parley_voice_sessions{status="ended"}'] == 1
    assert found['parley_metrics_reader_up{reader="surveys"}'] == 1
    assert 7190 < found['parley_queue_oldest_seconds{queue="review"}'] < 7300
    assert found['parley_queue_oldest_seconds{queue="payout"}'] == 0


def test_a_reader_that_fails_is_named_and_hides_nothing(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[metrics.Gauge]:
        raise RuntimeError("no such table")

    monkeypatch.setitem(metrics._readers, "broken", fail)

    found = read(settings)

    assert found['parley_metrics_reader_up{reader="broken"}'] == 0
    assert found['parley_metrics_reader_up{reader="surveys"}'] == 1
    assert found['parley_queue_oldest_seconds{queue="appeal"}'] == 0
