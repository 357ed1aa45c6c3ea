"""Patcher: the one transaction in which a turn becomes fact.

Owns the commit of a turn: new state version, outbox rows, the end of the inbox row and the turn's
record stand or fall together, guarded by the version, by the lease's fence and by who answers. A
commit that was overtaken is tried again on fresh rows, with growing pauses; no agent and no model
is asked again, and what an agent wanted to say stays unsaid if a person took over meanwhile.

The statement that writes the state also lets go of a conversation whose inbox is empty by then.
A plain turn, one that writes nothing but what every turn writes, is a single statement where the
database can do that (`messaging.state.commit_statement`); any other takes a transaction of many.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import OperationalError, connection, transaction

from core import clock
from core.jobs import nudge, nudge_sql
from core.live import publish_ephemeral
from core.prepared import prepared_cursor
from core.retry import backoff_seconds
from messaging.agents_protocol import AgentResult, RouterDecision
from messaging.models import (
    Contact,
    Conversation,
    ConversationMode,
    InboundMessage,
    OutboundMessage,
    TurnRecord,
)
from messaging.models.inbound import InboundState
from messaging.replies import Reply
from messaging.services import contacts, hand_offs, outbox
from messaging.services.insertion import insert_plain
from messaging.state import cache, commit_statement
from messaging.state.builder import hydrate_state
from messaging.state.contract import FALLBACK, TEXT_MAX, TURNS_MAX, State
from messaging.state.validator import validate
from messaging.turns import Turn

RETRIES = 3
RETRY_BASE_SECONDS = 0.1
RETRY_CAP_SECONDS = 2.0


class OvertakenError(RuntimeError):
    """Another worker took the lease or handled the message: this one writes nothing."""


class VersionConflictError(RuntimeError):
    """The conversation moved on between reading and writing; the commit may be tried again."""


@dataclass(frozen=True, slots=True)
class TurnCommit:
    """All that a handled turn wants to write."""

    conversation: Conversation
    """As it was read together with the message; the commit stands on it unless it has moved on."""
    fence: int
    inbound: InboundMessage
    turn: Turn | None
    """None for a message that is kept in silence."""
    decision: RouterDecision | None
    result: AgentResult
    began: float
    """`clock.monotonic()` when the turn was taken up."""
    has_held: bool = False
    """Messages wait for the person to write again, which has happened now."""
    state: State | None = None
    """What the turn started from; None has it taken from the row."""


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit wrote."""

    state: State
    reply_count: int
    is_released: bool
    """The inbox was empty, and the lease went with the commit."""


def commit_turn(commit: TurnCommit) -> Committed:
    """Write a turn, once.

    Raises:
        OvertakenError: the lease or the message is somebody else's by now; nothing is written.
        VersionConflictError: still in conflict after the retries; the message stays waiting.
        ConflictError: an effect refused; nothing is written.
    """
    row: Conversation | None = commit.conversation
    for attempt in range(1, RETRIES + 2):
        try:
            committed = _commit(commit, row or _read_again(commit))
        except (VersionConflictError, OperationalError):
            if attempt > RETRIES:
                raise
            row = None
            time.sleep(backoff_seconds(attempt, base=RETRY_BASE_SECONDS, cap=RETRY_CAP_SECONDS))
            continue
        cache.write_state(committed.state)
        return committed
    raise AssertionError("unreachable")


def _read_again(commit: TurnCommit) -> Conversation:
    row = (
        Conversation.objects.select_related("number__company", "contact")
        .filter(pk=commit.conversation.pk, fence=commit.fence)
        .first()
    )
    if row is None:
        raise OvertakenError
    return row


def _commit(commit: TurnCommit, row: Conversation) -> Committed:
    now = clock.now()
    if row.mode == ConversationMode.OPERATOR != commit.conversation.mode:
        commit = replace(commit, result=AgentResult())
    if commit_statement.is_supported() and _is_plain(commit):
        return _write_at_once(commit, row, now)
    with transaction.atomic():
        return _write(commit, row, now)


def _is_plain(commit: TurnCommit) -> bool:
    """Tell whether a turn writes nothing but what every turn writes."""
    result = commit.result
    return not (result.effects or result.hand_off is not None or result.opt_out or commit.has_held)


