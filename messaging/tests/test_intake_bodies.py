"""What is stored of a webhook body: every shape, once, in any order and any batching."""

from __future__ import annotations

import copy
import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from django.db import DatabaseError, connection

from core.errors import ParleyError
from messaging.models import (
    BusinessNumber,
    Contact,
    Conversation,
    InboundMessage,
    MessageStatus,
    OutboundMessage,
    RawWebhook,
)
from messaging.services.intake import receive_webhook
from messaging.tests.webhook_bodies import (
    ANA_PHONE,
    CLOCK,
    NUMBER_ID,
    SHAPES,
    STRANGE_BODIES,
    change,
    encode,
    envelope,
    item,
    profile,
    status,
    text,
    wrap,
)

SAMPLES = Path(__file__).resolve().parents[3] / "shared" / "whatsapp-payloads"
STORED = (
    RawWebhook,
    InboundMessage,
    MessageStatus,
    Contact,
    Conversation,
    OutboundMessage,
)


@pytest.fixture
def number(acme):
    return BusinessNumber.objects.create(
        company=acme, phone_number_id=NUMBER_ID, display_number="+52 900 100"
    )


def receive(*bodies: Any) -> None:
    for body in bodies:
        receive_webhook(raw=body if isinstance(body, bytes) else encode(body))


def row_counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in STORED}


def stored() -> dict[str, Any]:
    """Return what must not depend on order or batching: by what Meta names, never by our ids."""
    owner = {pk: identities(contact) for pk, contact in Contact.objects.in_bulk().items()}
    return {
        "messages": sorted(
            (one.wamid, one.type, one.state, one.sent_at.isoformat(), json.dumps(one.payload))
            for one in InboundMessage.objects.all()
        ),
        "statuses": sorted(MessageStatus.objects.values_list("wamid", "status", "at_seconds")),
        "contacts": sorted(
            repr(identities(one)) for one in Contact.objects.filter(merged_into=None)
        ),
        "owners": {
            one.wamid: owner[one.contact_id]
            for one in InboundMessage.objects.filter(contact__merged_into=None)
        },
        "orphans": InboundMessage.objects.exclude(contact__merged_into=None).count(),
    }


def identities(contact: Contact) -> tuple[str | None, str | None, str | None]:
    return contact.phone, contact.bsuid, contact.parent_bsuid


@pytest.mark.parametrize("name", SHAPES)
def test_a_message_of_every_type_is_stored_once(number, name):
    body = encode(envelope(messages=[SHAPES[name]], contacts=[profile(ANA_PHONE)]))

    receive(body)
    first = row_counts()
    receive(body)

    assert first["InboundMessage"] == 1
    assert first["RawWebhook"] == 1
    assert row_counts() == first


@pytest.mark.parametrize("name", STRANGE_BODIES)
def test_a_body_nobody_understands_is_kept_and_harms_nothing(number, name):
    receive(STRANGE_BODIES[name])
    first = row_counts()
    receive(STRANGE_BODIES[name])

    assert first["RawWebhook"] == 1
    assert row_counts() == first


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the sample bodies are not beside the project")
def test_every_sample_body_is_stored_and_its_replay_adds_nothing(acme):
    for path in sorted(SAMPLES.glob("*.json")):
        sample = json.loads(path.read_text(encoding="utf-8"))
        expected = sum(
            len(one["value"].get("messages", ()))
            for entry in sample["entry"]
            for one in entry["changes"]
        )
        prefix = path.stem[-40:]
        body = with_fresh_ids(sample, prefix)
        known = {
            one["value"].get("metadata", {}).get("phone_number_id", "")
            for entry in body["entry"]
            for one in entry["changes"]
        } - {""}
        for phone_number_id in known:
            BusinessNumber.objects.get_or_create(company=acme, phone_number_id=phone_number_id)
        before = InboundMessage.objects.count()

        receive(body)
        first = row_counts()
        receive(body)

        assert first["InboundMessage"] - before == (expected if known else 0), path.name
        assert row_counts() == first, path.name


