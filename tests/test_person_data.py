"""A person's right over what is held about them: a copy of everything, and erasing all of it."""

from __future__ import annotations

import io
import json
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.test import Client

from accounts.models import Company, ErasureRequest, Invitation, Membership, Plan, Role, User
from accounts.services import leaving, retention
from accounts.services.invitations import invite
from accounts.tests.factories import make_key
from agents.video.services.scripts import create_video_session
from core import clock
from core.jobs.testing import drain
from core.models import AuditEvent
from core.privacy import list_sections
from messaging.models import Contact, Conversation, InboundMessage, Order
from messaging.services import privacy as messages
from messaging.tests.messages_world import make_messages
from messaging.tests.shop_world import Phone, make_shop
from sessions.models import TranscriptSegment, VoiceSession
from sessions.services.chats import start_chat
from sessions.services.conversations import open_conversation
from sessions.services.privacy import purge_chats
from sessions.services.turns import take_turn
from surveys.models import LedgerEntry, Payout, Survey, SurveyResponse, Wallet
from surveys.selectors.ledger_check import verify_ledger
from surveys.services.wallets import attach_wallet
from surveys.tests.builders import Visitor, make_survey
from tests.canaries import files_with, tables_with
from workflows.models import Execution, PlanPurchase
from workflows.selectors.catalogue import workflow_for
from workflows.services.executions import start_execution
from workflows.services.outcomes import log_outcome, read_measure
from workflows.services.progress import Change, save_progress
from workflows.tests.builders import pdf_bytes

pytestmark = pytest.mark.django_db

CANARY = "zq7person"
PASSWORD = "correct horse battery"
PHONE = "5215500000001"
SAID = (
    f"On Monday {CANARY} the export lost forty headings and I came late to the meeting.",
    f"Nobody at {CANARY} could tell me which of the two files was the newer one.",
)

IMPERSONAL = {
    "accounts.Company", "accounts.Market", "accounts.SkillLevel",
    "agents.", "auth.Group", "auth.Permission", "contenttypes.ContentType",
    "core.RateCounter",
    "messaging.BusinessNumber", "messaging.BusinessProfile", "messaging.Category",
    "messaging.DeliveryPlace", "messaging.FaqEntry", "messaging.MessageTemplate",
    "messaging.NumberSeries", "messaging.OpeningHours", "messaging.Policy", "messaging.Product",
    "messaging.SimulatedFaults", "messaging.SpecialDay", "messaging.SurveyKeyword",
    "surveys.FunnelCounter", "surveys.SurveyVersion",
    "workflows.AggregationRun", "workflows.ValueSpread", "workflows.Workflow",
    "workflows.WorkflowVersion",
}  # fmt: skip
"""Rows that are about a company, a catalogue or a counter, and about nobody."""


@pytest.fixture(autouse=True)
def _files_of_this_test_alone() -> None:
    """Take away what earlier tests stored: their rows are gone, their files are not."""
    shutil.rmtree(Path(settings.DATA_DIR) / "media", ignore_errors=True)


@pytest.fixture
def vera_everywhere(vera: User, acme: Company) -> User:
    """Return Vera, who has said, written, uploaded and filmed something in every app."""
    vera.full_name = f"Vera {CANARY}"
    vera.set_password(PASSWORD)
    vera.save()
    visitor = Visitor(make_survey(acme))
    visitor.answer_all(SAID, attributes={"plan": CANARY})
    attach_wallet(wallet=visitor.response.wallet, user=vera)
    chat = start_chat(owner=vera, address="192.0.2.7")
    opened = open_conversation(voice_session=chat.session)
    take_turn(voice_session=opened, text=f"{CANARY} hello", client_id="c1", typing_seconds=3)
    create_video_session(
        owner=vera,
        company=None,
        title=f"{CANARY} film",
        scenes=[{"kind": "title", "heading": f"{CANARY} heading", "narration": "Words."}],
    )
    run = start_execution(person=vera, workflow=workflow_for(vera, "resume_generator"))
    save_progress(execution=run, change=Change(note=f"{CANARY} note"))
    log_outcome(
        person=vera,
        execution=run,
        measure=read_measure(metric_type="custom", value="1", currency=f"{CANARY} leads"),
        upload=SimpleUploadedFile(f"{CANARY}.pdf", pdf_bytes(CANARY.encode())),
    )
    return vera