def _write_at_once(commit: TurnCommit, row: Conversation, now: datetime) -> Committed:
    """Write a plain turn by one statement, which is its transaction."""
    replies = commit.result.replies
    state = _next_state(commit, row, replies=replies, now=now)
    rows = _build_outbound(commit, row, replies)
    asked = nudge_sql(outbox.SEND_JOB, row.public_id) if rows else None
    written = commit_statement.write_turn(
        conversation=row,
        fence=commit.fence,
        inbound=commit.inbound,
        ends_as=_end_of(commit),
        state=state,
        outbound=rows,
        record=_build_record(row, commit, len(rows), state["version"]),
        language=_new_language(row.contact, commit.result),
        nudge=asked,
        now=now,
    )
    if not written.was_waiting:
        raise OvertakenError
    if not written.is_written:
        raise VersionConflictError
    if rows and asked is None:
        nudge(outbox.SEND_JOB, row.public_id)
    _publish(commit, row, state, len(rows))
    return Committed(state, len(rows), written.is_released)


def _write(commit: TurnCommit, row: Conversation, now: datetime) -> Committed:
    """Write a turn in the transaction that is open, whatever it brings."""
    result = commit.result
    _end_inbound(commit, now=now)
    replies = list(result.replies)
    for effect in result.effects:
        replies += effect() or ()
    state = _next_state(commit, row, replies=replies, now=now)
    is_released = _put_state(row, state, fence=commit.fence, now=now)
    _write_contact(row.contact, result)
    if result.hand_off is not None:
        hand_offs.request_hand_off(conversation=row, reason=result.hand_off.reason)
    rows = _build_outbound(commit, row, replies)
    if rows:
        insert_plain(rows)
        nudge(outbox.SEND_JOB, row.public_id)
    if commit.has_held:
        outbox.release_held(conversation=row)
    record = _build_record(row, commit, len(rows), state["version"])
    if record is not None:
        insert_plain([record])
    _publish(commit, row, state, len(rows))
    return Committed(state, len(rows), is_released)


def _next_state(
    commit: TurnCommit, row: Conversation, *, replies: Sequence[Reply], now: datetime
) -> State:
    """Return the state to write.

    Raises:
        InvalidStateError: a lane's agent broke the contract.
    """
    before = commit.state if row is commit.conversation else None
    state = patch_state(
        # Inside the transaction nothing but the row is asked: Redis may be slow or gone.
        before or hydrate_state(row, now=now, is_cached=False),
        commit,
        replies=replies,
        now=now,
        version=row.version + 1,
    )
    validate(state)
    return state


def _build_outbound(
    commit: TurnCommit, row: Conversation, replies: Sequence[Reply]
) -> list[OutboundMessage]:
    return [
        outbox.build_outbound(
            conversation=row,
            reply=reply,
            turn_id=commit.inbound.wamid,
            position=position,
            reply_to=commit.inbound.wamid,
        )
        for position, reply in enumerate(replies)
    ]


def _end_of(commit: TurnCommit) -> InboundState:
    return InboundState.DONE if commit.turn else InboundState.SILENT


def _publish(commit: TurnCommit, row: Conversation, state: State, reply_count: int) -> None:
    if commit.turn is not None:
        publish_ephemeral(
            stream=row.stream_name,
            type="turn",
            payload={"lane": state["lane"], "intent": state["intent"], "replies": reply_count},
        )


def _end_inbound(commit: TurnCommit, *, now: datetime) -> None:
    """Take the message out of the inbox.

    Written by hand, as what stands before every turn: Django's way costs four times the statement.

    Raises:
        OvertakenError: it has been handled.
    """
    table = connection.ops.quote_name(InboundMessage._meta.db_table)
    with prepared_cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET state = %s, handled_at = %s WHERE id = %s AND state = %s",  # noqa: S608 - a table of ours
            [
                _end_of(commit),
                connection.ops.adapt_datetimefield_value(now),
                commit.inbound.pk,
                InboundState.WAITING,
            ],
        )
        if not cursor.rowcount:
            raise OvertakenError