def with_fresh_ids(sample: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return the sample with message ids of its own: placeholders repeat across the files."""
    made = copy.deepcopy(sample)
    messages = (
        message
        for entry in made["entry"]
        for one in entry["changes"]
        for message in one["value"].get("messages", ())
    )
    for position, message in enumerate(messages):
        message["id"] = f"{prefix}-{position}"
    return made


def test_all_items_of_all_four_levels_are_stored(number):
    def changes(tag: str) -> list[dict[str, Any]]:
        return [
            change(
                messages=[text("one", key=f"{tag}-{n}-1"), text("two", key=f"{tag}-{n}-2")],
                statuses=[status(f"{tag}-{n}", "sent"), status(f"{tag}-{n}", "read")],
            )
            for n in range(2)
        ]

    body = wrap(changes("a"))
    body["entry"].append({"id": "waba-2", "changes": changes("b")})

    receive(body)

    assert InboundMessage.objects.count() == 8
    assert MessageStatus.objects.count() == 8


def test_a_message_for_a_number_nobody_owns_stays_in_the_body(number):
    receive(envelope(messages=[text("?")], number_id="404"))

    assert InboundMessage.objects.count() == 0
    assert RawWebhook.objects.get().unknown_count == 1


def test_a_batch_of_k_equals_k_singles(number):
    items = [text(f"m{n}", key=f"w{n}", at=CLOCK + n) for n in range(6)]
    statuses = [status(f"o{n % 2}", name, at=CLOCK + n) for n, name in enumerate(["sent", "read"])]

    receive(envelope(messages=items, statuses=statuses, contacts=[profile(ANA_PHONE)]))
    batched = stored()
    forget_everything()
    for one in items:
        receive(envelope(messages=[one], contacts=[profile(ANA_PHONE)]))
    for one in statuses:
        receive(envelope(statuses=[one]))

    assert stored() == batched


def test_a_rebatched_repeat_adds_only_what_is_new(number):
    first, second = text("one"), text("two")
    receive(envelope(messages=[first]))

    receive(envelope(messages=[first, second, second]))

    assert sorted(InboundMessage.objects.values_list("wamid", flat=True)) == sorted(
        [first["id"], second["id"]]
    )


def forget_everything() -> None:
    for model in (MessageStatus, InboundMessage, Conversation, Contact, RawWebhook):
        model._default_manager.all().delete()


PEOPLE = [
    {"sender": "111"},
    {"sender": "111", "user_id": "MX.a"},
    {"sender": None, "user_id": "MX.a"},
    {"sender": "222", "user_id": "MX.b", "parent_id": "MX.ENT.b"},
    {"sender": None, "user_id": "MX.b"},
    {"sender": None, "parent_id": "MX.ENT.b"},
    {"sender": "222"},
]


@pytest.mark.parametrize("seed", range(12))
def test_any_order_ends_in_the_same_messages_statuses_and_contacts(number, seed):
    messages = [
        envelope(messages=[text(f"m{n}", key=f"w{n}", at=CLOCK + n, **person)])
        for n, person in enumerate(PEOPLE)
    ]
    statuses = [
        envelope(statuses=[status("o1", name, at=CLOCK + n)])
        for n, name in enumerate(["sent", "delivered", "read"])
    ]
    receive(*messages, *statuses)
    in_order = stored()
    assert in_order["contacts"] == sorted(["('111', 'MX.a', None)", "('222', 'MX.b', 'MX.ENT.b')"])
    assert in_order["orphans"] == 0
    forget_everything()
    shuffled = [*messages, *statuses, messages[0]]
    random.Random(seed).shuffle(shuffled)

    receive(*shuffled)

    assert stored() == in_order


@pytest.mark.parametrize("seed", range(8))
def test_a_recycled_phone_ends_with_its_newest_owner_in_any_order(number, seed):
    claims = [
        ("w1", CLOCK, "111", "MX.a"),
        ("w2", CLOCK + 9, "111", "MX.b"),
        ("w3", CLOCK + 12, None, "MX.a"),
    ]
    bodies = [
        envelope(messages=[text("hi", key=key, at=at, sender=phone, user_id=user_id)])
        for key, at, phone, user_id in claims
    ]
    random.Random(seed).shuffle(bodies)

    receive(*bodies)

    assert {identities(one) for one in Contact.objects.filter(merged_into=None)} == {
        (None, "MX.a", None),
        ("111", "MX.b", None),
    }
    assert Contact.objects.get(bsuid="MX.a").inbound.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_same_message_fifty_times_in_parallel_is_one(acme):
    BusinessNumber.objects.create(company=acme, phone_number_id=NUMBER_ID)
    message = text("Hola")
    # Ten bodies that differ, five times each: neither level alone is what protects us.
    bodies = [
        encode(envelope(messages=[message], contacts=[profile(ANA_PHONE, f"Ana {n % 10}")]))
        for n in range(50)
    ]
    problems: list[BaseException] = []
    start = threading.Barrier(10)

    def work(mine: list[bytes]) -> None:
        try:
            start.wait(timeout=10)
            receive(*mine)
        except (DatabaseError, ParleyError, threading.BrokenBarrierError) as error:
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(bodies[n::10],)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert problems == []
    assert InboundMessage.objects.count() == 1
    assert Contact.objects.count() == 1
    assert Conversation.objects.count() == 1
    assert RawWebhook.objects.count() == 10


@pytest.mark.parametrize("seed", range(10))
def test_changes_of_number_end_the_same_in_any_order(number, seed):
    def changed(key: str, at: int, old: str, new: str) -> dict[str, Any]:
        system = {"type": "user_changed_number", "wa_id": new}
        return item("system", key=key, at=at, sender=old, system=system)

    messages = [
        text("first", key="w1", at=CLOCK, sender="111"),
        changed("w2", CLOCK + 10, "111", "222"),
        text("second", key="w3", at=CLOCK + 20, sender="222"),
        changed("w4", CLOCK + 30, "222", "333"),
        text("third", key="w5", at=CLOCK + 40, sender="333"),
    ]
    random.Random(seed).shuffle(messages)
    messages.append(text("a stranger with the first number", key="w6", at=CLOCK + 90, sender="111"))

    receive(*(envelope(messages=[one]) for one in messages))

    assert {identities(one) for one in Contact.objects.filter(merged_into=None)} == {
        ("333", None, None),
        ("111", None, None),
    }
    assert InboundMessage.objects.get(wamid="w6").contact.phone == "111"
    assert Contact.objects.get(phone="333").inbound.count() == 5
