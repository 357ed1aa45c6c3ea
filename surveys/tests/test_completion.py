"""Done: one evaluation, one payout, one answer, however often and from wherever it is asked for."""

from __future__ import annotations

import pytest

from accounts.models import Company
from surveys.models import EvaluationRecord, Payout, ResponseState, SurveyResponse
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db


def test_a_good_answer_is_scored_and_paid(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    result = visitor.answer_all()
    assert result["flags"] == []
    assert result["payment_status"] == "success"
    assert result["transaction_id"].startswith(f"txn_{visitor.session_id}_")
    assert Payout.objects.get().amount_minor == round(result["payment_amount"] * 100)
    assert visitor.response.state == ResponseState.COMPLETED
    assert EvaluationRecord.objects.filter(is_paying=True).count() == 1
    assert SurveyResponse.objects.count() == 1
