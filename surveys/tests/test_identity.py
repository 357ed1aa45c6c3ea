"""Users a company vouches for: who they are, how long a signature lives, what rotation does."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from accounts.models import Company
from core import clock
from sessions.models import VoiceSession
from surveys.models import SurveyResponse, Wallet
from surveys.services.identity import identity_secret, sign_user
from surveys.tests.agent_doubles import FixedEvaluator
from surveys.tests.builders import Visitor, make_survey

pytestmark = pytest.mark.django_db


def signed(
    survey: Any, user_id: str = "u-1", *, seconds: int = 600, **changed: Any
) -> dict[str, Any]:
    exp = int(clock.now().timestamp()) + seconds
    mac = sign_user(
        secret=identity_secret(survey.company),
        survey_id=survey.public_id,
        user_id=user_id,
        exp=exp,
    )
    return {"user_id": user_id, "exp": exp, "hmac": mac, **changed}


def test_a_signed_user_answers_once_on_any_device(acme: Company, evaluator: FixedEvaluator) -> None:
    survey = make_survey(acme)
    first = Visitor(survey)
    first.answer_all(user=signed(survey))
    again = Visitor(survey)
    assert again.start(expect=409, user=signed(survey), device_key="other")["code"] == (
        "already_answered"
    )
    other = Visitor(survey)
    other.start(user=signed(survey, "u-2"))
    assert other.response.wallet != first.response.wallet
    assert first.response.wallet.signed_user_hash is not None
    assert "u-1" not in str(list(SurveyResponse.objects.values())) + str(
        list(Wallet.objects.values())
    )


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"hmac": "0" * 64}, "invalid_user_signature"),
        ({"user_id": "u-2"}, "invalid_user_signature"),
        ({"exp": 4_000_000_000}, "invalid_user_signature"),
    ],
)
def test_a_wrong_signature_starts_nothing(acme: Company, change: dict[str, Any], code: str) -> None:
    survey = make_survey(acme)
    answer = Visitor(survey).start(expect=401, user=signed(survey) | change)
    assert answer["code"] == code
    assert VoiceSession.objects.count() == 0


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(-120, "user_signature_expired"), (90_000, "user_signature_too_long")],
)
def test_a_signature_lives_a_day_at_most(acme: Company, seconds: int, code: str) -> None:
    survey = make_survey(acme)
    assert Visitor(survey).start(expect=401, user=signed(survey, seconds=seconds))["code"] == code


def test_a_signature_for_another_survey_or_company_is_worthless(
    acme: Company, globex: Company
) -> None:
    survey, other = make_survey(acme), make_survey(globex)
    assert Visitor(survey).start(expect=401, user=signed(other))["code"] == (
        "invalid_user_signature"
    )


def test_raising_the_secrets_version_makes_old_signatures_worthless(acme: Company) -> None:
    survey = make_survey(acme)
    user = signed(survey)
    Company.objects.update(identity_secret_version=2)
    assert Visitor(survey).start(expect=401, user=user)["code"] == "invalid_user_signature"


def test_signatures_survive_a_rotation_of_the_secret_key(acme: Company) -> None:
    survey = make_survey(acme)
    user = signed(survey)
    with override_settings(SECRET_KEY="new-" * 20, SECRET_KEY_FALLBACKS=[]):
        assert Visitor(survey).start(expect=401, user=user)["code"] == "invalid_user_signature"
    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="new-" * 20, SECRET_KEY_FALLBACKS=[old]):
        Visitor(survey).start(user=user)
