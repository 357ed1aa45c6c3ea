"""How many statements a visitor waits for at Start and at Done, so that none creeps in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Company
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="row locks are statements of their own elsewhere"
    ),
]

START_STATEMENTS = 20
COMPLETE_STATEMENTS = 37
BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")


def count_statements(act: Callable[[], Any]) -> int:
    """Return how many statements an action sends, the brackets of transactions left out."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return sum(
        not query["sql"].lstrip().upper().startswith(BRACKETS)
        for query in captured.captured_queries
    )


def test_start_and_complete_send_few_statements(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    Visitor(survey).answer_all()  # What only a survey's first answer opens is there now.
    visitor = Visitor(survey)
    assert count_statements(visitor.start) <= START_STATEMENTS
    visitor.talk()
    assert count_statements(visitor.done) <= COMPLETE_STATEMENTS
    assert visitor.response.state == "completed"


def test_repeating_done_sends_fewer(acme: Company, evaluator: FixedEvaluator) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all()
    assert count_statements(visitor.done) < COMPLETE_STATEMENTS / 4