def test_the_copy_holds_something_of_every_app(vera_everywhere: User, api_of: Any) -> None:
    answer = api_of(vera_everywhere).get("/api/account/export")

    assert answer.status_code == 200
    data = answer.json()["data"]
    assert [name for name, part in data.items() if CANARY in json.dumps(part)] == [
        "account",
        "videos",
        "conversations",
        "surveys",
        "workflows",
    ]
    assert data["surveys"]["answers"][0]["transcript"][1]["text"] == SAID[0]
    assert data["surveys"]["wallets"][0]["credit"][0]["currency"] == "USD"
    assert "password" not in data["account"]["login"][0]
    secrets = json.dumps(data)
    assert vera_everywhere.password not in secrets
    assert VoiceSession.objects.exclude(token_digest="").first().token_digest not in secrets
    assert AuditEvent.objects.filter(
        action="person.exported", actor=vera_everywhere.public_id
    ).exists()


def test_after_erasing_nothing_of_the_person_is_left(
    vera_everywhere: User, browser_of: Any
) -> None:
    vera = vera_everywhere
    email, entries = vera.email, list(LedgerEntry.objects.order_by("pk").values())
    assert len(tables_with(CANARY)) >= 8
    assert files_with(CANARY)
    browser = browser_of(vera)

    refused = browser.post("/account/data/erase/", {"password": PASSWORD})
    answer = browser.post("/account/data/erase/", {"password": PASSWORD, "gives_up_credit": "on"})

    assert refused.status_code == 409
    assert (answer.status_code, answer["Location"]) == (302, "/account/erased/")
    assert browser.get("/account/data/").status_code == 302
    again = Client().post("/account/login/", {"username": email, "password": PASSWORD})
    assert again.status_code == 200
    assert "do not fit together" in again.content.decode()
    drain()
    assert tables_with(CANARY, email, "vera@") == []
    assert files_with(CANARY) == []
    row = ErasureRequest.objects.get()
    assert row.finished_at is not None
    # What was paid is still in the books, and they still add up.
    assert list(LedgerEntry.objects.order_by("pk").values()) == entries
    assert verify_ledger() == []
    assert Payout.objects.get().state == "paid"
    assert Wallet.objects.get().user is None
    assert SurveyResponse.objects.get().state == "erased"
    assert list(
        AuditEvent.objects.filter(action__startswith="person.er").values_list("action", flat=True)
    ) == ["person.erased", "person.erasure_asked"]


