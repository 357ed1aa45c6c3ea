"""Ana's company with one row of everything, and every route that could point at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import URLPattern, URLResolver, get_resolver, reverse

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
from surveys.tests.builders import Visitor, make_survey
from webhooks.models import WebhookDelivery
from webhooks.tests.world import make_endpoint, publish
from workflows.models import ProofFile
from workflows.selectors.catalogue import workflow_for
from workflows.services.billing import open_purchase
from workflows.services.executions import start_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import pdf_bytes

METHODS = ("get", "post", "put", "patch", "delete")
CANARY = "zq7canary"
"""Stands in what people said and in what only the company may read."""
#: Django's admin has its own door; it is crossed as a whole elsewhere.
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


def body_of(answer: Any) -> bytes:
    """Return the whole body, and let go of a file that is behind it."""
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def addresses(world: World) -> list[str]:
    """Return every address of the product, with Ana's identifiers in it."""
    found = []
    for name, pattern in routes():
        arguments = world.arguments_of(name, pattern) or {}
        if name:
            found.append(reverse(name, kwargs=arguments))
    return found


def writes(world: World) -> list[tuple[str, str]]:
    """Return method and address of everything that may take a body."""
    found = []
    for name, pattern in routes():
        kind = getattr(pattern.callback, "cls", None) or getattr(
            pattern.callback, "view_class", None
        )
        # A view that is a function says no more than that it may be posted to.
        methods = [one for one in METHODS if hasattr(kind, one)] if kind else ["post"]
        if name:
            path = reverse(name, kwargs=world.arguments_of(name, pattern) or {})
            found += [(method, path) for method in methods if method != "get"]
    return found


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


def routes() -> list[tuple[str, URLPattern]]:
    return [
        (name, pattern)
        for path, name, pattern in _patterns(get_resolver())
        if not path.startswith(SKIPPED_PREFIXES)
    ]


def make_world(ana: User, acme: Company, beto: User) -> World:
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
