"""One person, one paid answer, whichever way the person is known."""

from __future__ import annotations

import pytest

from accounts.models import Company
from sessions.models import VoiceSession
from surveys.models import AccountCode, LedgerAccount
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db


def reserved() -> int:
    """Return what all surveys together hold in reserve, in minor units."""
    return sum(
        LedgerAccount.objects.filter(code=AccountCode.RESERVED).values_list(
            "balance_minor", flat=True
        )
    )


@pytest.mark.parametrize("by_receipt_first", [True, False])
def test_receipt_and_device_name_the_same_person(
    acme: Company, evaluator: FixedEvaluator, by_receipt_first: bool
) -> None:
    survey, other = make_survey(acme), make_survey(acme)
    earlier = Visitor(other)
    earlier.answer_all()
    receipt = {"receipt_token": earlier.started["receipt_token"]}
    device = {"device_key": "the-same-telephone"}
    first = Visitor(survey)
    first.answer_all(**device, **(receipt if by_receipt_first else {}))

    again = Visitor(survey)
    by_own_receipt = {"receipt_token": first.started["receipt_token"]}
    second_ways = (device, {**receipt, **device}, {**by_own_receipt, "device_key": "another"})

    for way in second_ways:
        assert again.start(expect=409, **way)["code"] == "already_answered"
    assert VoiceSession.objects.filter(survey_response__survey=survey).count() == 1
    assert reserved() == 0
