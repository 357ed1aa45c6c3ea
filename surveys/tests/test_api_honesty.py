"""What the API tells before anybody is disappointed, and whom it answers."""

from __future__ import annotations

import pytest

from accounts.models import Company
from surveys.models import Payout
from surveys.tests.builders import FIELDS, Visitor, make_survey

pytestmark = pytest.mark.django_db


def test_a_survey_without_funds_says_so_when_it_is_created(acme: Company, api_of) -> None:
    survey = make_survey(acme, funding_minor=20_000)
    client = api_of(acme)

    unfunded = client.post("/survey/create", FIELDS).json()

    assert client.get(f"/survey/{survey.public_id}/manage").json()["budget_available"] == 200.0
    assert (unfunded["budget"], unfunded["budget_available"]) == (200.0, 0.0)


@pytest.mark.parametrize("origin", ["https://evil.test", "null"])
def test_done_and_result_answer_only_pages_on_the_list(acme: Company, origin: str) -> None:
    survey = make_survey(acme, allowed_origins=["https://shop.test"])
    visitor = Visitor(survey)
    visitor.start()
    visitor.talk()
    token, receipt = visitor.started["session_token"], visitor.started["receipt_token"]

    refused = visitor.call("post", "complete", token, {}, HTTP_ORIGIN=origin)

    assert (refused.status_code, refused.json()["code"]) == (403, "origin_not_allowed")
    assert Payout.objects.count() == 0
    done = visitor.call("post", "complete", token, {}, HTTP_ORIGIN="https://shop.test")
    assert done.status_code == 200
    assert Payout.objects.count() == 1
    for method, action in (("get", "result"), ("get", "data"), ("delete", "data")):
        answer = visitor.call(method, action, receipt, HTTP_ORIGIN=origin)
        assert answer.status_code == 403
    own = visitor.call("get", "result", receipt, HTTP_ORIGIN="http://testserver")
    assert own.json()["score"] == done.json()["score"]
