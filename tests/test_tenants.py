"""Nobody reaches another company's rows: every route of the product, crossed with every stranger.

The routes come from the URL resolver, so a new one is in this test the moment it exists; one whose
arguments are not known here fails until its owner's identifier is added to ``Ana's world``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from rest_framework.test import APIClient

from accounts.models import Company, Plan, Role, User
from accounts.services.invitations import invite
from accounts.tests.factories import make_key
from agents.video.services.runs import start_run
from agents.video.services.scripts import create_video_session
from messaging.tests.messages_world import make_messages
from messaging.tests.shop_world import make_order_payment
from sessions.models import SessionRecording, TranscriptSegment
from surveys.models import Payout
from surveys.services.appeals import file_appeal
from surveys.tests.builders import OTHER_ANSWERS, Visitor, make_survey
from webhooks.models import WebhookDelivery
from webhooks.tests.world import make_endpoint, publish
from workflows.models import ProofFile
from workflows.selectors.catalogue import workflow_for
from workflows.services.billing import open_purchase
from workflows.services.executions import start_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import pdf_bytes

pytestmark = pytest.mark.django_db

CANARY = "zq7canary"
"""Stands in what people said and in what only the company may read."""
METHODS = ("get", "post", "put", "patch", "delete")
REFUSED = {400, 401, 403, 404, 405, 409, 410, 415, 422}
#: Pages and answers anybody may read by name: they hold no canary.
PUBLIC = {
    "survey_hosted",
    "widget_module",
    "account_password_reset_confirm",
    "order_pay",
    # The catalogue is everybody's; its figures are of cohorts, never of a person.
    "workflow_start",
    "workflow_reason",
    "api_workflow_performance",
}
#: Whoever holds the link of an order may pay it, so it is only looked at here.
PAYABLE = {"order_pay"}
#: Django's admin has its own door; it is crossed as a whole below.
SKIPPED_PREFIXES = ("admin/", "api/schema", "static/")


@dataclass(frozen=True)
class World:
    """Ana's rows by the name of the route argument that could point at them."""

    arguments: dict[str, str]
    by_route: dict[str, dict[str, str]]

    def arguments_of(self, route: str, pattern: URLPattern) -> dict[str, str] | None:
        known = {**self.arguments, **self.by_route.get(route, {})}
        wanted = list(pattern.pattern.converters or pattern.pattern.regex.groupindex)
        if not wanted:
            return None
        return {name: known[name] for name in wanted}


def _patterns(
    resolver: URLResolver, prefix: str = "", namespace: str = ""
) -> Iterator[tuple[str, str, URLPattern]]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            inside = ":".join(part for part in (namespace, entry.namespace) if part)
            yield from _patterns(entry, path, inside)
        else:
            yield path, ":".join(part for part in (namespace, entry.name) if part), entry


def _routes() -> list[tuple[str, URLPattern]]:
    return [
        (name, pattern)
        for path, name, pattern in _patterns(get_resolver())
        if not path.startswith(SKIPPED_PREFIXES)
    ]


@pytest.fixture
def world(ana: User, acme: Company, beto: User) -> World:
    """Ana's company with a finished, held and appealed answer, a key and an open invitation."""
    survey = make_survey(acme, objective=f"Private {CANARY} objective.")
    visitor = Visitor(survey)
    visitor.start()
    visitor.talk((f"{CANARY} Monday six minutes export lost.", f"{CANARY} forty headings."))
    TranscriptSegment.objects.filter(voice_session=visitor.session, role="user").update(
        had_hidden_text=True
    )
    visitor.done()
    payout = Payout.objects.filter(response=visitor.response).first()
    if payout is not None:
        assert payout.state == "held"
    appeal = file_appeal(response=visitor.response, text=f"{CANARY} please look again")
    key, _ = make_key(acme)
    invitation = invite(company=acme, email="new@acme.test", role=Role.MEMBER, actor=ana).row
    video = create_video_session(
        owner=ana,
        company=acme,
        title=f"{CANARY} film",
        scenes=[{"kind": "title", "heading": f"{CANARY} heading", "narration": "Words."}],
    )
    run = start_run(owner=ana, session_id=video.public_id)
    payout_id = payout.public_id if payout else "payout_none"
    recording = SessionRecording.objects.create(
        voice_session=visitor.session,
        fence=1,
        storage_key="recordings/none.wav",
        started_at=visitor.session.created_at,
        duration_seconds=1,
        byte_count=44,
    )
    execution = start_execution(person=ana, workflow=workflow_for(ana, "resume_generator"))
    save_progress(execution=execution, change=Change(note=f"{CANARY} note"))
    outcome, _ = log_outcome(
        person=ana,
        execution=execution,
        measure=read_measure(metric_type="custom", value="1", currency=f"{CANARY} leads"),
        upload=SimpleUploadedFile(f"{CANARY}.pdf", pdf_bytes()),
    )
    endpoint = make_endpoint(acme, url=f"https://hooks.acme.test/{CANARY}").row
    publish(acme)
    return World(
        arguments={
            "hook_id": endpoint.public_id,
            "delivery_id": WebhookDelivery.objects.get().public_id,
            "execution_id": execution.public_id,
            "outcome_id": outcome.public_id,
            "purchase_id": open_purchase(person=ana, plan=Plan.PRO)[0].public_id,
            "proof_id": ProofFile.objects.get().public_id,
            "survey_id": survey.public_id,
            "session_id": visitor.session_id,
            "user_public_id": beto.public_id,
            "payout_id": payout_id,
            "payment_id": make_order_payment(acme, CANARY),
            **make_messages(acme, ana, CANARY),
            "appeal_id": appeal.public_id,
            "public_id": payout_id,
            "segment_id": visitor.session.segments.all()[1].public_id,
            "version": "1",
            "number": "1",
            "name": "conversation.js",
            "file_type": "txt",
            "action": "approve",
            "file_format": "csv",
            "recording_id": recording.public_id,
            "video_id": video.public_id,
            "run_id": run.public_id,
            "uidb64": "MQ",
            "token": "set-password",
        },
        by_route={
            "workflow_start": {"name": "resume_generator"},
            "workflow_reason": {"name": "resume_generator"},
            "api_workflow_performance": {"name": "resume_generator"},
            "inbox_action": {"action": "take"},
            "console:key_revoke": {"public_id": key.public_id},
            "console:invitation_revoke": {"public_id": invitation.public_id},
            "console:invitation_resend": {"public_id": invitation.public_id},
        },
    )