def _put_state(row: Conversation, state: State, *, fence: int, now: datetime) -> bool:
    """Write the new version, guarded; return whether the conversation was let go as well.

    The moment its inbox fell due is compared with the one read before the turn: a message whose
    transaction ends in between has moved it on, and must not be forgotten with it.

    Raises:
        VersionConflictError: version, fence or who answers is not as `row` has it.
    """
    quote = connection.ops.quote_name
    adapt = connection.ops.adapt_datetimefield_value
    fields = Conversation._meta
    is_left = "CASE WHEN inbox.is_empty AND inbox_due_at = %s THEN"
    due_at = adapt(row.inbox_due_at)
    with prepared_cursor() as cursor:
        cursor.execute(
            f"UPDATE {quote(fields.db_table)} AS held SET state = %s, version = version + 1, "  # noqa: S608 - tables of ours
            "lane = %s, inbox_attempts = 0, last_activity_at = %s, "
            f"lease_owner = {is_left} %s ELSE lease_owner END, "
            f"leased_until = {is_left} NULL ELSE leased_until END, "
            f"inbox_due_at = {is_left} NULL ELSE inbox_due_at END "
            f"FROM (SELECT NOT EXISTS (SELECT 1 FROM {quote(InboundMessage._meta.db_table)} "
            "WHERE conversation_id = %s AND state = %s) AS is_empty) AS inbox "
            "WHERE held.id = %s AND version = %s AND fence = %s AND mode = %s "
            "RETURNING inbox_due_at",
            [
                fields.get_field("state").get_db_prep_save(state, connection),
                state["lane"] or "",
                adapt(now),
                *(due_at, "", due_at, due_at),
                *(row.pk, InboundState.WAITING),
                *(row.pk, row.version, fence, row.mode),
            ],
        )
        found = cursor.fetchone()
    if found is None:
        raise VersionConflictError
    return found[0] is None


def patch_state(
    state: State, commit: TurnCommit, *, replies: Sequence[Reply], now: datetime, version: int
) -> State:
    """Return the state after a turn. Pure: the same patch on a fresher state is the retry."""
    patched = _copy(state)
    turn, decision, result = commit.turn, commit.decision, commit.result
    patched["version"] = version
    patched["last_turn_id"] = commit.inbound.wamid
    meta = patched["meta"]
    meta["started_at"] = meta["started_at"] or clock.rfc3339(now)
    meta["last_inbound_at"] = clock.rfc3339(commit.inbound.sent_at)
    if turn is None:
        return patched
    if turn.profile_name:
        patched["identity"]["name"] = turn.profile_name
    if result.language:
        patched["identity"]["language"] = result.language
    if decision is not None:
        if result.lane or decision.lane != FALLBACK:
            patched["lane"] = result.lane or decision.lane
        patched["intent"] = decision.intent
        if result.slots is not None:
            # What fits no lane is answered by info, which counts how often that happens.
            answered_by = "info" if decision.lane == FALLBACK else decision.lane
            patched["slots"][answered_by] = dict(result.slots)
    turns = patched["dialogue"]["turns"]
    turns.append(
        {
            "role": "user",
            "text": turn.text[:TEXT_MAX],
            "kind": str(turn.kind),
            "at": clock.rfc3339(turn.at),
        }
    )
    turns += [
        {"role": "agent", "text": reply.readable[:TEXT_MAX], "at": clock.rfc3339(now)}
        for reply in replies
    ]
    del turns[:-TURNS_MAX]
    return patched


def _copy(state: State) -> State:
    """Return a copy down to what a patch changes: a turn, once said, is never written again."""
    return {
        **state,
        "meta": {**state["meta"]},
        "identity": {**state["identity"]},
        "slots": {**state["slots"]},
        "dialogue": {**state["dialogue"], "turns": [*state["dialogue"]["turns"]]},
    }


def _new_language(contact: Contact, result: AgentResult) -> str:
    """Return the language the contact is to be known by from now on; empty when it stays."""
    return result.language if result.language != contact.language else ""


def _write_contact(contact: Contact, result: AgentResult) -> None:
    if result.opt_out:
        contacts.opt_out(contact=contact)
    if language := _new_language(contact, result):
        Contact.objects.filter(pk=contact.pk).update(language=language)


def _build_record(
    row: Conversation, commit: TurnCommit, reply_count: int, version: int
) -> TurnRecord | None:
    """Return the turn's record, not saved; None for a message kept in silence."""
    if commit.turn is None:
        return None
    decision = commit.decision
    return TurnRecord(
        conversation=row,
        turn_id=commit.inbound.wamid[:128],
        version=version,
        lane=decision.lane if decision else "",
        intent=decision.intent[:48] if decision else "",
        confidence=decision.confidence if decision else 0,
        source=str(decision.source) if decision else "",
        reasons=list(decision.reasons) if decision else [],
        reply_count=reply_count,
        milliseconds=int((clock.monotonic() - commit.began) * 1000),
    )
