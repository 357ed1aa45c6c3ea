"""The thread through the product: from a company's survey about a guide to a person's paid answer,
and back to the company as findings, a video and a signed message.

Everything is done as people and programs do it: pages, forms, the widget's calls, a real server
that takes the webhooks.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import new as new_hmac
from typing import Any

import pytest
from django.test import Client

from accounts.models import Company, User
from accounts.tests.factories import make_user
from agents.video.models import VideoRun, VideoSession
from core.jobs.testing import drain
from surveys.models import Survey
from surveys.services.funding import fund_company
from surveys.tests.builders import Visitor, slow_down
from webhooks.tests.world import receiving
from workflows.models import Execution, Workflow

pytestmark = pytest.mark.django_db

WORKFLOW = "resume_generator"
SURVEY_FORM = {
    "title": "How the résumé guide went",
    "objective": "Find out what people changed.",
    "languages": "en",
    "max_minutes": "8",
    "currency": "USD",
    "payment_min": "5",
    "payment_max": "20",
    "max_responses": "10",
    "targeting_audience": "all",
    "targeting_device": "all",
    "targeting_percent": "100",
    "targeting_cooldown_days": "0",
    "question": ["1", "2"],
    "q1-text": "What were you trying to get done?",
    "q1-kind": "open",
    "q1-max_probes": "0",
    "q1-required": "yes",
    "q2-text": "Which part slowed you down?",
    "q2-kind": "open",
    "q2-max_probes": "0",
    "q2-required": "yes",
    "do": "start",
}
ANSWERS = (
    "I wanted a résumé for three warehouse jobs by Friday, because my temporary contract ends on "
    "the thirtieth and the agency asked for it on one page.",
    "Step four slowed me down: I listed nineteen tasks from my last job and cut them to six, which "
    "took two evenings, since nothing told me what a manager reads first.",
)


@pytest.fixture
def funded(acme: Company) -> Company:
    fund_company(company=acme, amount_minor=100_000, currency="USD")
    return acme


def publish_survey(owner: Client, administrator: Client) -> Survey:
    """A survey is written in the console; an administrator links the guide to it."""
    assert owner.post("/console/surveys/new/", SURVEY_FORM).status_code == 302
    survey = Survey.objects.get()
    assert survey.status == "active"
    row = Workflow.objects.get(name=WORKFLOW)
    path = f"/admin/workflows/workflow/{row.pk}/change/"
    assert administrator.post(path, {"feedback_survey": survey.pk}).status_code == 302
    row.refresh_from_db()
    assert row.feedback_survey == survey
    return survey


def add_endpoint(owner: Client, url: str) -> str:
    """The company's server is to be told; the secret is shown once."""
    page = owner.post(
        "/console/webhooks/", {"url": url, "event_types": ["session.completed", "payout.changed"]}
    )
    (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]{44}", page.content.decode())
    return secret


def sign_up(person: Client) -> User:
    answer = person.post(
        "/account/signup/",
        {
            "full_name": "Mira Sol",
            "email": "mira@story.test",
            "password": "sandy-otter-lamp-41",
            "company_name": "",
        },
    )
    assert answer["Location"] == "/onboarding/"
    welcome = person.post("/onboarding/", {"market": "job_seeker", "skill_level": "beginner"})
    assert welcome["Location"] == "/workflows/"
    assert "For you: job seeker, beginner" in person.get("/workflows/").content.decode()
    return User.objects.get(email="mira@story.test")


def work_through(person: Client) -> Execution:
    """Every step, as the executor's page sends them; then Complete."""
    started = person.post(f"/workflows/{WORKFLOW}/start")
    executor = started["Location"]
    page = person.get(executor)
    assert page.status_code == 200
    assert "data-interview" not in page.content.decode(), "nobody is asked before the end"
    execution = Execution.objects.get()
    api = f"/api/execution/{execution.public_id}"
    for number in range(1, 6):
        sent = person.put(
            f"{api}/progress",
            {"steps_completed": number, "notes": f"note {number}"},
            content_type="application/json",
        )
        assert sent.status_code == 200, sent.content
    assert person.post(f"{api}/complete").json()["status"] == "completed"
    return execution


