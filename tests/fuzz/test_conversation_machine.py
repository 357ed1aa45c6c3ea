"""Whatever a person, their operators and WhatsApp do to a conversation, in whatever order."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from accounts.models import Role
from accounts.tests.factories import add_member, make_user
from core import clock
from core.jobs.testing import drain, run_sweeps
from core.tests.machines import walk
from messaging.models import (
    Conversation,
    ConversationMode,
    InboundMessage,
    OutboundMessage,
    OutboundState,
    TurnRecord,
)
from messaging.models.inbound import InboundState
from messaging.models.outbound import OUTBOUND_TRANSITIONS, Author
from messaging.services import sending
from messaging.services.intake import receive_webhook
from messaging.tests.shop_world import make_shop
from messaging.tests.webhook_bodies import encode, envelope, status
from messaging.whatsapp.base import Accepted, ErrorClass, SendError
from messaging.whatsapp.simulator import SimulatorBackend
from tests.fuzz.test_state_machines import EXAMPLES, FINE, Machine

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.timeout(900)]

WA_ID = "5215511112222"
WORDS = ("Hola", "¿A qué hora abren?", "Quiero hablar con una persona", "Ver catálogo")
FAULTS = {
    "later": SendError(ErrorClass.RETRY, "131000"),
    "window": SendError(ErrorClass.WINDOW, "131047"),
    "never": SendError(ErrorClass.NEVER, "131026"),
    "lost": SendError(ErrorClass.AMBIGUOUS, "ReadTimeout"),
}


class Graph:
    """What WhatsApp's server has taken, and how it fails next."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []
        self.faults: list[str] = []

    def send(self, sender: Any, recipient: Any, message: Any, *, opaque: str) -> Accepted:
        fault = self.faults.pop(0) if self.faults else None
        if fault not in (None, "lost"):
            raise FAULTS[fault]
        wamid = f"wamid.ours{len(self.taken)}"
        self.taken.append((wamid, opaque))
        if fault:
            raise FAULTS[fault]
        return Accepted(wamid)


GRAPH = Graph()