def _rows_of_ana() -> dict[tuple[str, Any], dict[str, Any]]:
    """Return every row there is, but for counters and clocks of use."""
    ignored = {"last_used_at", "last_login"}
    rows: dict[tuple[str, Any], dict[str, Any]] = {}
    for label in (
        "accounts",
        "webhooks",
        "video",
        "voice_sessions",
        "surveys",
        "workflows",
        "messaging",
    ):
        model: type[Model]
        for model in apps.get_app_config(label).get_models():
            for values in model._default_manager.values():
                kept = {name: value for name, value in values.items() if name not in ignored}
                rows[model._meta.label, values[model._meta.pk.name]] = kept
    return rows


def _strangers(carla: User, globex: Company, vera: User) -> dict[str, Client]:
    other = Visitor(make_survey(globex))
    other.answer_all(OTHER_ANSWERS)
    running = Visitor(make_survey(globex))
    running.start()
    clients: dict[str, Client] = {"nobody": APIClient(raise_request_exception=False)}
    for name, person in (("carla", carla), ("vera", vera)):
        clients[name] = Client(raise_request_exception=False)
        clients[name].force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    credentials = {
        "carla's key": make_key(globex)[1],
        "a session of carla's": running.started["session_token"],
        "a receipt of carla's": other.started["receipt_token"],
    }
    for name, token in credentials.items():
        clients[name] = APIClient(raise_request_exception=False)
        clients[name].credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return clients


def test_a_stranger_reads_and_changes_nothing_of_another_company(
    world: World, carla: User, globex: Company, vera: User
) -> None:
    before = _rows_of_ana()
    strangers = _strangers(carla, globex, vera)

    faults, crossed = [], 0
    for route, pattern in _routes():
        arguments = world.arguments_of(route, pattern)
        if arguments is None:
            continue
        path = reverse(route, kwargs=arguments)
        for who, client in strangers.items():
            for method in METHODS if route not in PAYABLE else ("get",):
                answer = getattr(client, method)(path, content_type="application/json")
                crossed += 1
                body = b"" if answer.streaming else answer.content
                refused = answer.status_code in REFUSED or _goes_to_login(answer)
                if CANARY.encode() in body or not (refused or route in PUBLIC):
                    faults.append(f"{method.upper()} {path} as {who}: {answer.status_code}")

    assert faults == []
    assert crossed > 300
    after = _rows_of_ana()
    changed = [key for key, values in before.items() if after.get(key) != values]
    assert changed == []


def test_lists_of_a_stranger_hold_nothing_of_another_company(
    world: World, carla: User, globex: Company, vera: User
) -> None:
    strangers = _strangers(carla, globex, vera)

    leaks = []
    for route, pattern in _routes():
        if world.arguments_of(route, pattern) is not None or not route:
            continue
        path = reverse(route)
        for who, client in strangers.items():
            answer = client.get(path)
            body = b"".join(answer.streaming_content) if answer.streaming else answer.content
            if CANARY.encode() in body or answer.status_code == 500:
                leaks.append(f"{path} as {who}: {answer.status_code}")

    assert leaks == []


def test_the_admin_is_closed_to_everybody_without_staff_rights(
    world: World, ana: User, carla: User, browser_of: Any
) -> None:
    for person in (ana, carla, None):
        answer = browser_of(person).get("/admin/surveys/survey/")

        assert answer.status_code == 302
        assert "/admin/login/" in answer["Location"]


def _goes_to_login(answer: Any) -> bool:
    return answer.status_code in (301, 302) and answer["Location"].startswith(
        ("/account/login/", "/account/company/new/", "/account/password/reset/")
    )
