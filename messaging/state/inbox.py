"""Inbox: who drains a conversation, and what is first in it.

Owns the lease around a drain and the order of what waits. On PostgreSQL the lease is taken and the
first message read by one statement, since every statement of a turn is a way to the server and
back. Knows nothing of agents or of what is written.
"""

from __future__ import annotations

import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet

from core import clock, lease
from core.compiled import QUERY, SLOT, CompiledQuery
from core.lease_keeper import keeper
from core.prepared import prepared_cursor
from messaging.models import Conversation, InboundMessage, OutboundMessage, OutboundState
from messaging.models.inbound import InboundState
from messaging.selectors.shop_front import number_of

LEASE_SECONDS = 30.0
RENEW_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """The message a turn is to be made of."""

    inbound: InboundMessage
    """With its conversation, contact, number and company."""
    has_held: bool
    """Messages of ours wait for the person to write again."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A conversation whose inbox is ours for a while."""

    fence: int
    first: Waiting | None
    """What was read with the claim; None says nothing: look with `next_message`."""


def take(conversation_id: str) -> Taken | None:
    """Take the lease of a conversation whose inbox is due; None when there is nothing to do.

    Of many that call it at once one gets it. No transaction may be open around it and the work.
    """
    now = clock.now()
    adapt = connection.ops.adapt_datetimefield_value
    until = adapt(now + timedelta(seconds=LEASE_SECONDS))
    values = [_name(), until, conversation_id, adapt(now)]
    if connection.vendor == "postgresql":
        return _claim_and_read(conversation_id, values)
    with prepared_cursor() as cursor:
        cursor.execute(f"{_claim_statement()} RETURNING fence", values)
        found = cursor.fetchone()
    return Taken(int(found[0]), next_message(conversation_id)) if found else None


def next_message(conversation_id: str) -> Waiting | None:
    """Return what was sent first of what waits, with all a turn needs, by one statement."""
    return _as_waiting(_FIRST.first(conversation_id))


def leave(conversation_id: str, fence: int) -> bool:
    """Give the lease of an inbox back that was found empty; False when something came meanwhile.

    Only what was due before a look that found nothing is cleared: a message whose transaction ends
    in between has moved the moment on, and must not be forgotten with it.
    """
    rows = Conversation.objects.filter(public_id=conversation_id, fence=fence)
    due_at = rows.values_list("inbox_due_at", flat=True).first()
    if due_at is None or waiting_messages(conversation_id).exists():
        return False
    return bool(
        rows.filter(inbox_due_at=due_at).update(
            inbox_due_at=None, lease_owner="", leased_until=None
        )
    )


def release(conversation_id: str, fence: int) -> None:
    """Give the lease back and leave the inbox due."""
    lease.release(Conversation.objects.filter(public_id=conversation_id), fence=fence)


@contextmanager
def keep(conversation_id: str, fence: int) -> Iterator[None]:
    """Renew the lease while the work inside goes on, for as long as nobody else took over."""

    def renew() -> bool:
        found = Conversation.objects.filter(public_id=conversation_id)
        return lease.renew(found, fence=fence, seconds=LEASE_SECONDS)

    with keeper.keep(renew, every_seconds=RENEW_SECONDS):
        yield


def waiting_messages(conversation_id: str) -> QuerySet[InboundMessage]:
    """Return what waits in a conversation, in no order."""
    return InboundMessage.objects.filter(
        conversation__public_id=conversation_id, state=InboundState.WAITING
    )


def _first_query() -> QuerySet[InboundMessage]:
    held = OutboundMessage.objects.filter(
        conversation=OuterRef("conversation"), state=OutboundState.HELD
    )
    return (
        waiting_messages(SLOT)
        .select_related("conversation__contact")
        .annotate(has_held=Exists(held))
        .order_by("sent_at", "id")
    )


_FIRST = CompiledQuery(_first_query)


def _claim_statement() -> str:
    table = connection.ops.quote_name(Conversation._meta.db_table)
    return (
        f"UPDATE {table} SET lease_owner = %s, leased_until = %s, fence = fence + 1 "  # noqa: S608 - a table of ours
        "WHERE public_id = %s AND inbox_due_at IS NOT NULL "
        "AND (leased_until IS NULL OR leased_until <= %s)"
    )


def _claim_and_read(conversation_id: str, values: list[Any]) -> Taken | None:
    """Claim, and read the first message as the rows were when the statement began.

    Where the claim had to wait for another transaction (a message coming in, the last holder's
    commit), the row it took is newer than what the same statement reads. Then the message is left
    out, and whoever drains looks once more.
    """
    table = connection.ops.quote_name(Conversation._meta.db_table)
    found = _FIRST.first_within(
        conversation_id,
        f"WITH claimed AS ({_claim_statement()} RETURNING id, fence, version, inbox_due_at) "  # noqa: S608 - tables of ours
        f"SELECT claimed.fence, one.* FROM claimed LEFT JOIN {table} AS seen "
        "ON seen.id = claimed.id AND seen.fence + 1 = claimed.fence "
        "AND seen.version = claimed.version AND seen.inbox_due_at = claimed.inbox_due_at "
        f"LEFT JOIN ({QUERY}) AS one ON seen.id IS NOT NULL",
        values,
    )
    if found is None:
        return None
    (fence,), message = found
    return Taken(int(fence), _as_waiting(message))


def _as_waiting(found: InboundMessage | None) -> Waiting | None:
    if found is None:
        return None
    found.conversation.number = number_of(found.conversation.number_id)
    return Waiting(found, bool(vars(found)["has_held"]))


def _name() -> str:
    return f"{os.getpid()}:{threading.get_ident()}:{secrets.token_hex(4)}"
