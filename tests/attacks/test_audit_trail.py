"""Whoever uses power leaves a line: each deed through its page or route, and the line it leaves.

Money, keys, roles, exports, decisions, erasure, webhook addresses and retention. A deed without
its line is a deed nobody can be asked about.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django_otp.oath import totp
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework.test import APIClient

from accounts.models import Company, CompanyKey, Invitation, Plan, Role, User
from accounts.services.api_keys import create_api_key
from accounts.services.invitations import invite
from accounts.tests.factories import PASSWORD
from agents.video.services.scripts import create_video_session
from core import clock
from core.jobs.testing import drain
from core.models import AuditEvent
from messaging.tests.messages_world import make_messages
from surveys.models import Appeal, LedgerTransaction, Payout, PayoutState
from surveys.services import settlements
from surveys.services.appeals import file_appeal
from surveys.tests.builders import Visitor
from tests.architecture.sources import ROOT
from tests.attacks.stage import Stage
from webhooks.models import WebhookDelivery, WebhookEndpoint
from webhooks.tests.world import URL, make_endpoint, publish

pytestmark = pytest.mark.django_db

#: What is no power over others: a person's own doings, contents of a shop, and the machine's.
NO_POWER = {
    *("business_profile.saved", "faq.saved", "faq.deleted", "opening_hours.saved"),
    *("conversation.assigned", "conversation.given_back", "conversation.taken", "policy.saved"),
    *("appeal.filed", "company.created", "company.left_empty", "invitation.accepted"),
    *("person.signed_up", "profile.saved", "product.saved", "product.stock_counted"),
    *("template.saved", "template.submitted", "survey.created", "plan.cancel_refused"),
    *("survey_keyword.saved", "survey_keyword.removed"),
    *("order.cancelled", "order.refunded", "video_run.ended", "workflows.loaded"),
}


@pytest.fixture
def stage(
    ana: User, beto: User, vera: User, acme: Company, monkeypatch: pytest.MonkeyPatch
) -> Stage:
    return Stage(ana, beto, vera, acme, monkeypatch)


# --- deeds: each returns what its line names --------------------------------------------------


def create_key(stage: Stage) -> str:
    stage.post("/console/keys/", name="CRM")
    return CompanyKey.objects.get().public_id


def revoke_key(stage: Stage) -> str:
    key = create_api_key(company=stage.acme, name="CRM").row
    stage.post(f"/console/keys/{key.public_id}/revoke/")
    return key.public_id


def rotate_identity(stage: Stage) -> str:
    stage.post("/console/identity/rotate/")
    return stage.acme.public_id


def change_retention(stage: Stage) -> str:
    stage.post("/console/settings/", name="Acme", retention_days=30)
    stage.acme.refresh_from_db()
    assert stage.acme.retention_days == 30
    return stage.acme.public_id


def change_retention_of_survey(stage: Stage) -> str:
    survey = stage.survey()
    stage.ask("patch", f"/survey/{survey.public_id}/manage", {"retention_days": 30})
    return survey.public_id


def pause_survey(stage: Stage) -> str:
    survey = stage.survey()
    stage.post(f"/console/surveys/{survey.public_id}/status/", status="paused")
    return survey.public_id


def link_interview(stage: Stage) -> str:
    User.objects.filter(pk=stage.ana.pk).update(is_superuser=True)
    survey = stage.survey()
    form = {"workflow": "resume_generator", "survey": survey.public_id}
    stage.post("/workflows/interviews/", **form)
    return survey.public_id


def unlink_interview(stage: Stage) -> str:
    linked = link_interview(stage)
    stage.post("/workflows/interviews/", workflow="resume_generator", survey="")
    return linked


def send_invitation(stage: Stage) -> str:
    stage.post("/console/team/", email="new@acme.test", role="member")
    return Invitation.objects.get().public_id


def revoke_invitation(stage: Stage) -> str:
    row = invite(company=stage.acme, email="n@acme.test", role=Role.MEMBER, actor=stage.ana).row
    stage.post(f"/console/team/invitations/{row.public_id}/revoke/")
    return row.public_id


def change_role(stage: Stage) -> str:
    stage.post(f"/console/team/{stage.beto.public_id}/role/", role="operator")
    return stage.beto.public_id


def remove_member(stage: Stage) -> str:
    stage.post(f"/console/team/{stage.beto.public_id}/remove/")
    return stage.beto.public_id


def change_password(stage: Stage) -> str:
    new = "another-long-battery-8"
    stage.post(
        "/account/password/change/", old_password=PASSWORD, new_password1=new, new_password2=new
    )
    stage.ana.refresh_from_db()
    assert stage.ana.check_password(new)
    return stage.ana.public_id


def reset_password(stage: Stage) -> str:
    user, new = stage.vera, "another-long-battery-8"
    token = default_token_generator.make_token(user)
    path = f"/account/password/reset/{urlsafe_base64_encode(force_bytes(user.pk))}/{token}/"
    form = stage.client.get(path)["Location"]
    stage.client.post(form, {"new_password1": new, "new_password2": new})
    user.refresh_from_db()
    assert user.check_password(new)
    return user.public_id


def switch_second_factor_on(stage: Stage) -> str:
    browser = stage.signed_in(stage.ana)
    browser.get("/account/security/")
    device = TOTPDevice.objects.get(user=stage.ana)
    stage.post("/account/security/", code=f"{totp(device.bin_key):06d}")
    return stage.ana.public_id


def switch_second_factor_off(stage: Stage) -> str:
    browser = stage.signed_in(stage.ana)
    browser.get("/account/security/")
    device = TOTPDevice.objects.get(user=stage.ana)
    page = stage.post("/account/security/", code=f"{totp(device.bin_key):06d}")
    stage.post("/account/security/", code=page.context["codes"][0])
    return stage.ana.public_id


def fund(stage: Stage) -> str:
    stage.post("/console/ledger/fund/", amount="500.00", currency="USD")
    return LedgerTransaction.objects.get(kind="funding_posted").idempotency_key


def approve(stage: Stage) -> str:
    stage.decide(stage.held(), "approve")
    return Payout.objects.get().public_id


def reject(stage: Stage) -> str:
    stage.decide(stage.held(), "reject")
    return Payout.objects.get().public_id


def approve_by_time(stage: Stage) -> str:
    stage.held()
    Payout.objects.update(auto_approve_at=clock.now() - timedelta(minutes=1))
    assert settlements.approve_due() == 1
    return Payout.objects.get().public_id


def appealed(stage: Stage) -> Visitor:
    visitor = stage.answered(score=10)
    file_appeal(response=visitor.response, text="I did answer.")
    return visitor


def uphold(stage: Stage) -> str:
    visitor = appealed(stage)
    stage.decide(visitor, "approve", amount="5.00")
    return Appeal.objects.get().public_id


def decline(stage: Stage) -> str:
    visitor = appealed(stage)
    stage.decide(visitor, "reject")
    return Appeal.objects.get().public_id


def grant(stage: Stage) -> str:
    stage.decide(appealed(stage), "approve", amount="5.00")
    return Payout.objects.get().public_id


def reverse_pay(stage: Stage) -> str:
    return stage.change_pay(PayoutState.PAID, "reverse")


def cancel_pay(stage: Stage) -> str:
    return stage.change_pay(PayoutState.APPROVED, "cancel")


def retry_pay(stage: Stage) -> str:
    return stage.change_pay(PayoutState.FAILED, "retry")


def withdraw(stage: Stage) -> str:
    visitor = stage.answered()
    answer = APIClient().post(
        "/api/wallet/withdraw",
        {"amount": "1.00", "currency": "USD", "provider": "local", "is_play_money": True},
        headers={
            "Authorization": f"Bearer {visitor.started['receipt_token']}",
            "Idempotency-Key": "once",
        },
    )
    assert answer.status_code == 201, answer.content
    return str(answer.json()["withdrawal_id"])


def attach_wallet(stage: Stage) -> str:
    visitor = stage.answered()
    body = {"receipt_token": visitor.started["receipt_token"]}
    client = APIClient()
    client.force_login(stage.vera, backend="django.contrib.auth.backends.ModelBackend")
    assert client.post("/api/wallet/attach", body).status_code == 200
    return visitor.response.wallet.public_id


def merge_wallets(stage: Stage) -> str:
    first = attach_wallet(stage)
    attach_wallet(stage)
    return first


def change_plan(stage: Stage) -> str:
    url = stage.post("/upgrade/", plan="pro")["Location"]
    stage.post(url)
    stage.ana.profile.refresh_from_db()
    assert stage.ana.profile.plan == Plan.PRO
    return stage.ana.public_id


def export_csv(stage: Stage) -> str:
    survey = stage.survey()
    stage.ask("get", f"/survey/{survey.public_id}/export.csv")
    return survey.public_id


def export_jsonl(stage: Stage) -> str:
    survey = stage.survey()
    stage.ask("get", f"/survey/{survey.public_id}/export.jsonl")
    return survey.public_id


def export_transcript(stage: Stage) -> str:
    visitor = stage.answered()
    stage.ask("get", f"/transcripts/{visitor.session_id}.txt")
    return visitor.session_id


def export_response(stage: Stage) -> str:
    visitor = stage.answered()
    answer = visitor.call("get", "data", visitor.started["receipt_token"])
    assert answer.status_code == 200
    return visitor.session_id


def export_person(stage: Stage) -> str:
    stage.post("/account/data/download/")
    return stage.ana.public_id


def erase_response(stage: Stage) -> str:
    visitor = stage.answered()
    stage.post(f"/console/sessions/{visitor.session_id}/erase/")
    return visitor.session_id


def erase_contact(stage: Stage) -> str:
    made = make_messages(stage.acme, stage.ana, "words")
    stage.post(f"/inbox/{made['conversation_id']}/do/erase/")
    return stage.acme.contacts.get(name="", phone=None).public_id


def erase_person(stage: Stage) -> str:
    stage.signed_in(stage.vera).post("/account/data/erase/", {"password": PASSWORD})
    drain()
    return stage.vera.public_id


def erase_video(stage: Stage) -> str:
    scenes = [{"kind": "title", "heading": "Words", "narration": "Words."}]
    video = create_video_session(owner=stage.ana, company=stage.acme, title="A", scenes=scenes)
    stage.post(f"/studio/{video.public_id}/delete")
    return video.public_id


def add_number(stage: Stage) -> str:
    stage.post(
        "/shop/numbers/new/", display_number="+52 55 1234 5678", phone_number_id="109876543210"
    )
    return stage.acme.numbers.get().public_id


def change_number(stage: Stage, **form: str) -> str:
    made = add_number(stage)
    stage.post(f"/shop/numbers/{made}/", **form)
    return made


def add_webhook(stage: Stage) -> str:
    stage.ask("post", "/api/webhooks", {"url": URL, "event_types": ["payout.changed"]})
    return WebhookEndpoint.objects.get().public_id


def change_webhook(stage: Stage, body: dict[str, str]) -> str:
    row = make_endpoint(stage.acme).row
    if body.get("state") == "active":
        stage.ask("patch", f"/api/webhooks/{row.public_id}", {"state": "paused"})
    stage.ask("patch", f"/api/webhooks/{row.public_id}", body)
    return row.public_id


def rotate_webhook(stage: Stage) -> str:
    row = make_endpoint(stage.acme).row
    stage.ask("post", f"/api/webhooks/{row.public_id}/rotate")
    return row.public_id


def delete_webhook(stage: Stage) -> str:
    row = make_endpoint(stage.acme).row
    stage.ask("delete", f"/api/webhooks/{row.public_id}")
    return row.public_id


def replay_webhook(stage: Stage) -> str:
    make_endpoint(stage.acme)
    publish(stage.acme)
    delivery = WebhookDelivery.objects.get()
    stage.ask("post", f"/api/webhook-deliveries/{delivery.public_id}/replay")
    return delivery.public_id


def replay_webhooks(stage: Stage) -> str:
    row = make_endpoint(stage.acme).row
    publish(stage.acme)
    WebhookDelivery.objects.update(state="failed", next_attempt_at=None)
    stage.ask("post", f"/api/webhooks/{row.public_id}/replay")
    return row.public_id


PERSON, KEY, SYSTEM, RESPONDENT = "ana", "key", "system", "respondent"

# deed, the line's action, who is named in it (None: see the deed), whether it is in Acme's trail
DEEDS: list[tuple[Callable[[Stage], str], str, str | None, bool]] = [
    (create_key, "api_key.created", PERSON, True),
    (revoke_key, "api_key.revoked", PERSON, True),
    (rotate_identity, "identity_secret.rotated", PERSON, True),
    (change_retention, "company.changed", PERSON, True),
    (change_retention_of_survey, "survey.changed", KEY, True),
    (pause_survey, "survey.paused", PERSON, True),
    (send_invitation, "invitation.sent", PERSON, True),
    (revoke_invitation, "invitation.revoked", PERSON, True),
    (change_role, "membership.role_changed", PERSON, True),
    (remove_member, "membership.removed", PERSON, True),
    (change_password, "password.changed", PERSON, False),
    (reset_password, "password.reset", None, False),
    (switch_second_factor_on, "second_factor.on", PERSON, False),
    (switch_second_factor_off, "second_factor.off", PERSON, False),
    (fund, "funding.posted", PERSON, True),
    (approve, "payout.approved", PERSON, True),
    (approve_by_time, "payout.approved", SYSTEM, True),
    (reject, "payout.rejected", PERSON, True),
    (uphold, "appeal.upheld", PERSON, True),
    (decline, "appeal.declined", PERSON, True),
    (grant, "payout.granted", PERSON, True),
    (reverse_pay, "payout.reversed", PERSON, True),
    (cancel_pay, "payout.cancelled", PERSON, True),
    (retry_pay, "payout.retried", PERSON, True),
    (withdraw, "withdrawal.requested", None, False),
    (attach_wallet, "wallet.attached", None, False),
    (merge_wallets, "wallet.merged", None, False),
    (change_plan, "plan.changed", PERSON, False),
    (export_csv, "survey.exported", KEY, True),
    (export_jsonl, "survey.exported", KEY, True),
    (export_transcript, "transcript.exported", KEY, True),
    (export_response, "response.exported", RESPONDENT, True),
    (export_person, "person.exported", PERSON, False),
    (erase_response, "response.erased", RESPONDENT, True),
    (erase_response, "response.erasure_asked", PERSON, True),
    (erase_contact, "contact.erased", PERSON, True),
    (erase_person, "person.erasure_asked", None, False),
    (erase_person, "person.erased", None, False),
    (erase_video, "video.erased", PERSON, True),
    (link_interview, "workflow.survey_linked", PERSON, True),
    (unlink_interview, "workflow.survey_unlinked", PERSON, True),
    (add_number, "number.added", PERSON, True),
    (lambda stage: change_number(stage, label="Support"), "number.changed", PERSON, True),
    (lambda stage: change_number(stage, pause="1"), "number.paused", PERSON, True),
    (lambda stage: change_number(stage, resume="1"), "number.resumed", PERSON, True),
    (add_webhook, "webhook.created", KEY, True),
    (lambda stage: change_webhook(stage, {"url": f"{URL}/2"}), "webhook.changed", KEY, True),
    (lambda stage: change_webhook(stage, {"state": "paused"}), "webhook.paused", KEY, True),
    (lambda stage: change_webhook(stage, {"state": "active"}), "webhook.resumed", KEY, True),
    (rotate_webhook, "webhook.secret_rotated", KEY, True),
    (delete_webhook, "webhook.deleted", KEY, True),
    (replay_webhook, "webhook.replayed", KEY, True),
    (replay_webhooks, "webhook.replayed_all", KEY, True),
]


@pytest.mark.parametrize(
    ("deed", "action", "actor", "is_companys"),
    DEEDS,
    ids=[f"{action}-by-{actor or 'its-person'}" for _, action, actor, _ in DEEDS],
)
def test_a_deed_leaves_its_line(
    stage: Stage, deed: Callable[[Stage], str], action: str, actor: str | None, is_companys: bool
) -> None:
    thing = deed(stage)

    line = AuditEvent.objects.filter(action=action).latest("pk")
    assert line.object_ref == thing
    assert line.company_ref == (stage.acme.public_id if is_companys else "")
    if actor == PERSON:
        assert line.actor == stage.ana.public_id
    elif actor == KEY:
        assert line.actor.startswith("key_")
    elif actor is not None:
        assert line.actor == actor
    else:
        assert line.actor in (stage.vera.public_id, line.object_ref) or line.actor.startswith(
            "wallet_"
        )


def test_every_line_the_product_writes_is_in_this_table() -> None:
    written = set()
    for app in ("accounts", "agents", "messaging", "sessions", "surveys", "webhooks", "workflows"):
        for path in (ROOT / app).rglob("*.py"):
            if "tests" not in path.parts:
                text = path.read_text(encoding="utf-8")
                if "record_event" in text:
                    written |= set(re.findall(r'"([a-z_]+\.[a-z_]+)"', text)) & _actions(text)
    tried = {action for _, action, _, _ in DEEDS}

    assert sorted(written - tried - NO_POWER) == []


def _actions(text: str) -> set[str]:
    """Return what stands as an action in a source text: by keyword, or handed to its `_record`."""
    return set(re.findall(r'action="([a-z_.]+)"', text)) | set(
        re.findall(r'_record\([^"]*?"([a-z_]+\.[a-z_]+)"', text)
    )
