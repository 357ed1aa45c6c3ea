"""One answer to one request, however often it arrives with the same Idempotency-Key.

After draft-ietf-httpapi-idempotency-key-header: another payload under the same key is 422, a
request still in flight 409, a completed one gets the stored answer again. Keys are looked up
per tenant and kept for a day. Knows no view: `call` does the work.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.encoding import force_str

from core import clock
from core.errors import ConflictError, InvalidInputError, UnprocessableError
from core.models import IdempotencyRecord, IdempotencyState

KEPT_HOURS = 24
# Longer than any request may take; after it a process that died no longer blocks the key.
IN_FLIGHT_SECONDS = 60
MAX_KEY_CHARS = 255
_BARE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class StoredAnswer:
    """An answer that can be given again."""

    status: int
    body: Any
    """JSON values only."""
    replayed: bool = False
    """True when it was stored before; sent as ``Idempotency-Replayed: true``."""


class KeyInUseError(ConflictError):
    """The first request with this key is still being answered."""


def read_key(headers: Mapping[str, str]) -> str:
    """Return the request's Idempotency-Key, or an empty text when it has none.

    The draft quotes the value as a structured string, most clients send it bare: both are taken.

    Raises:
        InvalidInputError: the header is there and holds no usable key.
    """
    raw = headers.get("Idempotency-Key")
    if raw is None:
        return ""
    raw = raw.strip()
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        raw = raw[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    if not _BARE.fullmatch(raw) or len(raw) > MAX_KEY_CHARS:
        raise InvalidInputError(
            "idempotency_key_invalid",
            f"Idempotency-Key holds 1 to {MAX_KEY_CHARS} visible ASCII characters; a UUID is best.",
        )
    return raw


def hash_body(body: bytes) -> str:
    """Return the SHA-256 of the raw request body, in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def run_idempotent(
    *,
    tenant: str,
    key: str,
    method: str,
    path: str,
    body_sha256: str,
    call: Callable[[], StoredAnswer],
) -> StoredAnswer:
    """Run `call` once for this key and return its answer, the stored one on a repeat.

    The key is claimed in a transaction of its own before `call` runs, and the answer stored
    after it; `call` owns its transactions. An error that `call` raises frees the key, so the
    request may be sent again; so does an answer of 500 and above. When the process dies in
    between, the key is free after 60 s and `call` runs again, so it must be safe to repeat.

    Args:
        tenant: public id of whoever's credential came with the request.
        key: from `read_key`, not empty.
        method, path: of the request; the path without its query.
        body_sha256: from `hash_body`.
        call: does the work.

    Raises:
        UnprocessableError: the key was used for another request.
        KeyInUseError: the first request with this key is still being answered.
    """
    key_digest = hashlib.sha256(key.encode()).hexdigest()
    request = {"method": method, "path": path[:500], "body_sha256": body_sha256}
    record = _claim(tenant, key_digest, request)
    if isinstance(record, StoredAnswer):
        return record
    mine = IdempotencyRecord.objects.filter(
        pk=record.pk, attempt=record.attempt, state=IdempotencyState.IN_FLIGHT
    )
    try:
        answer = call()
    except BaseException:
        mine.delete()
        raise
    if answer.status >= 500:
        mine.delete()
    else:
        mine.update(
            state=IdempotencyState.COMPLETED,
            status=answer.status,
            body=json.dumps(answer.body, ensure_ascii=False),
        )
    return answer


def _claim(
    tenant: str, key_digest: str, request: Mapping[str, str]
) -> IdempotencyRecord | StoredAnswer:
    now = clock.now()
    locked_until = now + timedelta(seconds=IN_FLIGHT_SECONDS)
    try:
        with transaction.atomic():
            return IdempotencyRecord.objects.create(
                tenant=tenant,
                key_digest=key_digest,
                locked_until=locked_until,
                created_at=now,
                **request,
            )
    except IntegrityError:
        found = IdempotencyRecord.objects.filter(tenant=tenant, key_digest=key_digest).first()
    if found is None:
        # The first request failed and freed the key between the two statements.
        return _claim(tenant, key_digest, request)
    if found.created_at <= now - timedelta(hours=KEPT_HOURS):
        IdempotencyRecord.objects.filter(pk=found.pk, created_at=found.created_at).delete()
        return _claim(tenant, key_digest, request)
    if any(getattr(found, name) != value for name, value in request.items()):
        raise UnprocessableError(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request. Send a new key.",
        )
    if found.state == IdempotencyState.COMPLETED:
        return StoredAnswer(
            status=int(found.status or 200), body=json.loads(force_str(found.body)), replayed=True
        )
    # A process that died mid-request left the key locked; one of those that retry takes it over.
    taken = IdempotencyRecord.objects.filter(
        pk=found.pk,
        attempt=found.attempt,
        state=IdempotencyState.IN_FLIGHT,
        locked_until__lte=now,
    ).update(attempt=F("attempt") + 1, locked_until=locked_until)
    if not taken:
        raise KeyInUseError(
            "idempotency_key_in_use",
            "The first request with this Idempotency-Key is still being answered. Try again "
            "in a moment.",
        )
    found.attempt += 1
    return found


def purge_records() -> int:
    """Delete records older than a day; return how many. Safe to run twice."""
    before = clock.now() - timedelta(hours=KEPT_HOURS)
    return IdempotencyRecord.objects.filter(created_at__lte=before).delete()[0]
