"""The outbox: what is to be sent, as rows. Nothing is sent here.

Owns how a reply becomes an outbound row. The rows are written with what caused them; the sender
(`messaging.services.sending`) looks at them afterwards.
"""

from __future__ import annotations

from django.db import transaction

from accounts.models import User
from core import clock
from core.errors import ConflictError, InvalidInputError
from core.ids import new_id
from core.jobs import nudge
from core.live import publish_ephemeral
from messaging.models import Author, Conversation, OutboundMessage, OutboundState
from messaging.replies import Reply, ReplyKind

SEND_JOB = "messaging.send_due"
WINDOW_SECONDS = 24 * 3600


def build_outbound(
    *,
    conversation: Conversation,
    reply: Reply,
    turn_id: str,
    position: int,
    reply_to: str = "",
    author: str = Author.AGENT,
    author_user: User | None = None,
) -> OutboundMessage:
    """Return the row of a reply, not saved: due at once."""
    return OutboundMessage(
        conversation=conversation,
        turn_id=turn_id[:128],
        position=position,
        kind=str(reply.kind),
        payload=reply.to_json(),
        text=reply.readable,
        author=author,
        author_user=author_user,
        reply_to=reply_to,
        next_attempt_at=clock.now(),
    )


def is_window_open(conversation: Conversation) -> bool:
    """Tell whether WhatsApp lets us write freely: 24 hours from the person's last message."""
    last = conversation.last_inbound_at
    return last is not None and (clock.now() - last).total_seconds() < WINDOW_SECONDS


def send_as_operator(
    *, conversation: Conversation, operator: User, reply: Reply, client_id: str
) -> OutboundMessage:
    """Queue what an operator wrote.

    Args:
        conversation: which the operator has.
        operator: who writes.
        reply: text or media inside the window, a template outside of it.
        client_id: made by the page for each message, so that a repeat is the same message.

    Raises:
        ConflictError: the window is closed, or the person has opted out.
        InvalidInputError: nothing to send.

    One transaction; safe to call twice.
    """
    if not reply.text and reply.kind not in (ReplyKind.MEDIA, ReplyKind.TEMPLATE):
        raise InvalidInputError("message_empty", "Write something to send.")
    if conversation.contact.opted_out_at is not None:
        raise ConflictError(
            "opted_out", "This person wants no more messages. Nothing can be sent to them."
        )
    if reply.kind is not ReplyKind.TEMPLATE and not is_window_open(conversation):
        raise ConflictError(
            "window_closed",
            "The person last wrote more than 24 hours ago: WhatsApp takes a template only.",
        )
    return queue_reply(
        conversation=conversation,
        reply=reply,
        turn_id=f"operator:{client_id[:80]}",
        author=Author.OPERATOR,
        author_user=operator,
    )


def queue_reply(
    *,
    conversation: Conversation,
    reply: Reply,
    turn_id: str = "",
    author: str = Author.SYSTEM,
    author_user: User | None = None,
) -> OutboundMessage:
    """Queue a message that answers no turn: an operator's, or news of an order or a payout.

    With a ``turn_id`` used before in the conversation, the first row is returned unchanged.
    """
    turn_id = turn_id or new_id("notice")
    with transaction.atomic():
        known = OutboundMessage.objects.filter(
            conversation=conversation, turn_id=turn_id[:128], position=0
        ).first()
        if known is not None:
            return known
        row = build_outbound(
            conversation=conversation,
            reply=reply,
            turn_id=turn_id,
            position=0,
            author=author,
            author_user=author_user,
        )
        row.save(force_insert=True)
        Conversation.objects.filter(pk=conversation.pk).update(last_activity_at=clock.now())
        publish_ephemeral(stream=conversation.stream_name, type="message", payload={"side": "out"})
        nudge(SEND_JOB, conversation.public_id)
        return row


def resend_unknown(*, message: OutboundMessage, operator: User) -> OutboundMessage:
    """Send a message again of which nobody knows whether it arrived, because a person says so.

    Raises:
        ConflictError: its state is known.
    """
    with transaction.atomic():
        changed = OutboundMessage.objects.filter(pk=message.pk, state=OutboundState.UNKNOWN).update(
            state=OutboundState.QUEUED,
            next_attempt_at=clock.now(),
            author_user=operator,
            attempts=0,
            error_code="",
            error_class="",
        )
        if not changed:
            raise ConflictError("state_known", "What became of this message is known by now.")
        nudge(SEND_JOB, message.conversation.public_id)
    message.refresh_from_db()
    return message


def release_held(*, conversation: Conversation) -> int:
    """Queue what waited for the person to write again; return how many messages."""
    count = OutboundMessage.objects.filter(
        conversation=conversation, state=OutboundState.HELD
    ).update(state=OutboundState.QUEUED, next_attempt_at=clock.now())
    if count:
        nudge(SEND_JOB, conversation.public_id)
    return count
