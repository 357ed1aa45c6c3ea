"""The queue of conversations that wait for a person, and who has one.

Owns `HandOff` and `Conversation.mode`. While a person has a conversation the agents are silent.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import Company, User
from core import audit, clock
from core.errors import ConflictError, InvalidInputError
from core.jobs import nudge
from core.live import publish_ephemeral
from core.text import clean_text
from messaging.models import (
    Conversation,
    ConversationMode,
    ConversationNote,
    HandOff,
    HandOffState,
    Ticket,
    TurnRecord,
)
from messaging.models.support import TicketPriority
from messaging.state.contract import LANES

QUEUE_STREAM = "inbox"
SEEN_JOB = "messaging.mark_seen"


def queue_stream(company: Company) -> str:
    """Return the live stream of a company's inbox."""
    return f"{QUEUE_STREAM}.{company.public_id}"


def request_hand_off(
    *,
    conversation: Conversation,
    reason: str,
    ticket: Ticket | None = None,
    priority: str = TicketPriority.NORMAL,
) -> HandOff:
    """Put a conversation into the queue for a person; again changes nothing.

    Joins the caller's transaction where there is one.
    """
    company = conversation.number.company
    with transaction.atomic():
        waiting, is_new = HandOff.objects.exclude(state=HandOffState.DONE).get_or_create(
            conversation=conversation,
            defaults={
                "company": company,
                "reason": reason[:24],
                "ticket": ticket,
                "priority": priority,
            },
        )
        if is_new:
            Conversation.objects.filter(pk=conversation.pk, mode=ConversationMode.AGENT).update(
                mode=ConversationMode.WAITING
            )
            _tell(conversation, "waiting")
        return waiting


def take_over(*, conversation: Conversation, operator: User) -> Conversation:
    """Give a conversation to an operator; the agents are silent from then on.

    Raises:
        ConflictError: another operator has it.
    """
    with transaction.atomic():
        row = Conversation.objects.select_for_update().get(pk=conversation.pk)
        if row.mode == ConversationMode.OPERATOR and row.assigned_to_id not in (None, operator.pk):
            raise ConflictError(
                "conversation_taken", "Another operator has this conversation. Ask them for it."
            )
        row.mode = ConversationMode.OPERATOR
        row.assigned_to = operator
        row.save(update_fields=["mode", "assigned_to"])
        now = clock.now()
        live = HandOff.objects.filter(conversation=row).exclude(state=HandOffState.DONE)
        if not live.update(state=HandOffState.TAKEN, taken_by=operator, taken_at=now):
            HandOff.objects.create(
                company=row.number.company,
                conversation=row,
                reason="operator",
                state=HandOffState.TAKEN,
                taken_by=operator,
                taken_at=now,
            )
        _record(row, operator, "conversation.taken")
        _tell(row, "taken")
        return row


def assign(*, conversation: Conversation, operator: User, to: User) -> Conversation:
    """Hand a conversation on to another operator of the company."""
    with transaction.atomic():
        row = Conversation.objects.select_for_update().get(pk=conversation.pk)
        row.mode = ConversationMode.OPERATOR
        row.assigned_to = to
        row.save(update_fields=["mode", "assigned_to"])
        HandOff.objects.filter(conversation=row).exclude(state=HandOffState.DONE).update(
            state=HandOffState.TAKEN, taken_by=to, taken_at=clock.now()
        )
        _record(row, operator, "conversation.assigned")
        _tell(row, "assigned")
        return row


def give_back(*, conversation: Conversation, operator: User) -> Conversation:
    """Let the agents answer again."""
    with transaction.atomic():
        row = Conversation.objects.select_for_update().get(pk=conversation.pk)
        row.mode = ConversationMode.AGENT
        row.assigned_to = None
        row.save(update_fields=["mode", "assigned_to"])
        HandOff.objects.filter(conversation=row).exclude(state=HandOffState.DONE).update(
            state=HandOffState.DONE, done_at=clock.now()
        )
        _record(row, operator, "conversation.given_back")
        _tell(row, "given_back")
        return row


def add_note(*, conversation: Conversation, author: User, text: str) -> ConversationNote:
    """Write a remark for the team beside a conversation.

    Raises:
        InvalidInputError: nothing is left of the text.
    """
    cleaned = clean_text(text, 4000).text
    if not cleaned:
        raise InvalidInputError("note_empty", "Write the note first.")
    return ConversationNote.objects.create(conversation=conversation, author=author, text=cleaned)


def correct_lane(*, conversation: Conversation, turn_id: str, lane: str) -> bool:
    """Note which lane an operator says a turn belonged to; False when there is no such turn."""
    if lane not in LANES:
        raise InvalidInputError("lane_unknown", "Choose one of the lanes.")
    turns = TurnRecord.objects.filter(conversation=conversation, turn_id=turn_id)
    return bool(turns.update(corrected_lane=lane))


def mark_seen(*, conversation: Conversation) -> None:
    """Note that an operator has looked at the conversation, and let the person see it."""
    unread = Conversation.objects.filter(pk=conversation.pk, unread_count__gt=0)
    if unread.update(unread_count=0):
        nudge(SEEN_JOB, conversation.public_id)


def _record(conversation: Conversation, operator: User, action: str) -> None:
    audit.record_event(
        actor=operator,
        action=action,
        object_ref=conversation,
        company=conversation.number.company,
    )


def _tell(conversation: Conversation, what: str) -> None:
    payload = {"conversation": conversation.public_id, "change": what}
    publish_ephemeral(stream=conversation.stream_name, type="mode", payload=payload)
    publish_ephemeral(
        stream=queue_stream(conversation.number.company), type="conversation", payload=payload
    )
