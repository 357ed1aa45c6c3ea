"""Plays a scripted conversation on a simulated phone and says where it went another way.

Owns the script's words. Drives delivery, turns and sending itself, so that it needs no running
server; beside one the leases keep them from doing anything twice.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InvalidInputError
from messaging.models import (
    Conversation,
    OrderPayment,
    OutboundState,
    SimulatedMessage,
    SimulatedPhone,
    TurnRecord,
)
from messaging.selectors import inbox as reads
from messaging.services import (
    intake,
    payments,
    sending,
    simulation,
    status_events,
    survey_runs,
)

QUIET_SECONDS = 20.0
STEP_WORDS = ("say", "press", "send", "pay", "wait", "expect")


@dataclass(frozen=True, slots=True)
class Played:
    """One step and what came of it."""

    step: str
    said: tuple[str, ...]
    problems: tuple[str, ...]


def play(
    *,
    phone: SimulatedPhone,
    steps: list[Mapping[str, Any]],
    drain: Callable[[str], int],
    pay: Callable[[str], None] | None = None,
) -> Iterator[Played]:
    """Play a script step by step.

    Args:
        phone: who speaks.
        steps: each with one of ``say`` (words), ``press`` (title of a button or row), ``send``
            (``type`` and its fields), ``expect`` (``text``, ``lane``, ``intent``, ``mode``),
            ``pay`` (the address last shown is paid with play money) or ``wait`` (seconds).
        drain: handles the inbox of a conversation, as `TurnController.drain`.
        pay: pays what an address leads to.

    Yields:
        Each step with what was answered and what was expected in vain.

    Raises:
        InvalidInputError: a step nobody knows.
    """
    for step in steps:
        word = next((one for one in STEP_WORDS if one in step), None)
        if word is None:
            raise InvalidInputError(
                "step_unknown", f"A step is one of {', '.join(STEP_WORDS)}; not {list(step)}."
            )
        before = _last_key(phone)
        problems: list[str] = []
        value = step[word]
        if word == "say":
            simulation.write(phone=phone, message_type="text", fields={"text": str(value)})
        elif word == "press":
            problems += _press(phone, str(value))
        elif word == "send":
            fields = dict(value)
            simulation.write(phone=phone, message_type=str(fields.pop("type", "")), fields=fields)
        elif word == "pay":
            problems += _pay(phone, pay)
        elif word == "wait":
            time.sleep(min(30.0, float(value)))
        settle(phone=phone, drain=drain)
        expected = step.get("expect", value if word == "expect" else None)
        if expected is not None:
            since = before if word != "expect" else 0
            problems += list(_check(phone, dict(expected), since=since))
        yield Played(f"{word}: {value}", _answers(phone, since=before), tuple(problems))


def pay_with_play_money(url: str) -> None:
    """Pay what a payment link leads to, as the button on its page does.

    Raises:
        InvalidInputError: it is no payment link of this installation.
        ConflictError: it can no longer be paid.
    """
    payment = OrderPayment.objects.filter(public_id=url.rstrip("/").rsplit("/", 1)[-1]).first()
    if payment is None:
        raise InvalidInputError("payment_unknown", "The link shown leads to no payment.")
    payments.pay_locally(payment=payment)


def settle(*, phone: SimulatedPhone, drain: Callable[[str], int]) -> None:
    """Run all that a phone's last step has set going, until nothing moves any more."""
    until = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < until:
        moved = simulation.deliver_due()
        conversation = reads.conversation_of_phone(phone)
        if conversation is not None:
            if conversation.public_id in intake.due_conversation_ids():
                moved += drain(conversation.public_id)
            moved += sending.send_due(conversation_id=conversation.public_id)
            for key in survey_runs.due_run_ids():
                survey_runs.advance_run(public_id=key)
                moved += 1
        moved += status_events.apply_statuses()
        if not moved and not _is_moving(conversation):
            return
        if not moved:
            time.sleep(0.05)


def _is_moving(conversation: Conversation | None) -> bool:
    return (
        conversation is not None
        and conversation.outbound.filter(state=OutboundState.SENDING).exists()
    )


def _last_key(phone: SimulatedPhone) -> int:
    last = SimulatedMessage.objects.filter(phone=phone).order_by("-pk").first()
    return last.pk if last else 0


def _answers(phone: SimulatedPhone, *, since: int) -> tuple[str, ...]:
    shown = SimulatedMessage.objects.filter(phone=phone, is_outgoing=False, pk__gt=since)
    return tuple(read_body(one) for one in shown.order_by("pk"))


def read_body(message: SimulatedMessage) -> str:
    """Return what a person reads of a message on the phone."""
    body = message.body
    if message.type == "text":
        return str(body["text"]["body"])
    if message.type == "interactive":
        interactive = body["interactive"]
        titles = [reply["title"] for reply in choices_of(message)]
        if interactive["type"] == "cta_url":
            opened = interactive["action"]["parameters"]
            titles = [f"{opened['display_text']}: {opened['url']}"]
        return "\n".join([interactive["body"]["text"], *(f"[{title}]" for title in titles)])
    return f"({message.type})"


def choices_of(message: SimulatedMessage) -> list[dict[str, str]]:
    """Return the buttons or rows of a message as ids and titles."""
    if message.type != "interactive":
        return []
    interactive = message.body["interactive"]
    action = interactive["action"]
    if interactive["type"] == "button":
        return [{**one["reply"], "type": "button_reply"} for one in action["buttons"]]
    if interactive["type"] == "list":
        return [
            {"id": row["id"], "title": row["title"], "type": "list_reply"}
            for section in action["sections"]
            for row in section["rows"]
        ]
    return []


def _press(phone: SimulatedPhone, title: str) -> list[str]:
    shown = SimulatedMessage.objects.filter(phone=phone, is_outgoing=False).order_by("-pk")[:5]
    for message in shown:
        for choice in choices_of(message):
            if choice["title"].lower().startswith(title.lower()):
                simulation.write(
                    phone=phone,
                    message_type=choice["type"],
                    fields={
                        "id": choice["id"],
                        "title": choice["title"],
                        "context_id": message.wamid,
                    },
                )
                return []
    return [f"there is no button or row that begins with {title!r}"]


def _pay(phone: SimulatedPhone, pay: Callable[[str], None] | None) -> list[str]:
    shown = SimulatedMessage.objects.filter(phone=phone, is_outgoing=False).order_by("-pk")[:5]
    for message in shown:
        if message.type == "interactive" and message.body["interactive"]["type"] == "cta_url":
            if pay is None:
                return ["this run cannot pay"]
            pay(message.body["interactive"]["action"]["parameters"]["url"])
            return []
    return ["no payment link was shown"]


def _check(phone: SimulatedPhone, expected: Mapping[str, Any], *, since: int) -> Iterator[str]:
    conversation = reads.conversation_of_phone(phone)
    turn = (
        TurnRecord.objects.filter(conversation=conversation).order_by("-pk").first()
        if conversation
        else None
    )
    answers = "\n".join(_answers(phone, since=since))
    texts = expected.get("text", [])
    for wanted in [texts] if isinstance(texts, str) else texts:
        if str(wanted).lower() not in answers.lower():
            yield f"nobody said {wanted!r}"
    for name in ("lane", "intent"):
        found = getattr(turn, name, "")
        if name in expected and found != expected[name]:
            yield f"{name} is {found!r}, not {expected[name]!r}"
    if "mode" in expected and (conversation is None or conversation.mode != expected["mode"]):
        yield f"mode is {conversation.mode if conversation else 'none'!r}, not {expected['mode']!r}"