def test_a_crash_in_the_middle_loses_no_part_of_it(
    vera_everywhere: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(**kwargs: Any) -> None:
        raise KeyboardInterrupt

    row = leaving.request_erasure(user=vera_everywhere, gives_up_credit=True)
    with monkeypatch.context() as patch:
        patch.setattr("sessions.services.privacy.erase_conversation", die)
        with pytest.raises(KeyboardInterrupt):
            leaving.carry_out(request_id=row.public_id)
    assert tables_with(CANARY)
    assert leaving.due_request_ids() == []
    ErasureRequest.objects.update(next_attempt_at=clock.now())

    assert leaving.due_request_ids() == [row.public_id]
    assert leaving.carry_out(request_id=row.public_id) is True
    assert leaving.carry_out(request_id=row.public_id) is False

    assert tables_with(CANARY, vera_everywhere.email) == []


def test_what_cannot_go_yet_is_tried_again(
    vera_everywhere: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.errors import ConflictError

    def busy(**kwargs: Any) -> None:
        raise ConflictError("evaluation_running", "This answer is being scored this moment.")

    monkeypatch.setattr("surveys.services.privacy.erase_response", busy)
    row = leaving.request_erasure(user=vera_everywhere, gives_up_credit=True)

    assert leaving.carry_out(request_id=row.public_id) is False

    row.refresh_from_db()
    assert (row.attempts, row.finished_at) == (1, None)
    assert row.next_attempt_at > clock.now()


def test_who_may_not_be_erased_yet(
    ana: User, beto: User, acme: Company, api_of: Any, vera: User
) -> None:
    ana.set_password(PASSWORD)
    ana.save()
    client = api_of(ana)

    wrong = client.post("/api/account/erase", {"password": "not this one"})
    alone = client.post("/api/account/erase", {"password": PASSWORD})

    assert (wrong.status_code, wrong.json()["code"]) == (400, "wrong_password")
    assert (alone.status_code, alone.json()["code"]) == (409, "last_owner")
    ana.refresh_from_db()
    assert ana.is_active
    assert ErasureRequest.objects.count() == 0
    Membership.objects.filter(user=beto).update(role=Role.OWNER)
    assert client.post("/api/account/erase", {"password": PASSWORD}).status_code == 202


def test_the_last_person_of_a_company_leaves_no_door_open(ana: User, acme: Company) -> None:
    key, _ = make_key(acme)
    survey: Survey = make_survey(acme)
    invite(company=acme, email="late@acme.test", role=Role.MEMBER, actor=ana)

    leaving.request_erasure(user=ana)
    drain()

    key.refresh_from_db()
    survey.refresh_from_db()
    assert key.revoked_at is not None
    assert survey.status == "closed"
    assert not Invitation.objects.filter(revoked_at__isnull=True).exists()
    assert verify_ledger() == []
    assert AuditEvent.objects.filter(action="company.left_empty", company_ref=acme.public_id)


def test_a_wrong_password_is_not_tried_for_long(vera: User, api_of: Any) -> None:
    client = api_of(vera)
    seen = [client.post("/api/account/erase", {"password": "guess"}).status_code for _ in range(11)]

    assert seen == [400] * 10 + [429]


def test_a_contact_is_copied_and_erased_by_phone(ana: User, acme: Company) -> None:
    make_messages(acme, ana, CANARY)
    out = io.StringIO()
    call_command("export_person", "--phone", "+52 1 55 0000 0001", stdout=out)
    contact = json.loads(out.getvalue())["data"]["messages"]["contacts"][0]
    assert contact["contact"]["phone"] == PHONE
    assert contact["received"][0]["payload"] == {"text": {"body": CANARY}}
    before = tables_with(CANARY, PHONE)
    assert "messaging.Contact.phone" in before

    call_command("erase_person", "--phone", PHONE, stdout=io.StringIO())

    # What is left is the shop's own: its goods, its answers, its simulator's other phone.
    left = {name.split(".")[1] for name in tables_with(CANARY, PHONE)}
    assert {name for name in left if not name.startswith("Simulated")} == {
        "BusinessNumber", "Category", "FaqEntry", "Product",
    }  # fmt: skip
    assert [name for name in files_with(CANARY) if "simulator" not in name] == []
    assert Conversation.objects.get().mode == "agent"
    assert InboundMessage.objects.get().payload == {}
    assert AuditEvent.objects.filter(action="contact.erased", company_ref=acme.public_id).exists()


def test_an_open_order_is_finished_first(acme: Company) -> None:
    phone = Phone(make_shop(acme))
    phone.says("hola")
    order = Order.objects.create(
        company=acme,
        contact=phone.contact,
        number="P-1",
        currency="MXN",
        subtotal_minor=100,
        total_minor=100,
        recipient="Luz Paz",
        address="Calle 1",
        state="paid",
        placed_at=clock.now(),
    )

    with pytest.raises(CommandError, match=r"P-1 is not finished"):
        call_command("erase_person", "--phone", phone.wa_id)
    assert phone.contact.name == "Luz Paz"
    Order.objects.update(state="delivered")
    call_command("erase_person", "--phone", phone.wa_id, stdout=io.StringIO())

    order.refresh_from_db()
    assert (order.recipient, order.address, order.total_minor) == ("", "", 100)
    assert tables_with("Luz Paz", phone.wa_id) == []


def test_a_repeated_webhook_brings_nobody_back(acme: Company) -> None:
    number = make_shop(acme)
    phone = Phone(number)
    phone.says("mi nombre es secreto")
    message = InboundMessage.objects.get()
    call_command("erase_person", "--phone", phone.wa_id, stdout=io.StringIO())

    phone.send({"type": "text", "text": {"body": "mi nombre es secreto"}, "id": message.wamid})

    assert InboundMessage.objects.count() == 1
    assert tables_with("es secreto") == ["messaging.RawWebhook.body"]


def test_a_respondent_without_a_login_is_erased_by_wallet(acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.answer_all(SAID)
    wallet = visitor.response.wallet.public_id

    with pytest.raises(CommandError, match=r"money in your wallet"):
        call_command("erase_person", "--wallet", wallet)
    call_command("erase_person", "--wallet", wallet, "--give-up-credit", stdout=io.StringIO())

    assert tables_with(CANARY) == []
    assert verify_ledger() == []


def test_every_table_is_somebodys_or_nobodys() -> None:
    covered = {label for section in list_sections() for label in section.models}
    kept = {label: why for section in list_sections() for label, why in section.kept.items()}
    known = covered | set(kept) | IMPERSONAL

    tables = {
        model._meta.label
        for model in apps.get_models()
        if "tests" not in model.__module__ and not model.__module__.startswith("procrastinate")
    }

    assert sorted(tables - known) == []
    assert sorted((covered | set(kept)) - tables) == []
    assert [label for label, why in kept.items() if len(why) < 20] == []


def test_old_chats_contacts_and_logins_go_by_themselves(
    ana: User, acme: Company, vera: User, client: Client
) -> None:
    chat = start_chat(owner=vera, address="192.0.2.7")
    opened = open_conversation(voice_session=chat.session)
    take_turn(voice_session=opened, text=f"{CANARY} hello", client_id="c1", typing_seconds=3)
    make_messages(acme, ana, "words")
    invited = invite(company=acme, email="never@came.test", role=Role.MEMBER, actor=ana).row
    client.force_login(vera, backend="django.contrib.auth.backends.ModelBackend")
    assert (purge_chats(days=365), messages.purge_silent_contacts()) == (0, 0)
    assert retention.purge_old_rows() == retention.PurgedRows(0, 0, 0)

    long_ago = clock.now() - timedelta(days=366)
    VoiceSession.objects.update(last_activity_at=long_ago)
    Conversation.objects.update(last_activity_at=long_ago)
    Invitation.objects.filter(pk=invited.pk).update(expires_at=long_ago)
    client.session.get_expiry_age()
    from django.contrib.sessions.backends.db import SessionStore

    SessionStore.get_model_class().objects.update(expire_date=long_ago)

    assert (purge_chats(days=365), messages.purge_silent_contacts()) == (1, 1)
    assert (purge_chats(days=365), messages.purge_silent_contacts()) == (0, 0)
    assert retention.purge_old_rows().login_sessions == 1
    assert not Invitation.objects.exists()
    assert not TranscriptSegment.objects.exists()
    assert Contact.objects.get().phone is None


def test_the_trail_is_the_owners_to_read(
    ana: User, beto: User, acme: Company, carla: User, globex: Company, browser_of: Any
) -> None:
    for number in range(60):
        make_key(acme, name=f"key {number}")
    make_key(globex)

    page = browser_of(ana).get("/console/trail/")
    html = page.content.decode()

    assert page.status_code == 200
    assert html.count("api_key.created") == 50
    older = browser_of(ana).get("/console/trail/" + page.context["next_url"]).content.decode()
    assert older.count("api_key.created") == 10
    assert globex.public_id not in html + older
    assert browser_of(beto).get("/console/trail/").status_code == 404
    assert "api_key" in browser_of(carla).get("/console/trail/").content.decode()
    assert browser_of(ana).get("/console/trail/?before=9e9").status_code == 200


def test_plans_that_were_paid_stay_in_the_books(vera: User) -> None:
    from workflows.services.billing import open_purchase, pay_locally

    purchase, _ = open_purchase(person=vera, plan=Plan.PRO)
    pay_locally(person=vera, purchase_id=purchase.public_id)

    leaving.request_erasure(user=vera)
    drain()

    row = PlanPurchase.objects.get()
    assert (row.state, row.amount_minor) == ("ended", purchase.amount_minor)
    assert not Execution.objects.exists()