def log_result(person: Client, execution: Execution) -> str:
    """Log an outcome by the page's own form; return the page that thanks."""
    path = f"/outcome/{execution.public_id}"
    sent = person.post(
        path,
        {
            "metric_type": "custom",
            "value": "2",
            "currency": "USD",
            "time_unit": "hours",
            "label": "interviews",
            "client_op_id": "result-1",
        },
    )
    assert sent.status_code == 302
    return person.get(sent["Location"]).content.decode()


def answer_interview(person: Client, survey: Survey) -> tuple[Visitor, dict[str, Any]]:
    """Open the offered page, and do what its widget does."""
    hosted = person.get(f"/s/{survey.public_id}").content.decode()
    assert survey.publishable_key in hosted
    (account,) = re.findall(r'data-account="([^"]+)"', hosted)
    visitor = Visitor(survey)
    visitor.start(consent=True, account_token=account)
    visitor.talk(ANSWERS)
    slow_down(visitor.session)
    return visitor, visitor.done()


def check_signature(secret: str, headers: dict[str, str], body: bytes) -> None:
    key = b64decode(secret.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = b64encode(new_hmac(key, signed, sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_from_a_survey_about_a_guide_to_a_paid_answer_and_what_is_made_of_it(
    funded: Company, ana: User, beto: User, browser_of: Any, settings: Any
) -> None:
    settings.WEBHOOK_ALLOW_LOOPBACK = True
    owner, person = browser_of(ana), Client()
    root = make_user("root@parley.test")
    User.objects.filter(pk=root.pk).update(is_staff=True, is_superuser=True)
    survey = publish_survey(owner, browser_of(root))

    with receiving() as server:
        secret = add_endpoint(owner, server.url)

        # Mira follows the guide, logs what came of it, and is offered the paid interview.
        mira = sign_up(person)
        execution = work_through(person)
        offered = log_result(person, execution)
        assert "Logged: 2 interviews" in offered
        for page in (offered, person.get(f"/executor/{execution.public_id}").content.decode()):
            assert "Tell us how it went and get $5.00 to $20.00" in page
            assert f'href="/s/{survey.public_id}"' in page

        visitor, result = answer_interview(person, survey)
        assert result["payment_status"] == "success", result
        assert result["payment_amount"] >= 12

        # She is signed in, so the pay and the answer are on her page at once.
        assert person.get("/wallet/").status_code == 200
        me = person.get("/me/").content.decode()
        amount = f"${result['payment_amount']:.2f}"
        for words in (
            "2 interviews",
            "5 of 5",
            f'<dd class="stat__value">{amount}</dd>',
            "How the résumé guide went",
            f"{result['score']} of 100",
        ):
            assert words in me, words
        again = person.get(f"/executor/{execution.public_id}").content.decode()
        assert "data-interview" not in again, "nobody is asked twice"

        # The company: told at once, findings, a video in one press that a colleague finds as well.
        drain(sweeps=True)
        told = [(headers, json.loads(body), body) for _, headers, body in server.requests]
        assert sorted(body["type"] for _, body, _ in told) == [
            "payout.changed",
            "session.completed",
        ]
        for headers, body, raw in told:
            check_signature(secret, headers, raw)
            assert body["data"]["session_id"] == visitor.session_id
            assert "warehouse" not in raw.decode(), "nothing that was said"
        by_type = {body["type"]: body["data"] for _, body, _ in told}
        assert by_type["session.completed"]["score"] == result["score"]
        assert by_type["session.completed"]["payment_amount"] == result["payment_amount"]
        assert by_type["payout.changed"]["state"] == "paid"
        assert by_type["payout.changed"]["transaction_id"] == result["transaction_id"]

    findings_path = f"/console/surveys/{survey.public_id}/insights/"
    findings = owner.get(findings_path).content.decode()
    assert "warehouse" in findings
    pressed = owner.post(f"{findings_path}video/", {"do": "make"})
    film = VideoSession.objects.get()
    assert pressed["Location"] == f"/studio/{film.public_id}"
    assert VideoRun.objects.get().state == "queued"
    assert any("warehouse" in str(scene) for scene in film.scenes)
    assert film.title in browser_of(beto).get("/studio/").content.decode()
    deliveries = owner.get("/console/webhooks/").content.decode()
    assert ">never<" not in deliveries, "the endpoint has taken something"
    assert User.objects.get(pk=mira.pk).memberships.count() == 0
