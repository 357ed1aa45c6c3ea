"""The one statement of a plain turn on PostgreSQL: all or nothing, whoever else is at the rows."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.forms.models import model_to_dict

from accounts.models import Company
from core import clock
from core.jobs import nudge_sql
from messaging.models import (
    Contact,
    Conversation,
    ConversationMode,
    InboundMessage,
    OutboundMessage,
    TurnRecord,
)
from messaging.models.inbound import InboundState
from messaging.registry import get_controller
from messaging.replies import say
from messaging.services import intake, outbox, sending
from messaging.state import commit_statement, inbox
from messaging.state.builder import build_state
from messaging.tests.shop_world import Phone, make_shop
from messaging.tests.webhook_bodies import encode, envelope, profile, text

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(
        settings.DATABASE_IS_SQLITE, reason="needs PostgreSQL; make test-services runs this"
    ),
]
NUMBER_ID = "200000000000001"
SENDER = "5215511112222"


def receive(*words: str, first: int = 0) -> None:
    now = int(clock.now().timestamp()) - 600
    for place, said in enumerate(words, start=first):
        one = text(said, key=f"wamid.{place}", sender=SENDER, at=now + place)
        whose = [profile(SENDER, "Luz")]
        intake.receive_webhook(
            raw=encode(envelope(messages=[one], contacts=whose, number_id=NUMBER_ID))
        )


def written_by(number: Any, wa_id: str) -> list[Any]:
    """Return all rows of a dialogue without what differs between any two."""
    conversation = Conversation.objects.get(number=number, contact__phone=wa_id)
    rows = [
        *InboundMessage.objects.filter(conversation=conversation).order_by("pk"),
        *OutboundMessage.objects.filter(conversation=conversation).order_by("pk"),
        *TurnRecord.objects.filter(conversation=conversation).order_by("pk"),
    ]
    state = conversation.state
    said = [(one["role"], one["text"]) for one in state["dialogue"]["turns"]]
    own = ("id", "conversation", "contact", "wamid", "payload", "turn_id", "reply_to", "public_id",
           "sent_at", "handled_at", "next_attempt_at", "milliseconds", "number")  # fmt: skip
    plain = [{k: v for k, v in model_to_dict(row).items() if k not in own} for row in rows]
    payloads = [row.payload for row in rows if isinstance(row, OutboundMessage)]
    return [
        conversation.version, conversation.lane, conversation.lease_owner,
        conversation.leased_until, conversation.inbox_due_at, conversation.contact.language,
        state["lane"], state["intent"], state["slots"], said, payloads, *plain,
    ]  # fmt: skip


def test_one_statement_writes_what_the_transaction_of_many_writes(
    db: None, acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = make_shop(acme)
    monkeypatch.setattr(sending, "send_due", lambda **_: 0)
    for wa_id, is_one in (("5215511110001", True), ("5215511110002", False)):
        monkeypatch.setattr(commit_statement, "is_supported", lambda is_one=is_one: is_one)
        phone = Phone(number, wa_id=wa_id)
        for said in ("Hola", "¿A qué hora abren?", "What is your address?", "¿Qué venden?"):
            assert phone.says(said)
        phone.send({"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}})

    one, many = written_by(number, "5215511110001"), written_by(number, "5215511110002")
    assert one == many
    assert one[0] == 4
    assert len(one) > 20


@pytest.mark.parametrize(
    "moved",
    [
        {"version": 7},
        {"fence": 99},
        {"mode": ConversationMode.OPERATOR},
        {"handled": True},
    ],
)
def test_a_turn_that_was_overtaken_writes_nothing(
    db: None, acme: Company, moved: dict[str, Any]
) -> None:
    make_shop(acme)
    receive("Hola")
    conversation = Conversation.objects.get()
    taken = inbox.take(conversation.public_id)
    assert taken is not None
    assert taken.first is not None
    found = taken.first.inbound
    if moved.pop("handled", False):
        InboundMessage.objects.update(state=InboundState.DONE)
    elif moved:
        Conversation.objects.update(**moved)
    before = Conversation.objects.values().get()

    row = found.conversation
    now = clock.now()
    written = commit_statement.write_turn(
        conversation=row,
        fence=taken.fence,
        inbound=found,
        ends_as=InboundState.DONE,
        state=build_state(row),
        outbound=[
            outbox.build_outbound(conversation=row, reply=say("Hi"), turn_id="t", position=0)
        ],
        record=TurnRecord(conversation=row, turn_id="t"),
        language="es",
        nudge=nudge_sql(outbox.SEND_JOB, row.public_id),
        now=now,
    )

    assert (written.is_written, written.is_released) == (False, False)
    assert written.was_waiting is bool(moved)
    assert Conversation.objects.values().get() == before
    assert not OutboundMessage.objects.exists()
    assert not TurnRecord.objects.exists()
    assert Contact.objects.get().language == ""
    waits = InboundMessage.objects.filter(state=InboundState.WAITING).count()
    assert waits == int(bool(moved))


def test_the_nudge_is_a_row_of_the_statement(db: None, acme: Company, settings: Any) -> None:
    make_shop(acme)
    receive("Hola")
    settings.JOBS_MODE = "auto"
    conversation = Conversation.objects.get()

    assert get_controller().drain(conversation.public_id) == 1

    with connection.cursor() as cursor:
        cursor.execute("SELECT queue_name, task_name, args FROM procrastinate_jobs")
        rows = [(*row[:2], row[2]) for row in cursor.fetchall()]
    assert len(rows) == 1
    assert rows[0][:2] == ("default", "core.jobs.run")
    assert '"messaging.send_due"' in rows[0][2]
    assert conversation.public_id in rows[0][2]


def in_a_transaction_until_somebody_waits(work: Callable[[], None]) -> threading.Thread:
    """Do the work in another connection, and commit when another statement waits for its locks."""
    is_done = threading.Event()

    def run() -> None:
        try:
            with transaction.atomic():
                work()
                is_done.set()
                with connection.cursor() as cursor:
                    for _ in range(2000):
                        cursor.execute(
                            "SELECT count(*), pg_sleep(0.005) FROM pg_locks WHERE NOT granted "
                            "AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
                        )
                        if cursor.fetchone()[0]:
                            return
                raise AssertionError("nobody waited")
        finally:
            is_done.set()
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    is_done.wait()
    return thread


@pytest.mark.django_db(transaction=True)
def test_what_comes_in_while_claim_and_commit_wait_is_handled_in_order(
    acme: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_shop(acme)
    receive("Hola")
    controller = get_controller()
    conversation = Conversation.objects.get()
    threads = [in_a_transaction_until_somebody_waits(lambda: receive("¿Qué venden?", first=1))]
    answer = type(controller)._answer

    def answer_late(self: Any, held: Any, turn: Any, context: Any) -> Any:
        if turn.id == "wamid.1":
            late = in_a_transaction_until_somebody_waits(lambda: receive("Gracias", first=2))
            threads.append(late)
        return answer(self, held, turn, context)

    monkeypatch.setattr(type(controller), "_answer", answer_late)

    # The claim waits for the first transaction, the second turn's commit for the other one.
    assert controller.drain(conversation.public_id) == 3

    for thread in threads:
        thread.join()
    conversation.refresh_from_db()
    said = [one["text"] for one in conversation.state["dialogue"]["turns"] if one["role"] == "user"]
    assert said == ["Hola", "¿Qué venden?", "Gracias"]
    assert (conversation.version, conversation.inbox_due_at) == (3, None)
    assert conversation.leased_until is None
    assert not InboundMessage.objects.filter(state=InboundState.WAITING).exists()
