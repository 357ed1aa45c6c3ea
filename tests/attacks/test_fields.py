"""Fields nobody may set: score, pay, plan, role and owner, in every body the API takes."""

from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from accounts.models import Company, Membership, Profile, User
from sessions.models import VoiceSession
from surveys.models import EvaluationRecord, Payout, Survey, SurveyResponse
from surveys.tests.builders import ANSWERS, FIELDS, Visitor, make_survey
from workflows.models import Execution, Outcome

pytestmark = pytest.mark.django_db

POWERS = {
    "score": 100,
    "payout": 9999,
    "amount_minor": 999_999,
    "payment_amount": 9999,
    "pay_minor": 999_999,
    "state": "completed",
    "is_staff": True,
    "is_superuser": True,
    "role": "owner",
    "tier": "scale",
    "plan": "scale",
    "owner": "user_x",
    "owner_id": 1,
    "company": "company_x",
    "company_id": 1,
    "user": "user_x",
    "person": "user_x",
    "wallet": "wallet_x",
    "is_counted": True,
    "review_state": "accepted",
    "token_digest": "0",
    "is_demo": False,
}
#: Where such a name is what the request is about; the service decides whether it may be.
MEANT = {
    # The identity a company's server has signed.
    ("survey_session_start_create", "user"),
    # A company pauses its own endpoint and switches it on again.
    ("webhook_update", "state"),
}


def _members(schema: dict[str, Any], components: dict[str, Any]) -> set[str]:
    if "$ref" in schema:
        return _members(components[schema["$ref"].rsplit("/", 1)[1]], components)
    found = set()
    for part in ("allOf", "oneOf", "anyOf"):
        for one in schema.get(part, ()):
            found |= _members(one, components)
    for name, value in schema.get("properties", {}).items():
        if not value.get("readOnly"):
            found.add(name)
    return found


def test_no_body_of_the_api_has_a_field_that_is_ours_to_decide() -> None:
    document = SchemaGenerator().get_schema(request=None, public=True)
    components = document["components"]["schemas"]
    bodies, offered = 0, set()
    for operations in document["paths"].values():
        for operation in operations.values():
            if not isinstance(operation, dict):
                continue
            for content in operation.get("requestBody", {}).get("content", {}).values():
                bodies += 1
                names = _members(content["schema"], components)
                offered |= {(operation["operationId"], name) for name in names & set(POWERS)}

    assert sorted(offered - MEANT) == []
    assert bodies > 20


def test_a_visitor_decides_neither_score_nor_pay(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    # "user" is the signed identity here, an object.
    visitor.start(**{name: value for name, value in POWERS.items() if name != "user"})
    joined = visitor.call("post", "join", visitor.started["session_token"], POWERS)
    assert joined.status_code in (200, 400)
    visitor.talk(ANSWERS)
    answer = visitor.call("post", "complete", visitor.started["session_token"], POWERS)

    assert answer.status_code in (200, 400)
    visitor.done()
    record = EvaluationRecord.objects.get()
    payout = Payout.objects.get()
    assert record.source == "builtin"
    assert record.score < 100
    assert 500 <= payout.amount_minor <= 2000
    response = SurveyResponse.objects.get()
    assert response.survey.company == acme
    assert VoiceSession.objects.get().owner is None


def test_a_company_decides_no_other_company(acme: Company, globex: Company, api_of: Any) -> None:
    body = {**FIELDS, "company": globex.public_id, "company_id": globex.pk, "created_by": 1}
    answer = api_of(acme).post("/survey/create", body)

    assert answer.status_code in (201, 400)
    assert not Survey.objects.filter(company=globex).exists()


def test_a_person_decides_neither_plan_nor_somebody_else(
    vera: User, ana: User, acme: Company, api_of: Any
) -> None:
    client = api_of(vera)
    powers = {**POWERS, "user_id": ana.public_id}
    statuses = [
        client.post("/api/profile", {"market": "developers", "skill_level": "beginner", **powers}),
        client.post("/api/execution", {"workflow": "resume_generator", **powers}),
        client.post("/api/outcome", {"metric_type": "custom", "value": "1", **powers}),
        client.post("/session", {"language": "en", **powers}),
    ]

    assert [one.status_code for one in statuses if one.status_code >= 500] == []
    vera.refresh_from_db()
    assert (vera.is_staff, vera.is_superuser) == (False, False)
    assert not Profile.objects.filter(plan="scale").exists()
    assert not Membership.objects.filter(user=vera).exists()
    assert not Execution.objects.filter(person=ana).exists()
    assert not Outcome.objects.filter(person=ana).exists()
    assert not VoiceSession.objects.filter(owner=ana).exists()


def test_signing_up_gives_no_rights(client: Any) -> None:
    answer = client.post(
        "/account/signup/",
        {
            "full_name": "Eve",
            "email": "eve@evil.test",
            "password": "a few unrelated words",
            "is_staff": "on",
            "is_superuser": "on",
            "plan": "scale",
            "role": "owner",
        },
    )

    assert answer.status_code == 302
    eve = User.objects.get(email="eve@evil.test")
    assert (eve.is_staff, eve.is_superuser) == (False, False)
    assert not eve.memberships.exists()
    assert eve.profile.plan == "starter"