class ConversationMachine(Machine):
    """One person, two operators, and a WhatsApp that repeats, reorders and fails."""

    def __init__(self) -> None:
        super().__init__()
        GRAPH.__init__()  # type: ignore[misc]  # each walk begins with nothing taken
        self.number = make_shop(self.company)
        colleague = make_user()
        add_member(self.company, colleague, Role.MEMBER)
        self.operators = [self.owner, colleague]
        self.clients = [self.client_of(one) for one in self.operators]
        self.bodies: list[bytes] = []
        self.seen: dict[int, str] = {}
        self.silent_since: int | None = None
        self.write(0)

    @property
    def conversation(self) -> Conversation:
        return Conversation.objects.get()

    def act(self, who: int, action: str, body: dict[str, str] | None = None) -> None:
        path = f"/inbox/{self.conversation.public_id}/{action}/"
        assert self.clients[who].post(path, body or {}).status_code in FINE

    @rule(
        words=st.integers(0, len(WORDS) - 1),
        fault=st.sampled_from(["later", "lost", "window", "never", None]),
    )
    def write_and_be_answered(self, words: int, fault: str | None) -> None:
        self.write(words)
        self.work(fault)

    @rule(words=st.integers(0, len(WORDS) - 1))
    def write(self, words: int) -> None:
        item = {
            "from": WA_ID,
            "id": f"wamid.theirs{len(self.bodies)}",
            "timestamp": str(int(clock.now().timestamp())),
            "type": "text",
            "text": {"body": WORDS[words]},
        }
        person = {"wa_id": WA_ID, "profile": {"name": "Luz"}}
        body = envelope(messages=[item], contacts=[person], number_id=self.number.phone_number_id)
        self.bodies.append(encode(body))
        receive_webhook(raw=self.bodies[-1])

    @rule(which=st.integers(0, 30))
    def come_again(self, which: int) -> None:
        receive_webhook(raw=self.bodies[which % len(self.bodies)])

    @rule(fault=st.sampled_from([None, *FAULTS]))
    def work(self, fault: str | None) -> None:
        if fault:
            GRAPH.faults = [fault]
        drain()

    @rule()
    def time_passes(self) -> None:
        """Let what waits for a later try have its time, and a lost answer its end."""
        OutboundMessage.objects.exclude(next_attempt_at=None).update(next_attempt_at=clock.now())
        run_sweeps("messaging.due_sends", "messaging.due_statuses", "messaging.due_inboxes")
        drain()

    @rule(who=st.integers(0, 1), action=st.sampled_from(["take", "give-back"]))
    def operate(self, who: int, action: str) -> None:
        self.act(who, f"do/{action}")

    @rule(who=st.integers(0, 1), to=st.integers(0, 1))
    def assign(self, who: int, to: int) -> None:
        self.act(who, "do/assign", {"operator": self.operators[to].public_id})

    @rule(who=st.integers(0, 1), key=st.integers(0, 3))
    def reply(self, who: int, key: int) -> None:
        """Write as an operator; the same key is the same message pressed twice."""
        self.act(who, "reply", {"text": f"Soy {key}", "client_id": f"c{key}"})

    @rule(
        which=st.integers(0, 20),
        name=st.sampled_from(["sent", "delivered", "read", "failed"]),
        code=st.sampled_from([131026, 131047]),
    )
    def tell(self, which: int, name: str, code: int) -> None:
        if not GRAPH.taken:
            return
        wamid, opaque = GRAPH.taken[which % len(GRAPH.taken)]
        fields: dict[str, Any] = {"biz_opaque_callback_data": opaque}
        if name == "failed":
            fields["errors"] = [{"code": code, "title": "?"}]
        event = status(wamid, name, **fields)
        receive_webhook(
            raw=encode(envelope(statuses=[event], number_id=self.number.phone_number_id))
        )

    @rule(who=st.integers(0, 1))
    def look(self, who: int) -> None:
        page = self.clients[who].get(f"/inbox/{self.conversation.public_id}/")
        assert page.status_code == 200
        assert Conversation.objects.get().unread_count == 0

    @invariant()
    def no_message_is_lost_or_handled_twice(self) -> None:
        assert InboundMessage.objects.count() == len(self.bodies)
        assert Conversation.objects.count() == 1
        turns = list(TurnRecord.objects.filter(is_success=True).values_list("turn_id", flat=True))
        assert len(turns) == len(set(turns))

    @invariant()
    def no_reply_goes_out_twice(self) -> None:
        """Again only after WhatsApp has said that the person did not get it."""
        opaques = [opaque for _, opaque in GRAPH.taken]
        for opaque in set(opaques):
            row = OutboundMessage.objects.get(public_id=opaque)
            refused = row.statuses.filter(payload__errors__0__code=131047).count()
            assert opaques.count(opaque) <= 1 + refused
        said = OutboundMessage.objects.filter(turn_id__startswith="operator:")
        assert said.count() == said.values("turn_id").distinct().count()

    @invariant()
    def agents_are_silent_while_a_person_has_it(self) -> None:
        newest = OutboundMessage.objects.filter(author=Author.AGENT).order_by("-pk").first()
        newest_pk = newest.pk if newest else 0
        if self.conversation.mode != ConversationMode.OPERATOR:
            self.silent_since = None
        elif self.silent_since is None:
            self.silent_since = newest_pk
        else:
            assert newest_pk == self.silent_since

    @invariant()
    def states_only_step_where_they_may(self) -> None:
        for row in OutboundMessage.objects.all():
            before = self.seen.get(row.pk)
            if before is not None and before != row.state:
                reachable, edge = set(), {OutboundState(before)}
                while edge:
                    reachable |= edge
                    edge = {o for one in edge for o in OUTBOUND_TRANSITIONS[one]} - reachable
                assert row.state in reachable, (before, row.state)
            if before == OutboundState.FAILED:
                assert row.state == OutboundState.FAILED
            self.seen[row.pk] = row.state

    def teardown(self) -> None:
        try:
            drain()
            waiting = InboundMessage.objects.filter(state=InboundState.WAITING)
            assert not waiting.exists()
            assert self.conversation.inbox_due_at is None
            self.no_message_is_lost_or_handled_twice()
            self.no_reply_goes_out_twice()
        finally:
            super().teardown()


def test_every_walk_through_a_conversation_keeps_the_rules(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(SimulatorBackend, "send", lambda self, *a, **k: GRAPH.send(*a, **k))
    # Statuses come when the walk tells them; that messages wait for them has a test of its own.
    monkeypatch.setattr(sending, "ORDER_WAIT_SECONDS", 0.0)
    walk(ConversationMachine, examples=EXAMPLES * 6, steps=20)
