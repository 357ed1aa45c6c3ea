"""The commit of a plain turn as one statement of PostgreSQL.

Owns the SQL. One statement is one transaction: state version, outbox rows, the end of the inbox
row, the turn's record and the nudge of the sender stand or fall together, as in
`messaging.state.patcher`, whose way of many statements costs as many ways to the server and back.
Decides nothing: what is written is handed in, and what it found is handed back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection, models

from core.jobs import NudgeSql
from core.prepared import prepared_cursor
from messaging.models import (
    Contact,
    Conversation,
    InboundMessage,
    OutboundMessage,
    TurnRecord,
)
from messaging.models.inbound import InboundState
from messaging.state.contract import State


@dataclass(frozen=True, slots=True)
class Written:
    """What the statement found and did."""

    was_waiting: bool
    """The message had not been handled. False: nothing was written."""
    is_written: bool
    """The conversation was as it was read. False: nothing was written."""
    is_released: bool
    """The inbox was empty, and the lease went with the commit."""


def is_supported() -> bool:
    """Tell whether the database can change several tables by one statement."""
    return connection.vendor == "postgresql"


def write_turn(
    *,
    conversation: Conversation,
    fence: int,
    inbound: InboundMessage,
    ends_as: InboundState,
    state: State,
    outbound: Sequence[OutboundMessage],
    record: TurnRecord | None,
    language: str,
    nudge: NudgeSql | None,
    now: datetime,
) -> Written:
    """Write a turn, all of it or nothing.

    Args:
        conversation: as it was read; version, fence and who answers must still be so.
        fence: of the lease.
        inbound: the message that is handled; it must still wait.
        ends_as: what becomes of it.
        state: of the next version.
        outbound: unsaved rows.
        record: unsaved; None for a message kept in silence.
        language: which the person turned out to speak; empty leaves what is known.
        nudge: evaluated when the turn is written.
        now: the moment of the commit.

    Raises:
        IntegrityError: the turn has been written before.

    Outside of a transaction it is one; inside of one it joins it.
    """
    # Numbers travel as text: psycopg types them by their size, and the server would plan the
    # statement anew for each size.
    key, message_key = str(conversation.pk), str(inbound.pk)
    due_at = conversation.inbox_due_at
    values = [
        *(message_key, InboundState.WAITING),
        *(json.dumps(state), state["lane"] or "", now),
        *(due_at, due_at, due_at),
        *(key, InboundState.WAITING, message_key),
        *(key, str(conversation.version), str(fence), conversation.mode),
        *(ends_as, now, message_key),
        rows_as_json(outbound),
        rows_as_json([record] if record else []),
        *((language, str(conversation.contact_id)) if language else ()),
        *(nudge.params if nudge else ()),
    ]
    with prepared_cursor() as cursor:
        cursor.execute(_statement(nudge.expression if nudge else "NULL", bool(language)), values)
        was_waiting, held_id, left_due_at, _nudged = cursor.fetchone()
    return Written(was_waiting, held_id is not None, held_id is not None and left_due_at is None)


@lru_cache(maxsize=8)
def _statement(nudge: str, has_language: bool) -> str:
    """Return the SQL.

    All parts read the rows as they were when the statement began, so the message is left out
    where the inbox is asked whether it is empty. A message whose transaction ends in between has
    moved the moment its inbox fell due, which is compared with the one read before the turn, and
    the lease is kept.
    """
    quote = connection.ops.quote_name
    conversations = quote(Conversation._meta.db_table)
    messages = quote(InboundMessage._meta.db_table)
    spoken = (
        f""", spoken AS (
    UPDATE {quote(Contact._meta.db_table)} AS contact SET language = %s
    FROM held WHERE contact.id = %s::bigint
)"""  # noqa: S608 - a table of ours
        if has_language
        else ""
    )
    is_left = "CASE WHEN inbox.is_empty AND held.inbox_due_at = %s::timestamptz THEN"
    return f"""
WITH message AS MATERIALIZED (
    SELECT id FROM {messages} WHERE id = %s::bigint AND state = %s FOR UPDATE
), held AS (
    UPDATE {conversations} AS held
    SET state = %s::jsonb, version = version + 1, lane = %s, inbox_attempts = 0,
        last_activity_at = %s::timestamptz,
        lease_owner = {is_left} '' ELSE lease_owner END,
        leased_until = {is_left} NULL ELSE leased_until END,
        inbox_due_at = {is_left} NULL ELSE inbox_due_at END
    FROM (
        SELECT NOT EXISTS (
            SELECT 1 FROM {messages}
            WHERE conversation_id = %s::bigint AND state = %s AND id <> %s::bigint
        ) AS is_empty
    ) AS inbox
    WHERE held.id = %s::bigint AND version = %s::bigint AND fence = %s::bigint AND mode = %s
        AND EXISTS (SELECT 1 FROM message)
    RETURNING held.id, held.inbox_due_at
), ended AS (
    UPDATE {messages} AS ended SET state = %s, handled_at = %s::timestamptz
    FROM held WHERE ended.id = %s::bigint
), outbound AS ({_insert_from_json(OutboundMessage)}
), record AS ({_insert_from_json(TurnRecord)}
){spoken}
SELECT EXISTS (SELECT 1 FROM message), held.id, held.inbox_due_at,
    CASE WHEN held.id IS NOT NULL THEN {nudge} END
FROM (SELECT 1) AS always LEFT JOIN held ON true
"""  # noqa: S608 - tables of ours


def _insert_from_json(model: type[models.Model]) -> str:
    """Return the insertion of rows handed over as one JSON text, if the conversation was held."""
    table = connection.ops.quote_name(model._meta.db_table)
    columns = ", ".join(connection.ops.quote_name(field.column) for field in _fields_of(model))
    return (
        f"INSERT INTO {table} ({columns}) SELECT {columns} "  # noqa: S608 - names of our models
        f"FROM jsonb_populate_recordset(NULL::{table}, %s::jsonb) WHERE EXISTS (SELECT 1 FROM held)"
    )


def rows_as_json(rows: Sequence[models.Model]) -> str:
    """Return unsaved rows as a JSON text: column to value, as before saving."""
    return json.dumps(
        [
            {field.column: _plain(field.pre_save(row, add=True)) for field in _fields_of(type(row))}
            for row in rows
        ]
    )


@lru_cache(maxsize=8)
def _fields_of(model: type[models.Model]) -> tuple[Any, ...]:
    return tuple(field for field in model._meta.concrete_fields if not field.primary_key)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
