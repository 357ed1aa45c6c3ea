"""Proof files: taken in, reviewed, and the bytes nobody names any more swept away.

Bytes are stored before the row that names them and outside any transaction; when the row is not
written, they are deleted at once, and what a crash in between leaves behind is swept at night.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from django.db import transaction
from django.db.models import Min

from accounts.models import User
from core import audit, clock
from core.errors import ConflictError, ForbiddenError, InvalidInputError, UnavailableError
from core.text import clean_text
from workflows.models import (
    REVIEW_TRANSITIONS,
    Execution,
    Outcome,
    OutcomeChange,
    OutcomeChangeKind,
    ProofFile,
    ReviewState,
    ScanVerdict,
)
from workflows.selectors.outcomes import may_review
from workflows.storage import inspection, proofs, scanning

logger = logging.getLogger(__name__)

ORPHAN_AFTER = timedelta(hours=24)
MAX_REASON_CHARS = 300


class Upload(Protocol):
    """A file as it came in."""

    @property
    def name(self) -> str | None:
        """What the sender calls it."""
        ...

    @property
    def size(self) -> int | None:
        """Its length in bytes."""
        ...

    def read(self, num_bytes: int = ..., /) -> bytes:
        """Return the next bytes of it."""
        ...


@dataclass(frozen=True, slots=True)
class StoredProof:
    """Bytes that lie in the storage and wait for their row."""

    prepared: inspection.PreparedProof
    storage_key: str
    scan_verdict: ScanVerdict


@contextmanager
def stored_upload(person: User, upload: Upload | None) -> Iterator[StoredProof | None]:
    """Look at an upload, store it, and delete it again if the body of the ``with`` fails.

    Open no transaction around it: it decodes, asks the scanner and writes to the storage.

    Raises:
        TooLargeError, InvalidInputError: the file is refused; says why. Nothing is stored.
        UnavailableError: the scanner is down. Nothing is stored.
    """
    if upload is None:
        yield None
        return
    stored = _take_in(person, upload)
    try:
        yield stored
    except BaseException:
        proofs.delete_proof(stored.storage_key)
        raise


def _take_in(person: User, upload: Upload) -> StoredProof:
    if (upload.size or 0) > inspection.MAX_BYTES:
        # Before anything is read.
        raise inspection.too_large()
    content = upload.read(inspection.MAX_BYTES + 1)
    prepared = inspection.prepare_proof(content, upload.name or "")
    try:
        # What came in, not our copy: a viewer of old would meet the original.
        verdict = scanning.get_scanner().scan(content)
    except scanning.InfectedError:
        logger.warning("proof.infected")
        raise inspection.refused(
            "proof_infected", "The virus scanner refused this file. Choose another one."
        ) from None
    except scanning.ScannerDownError as error:
        logger.warning("proof.scanner_down", exc_info=error)
        raise UnavailableError(
            30,
            code="proof_scanner_down",
            detail="Files cannot be checked right now. Try again in a moment, or save without one.",
        ) from error
    key = proofs.store_proof(prepared.content, owner_id=person.public_id, ending=prepared.ending)
    return StoredProof(prepared, key, verdict)


def attach_proof(*, outcome: Outcome, stored: StoredProof) -> ProofFile:
    """Make the stored bytes the proof of an outcome, in the caller's transaction.

    An earlier proof gives way; its bytes are deleted after commit.
    """
    earlier = ProofFile.objects.filter(outcome=outcome).first()
    prepared = stored.prepared
    fields = {
        "person": outcome.person,
        "kind": prepared.kind,
        "original_name": prepared.name,
        "content_type": prepared.content_type,
        "size_bytes": len(prepared.content),
        "sha256": prepared.sha256,
        "width": prepared.width,
        "height": prepared.height,
        "storage_key": stored.storage_key,
        "scan_verdict": stored.scan_verdict,
        "uploaded_at": clock.now(),
    }
    if earlier is not None:
        key = earlier.storage_key
        earlier.delete()
        transaction.on_commit(lambda: proofs.delete_proof(key), robust=True)
    proof = ProofFile.objects.create(outcome=outcome, **fields)
    outcome.proof_type = prepared.kind
    return proof


def review_proof(
    *, proof: ProofFile, state: ReviewState, reviewer: User, reason: str = ""
) -> ProofFile:
    """Accept or reject a proof; an outcome with a rejected one no longer counts.

    The same judgement again changes nothing. One transaction.

    Args:
        proof: any person's.
        state: accepted or rejected.
        reviewer: an administrator with the right to change proofs, and not its owner.
        reason: what the person is told; required to reject.

    Raises:
        ForbiddenError: the reviewer may not, or it is their own proof.
        InvalidInputError: rejected without a reason.
        ConflictError: the judgement is not one of the state machine's steps.
    """
    if not may_review(reviewer):
        raise ForbiddenError("not_a_reviewer", "Only administrators review proofs.")
    if proof.person_id == reviewer.pk:
        raise ForbiddenError("own_proof", "Nobody reviews their own proof. Ask a colleague.")
    said = clean_text(reason, MAX_REASON_CHARS).text
    if state == ReviewState.REJECTED and not said:
        raise InvalidInputError("reason_missing", "Say why the proof is rejected.")
    now = clock.now()
    with transaction.atomic():
        outcome = lock_outcome(proof.outcome_id)
        row = ProofFile.objects.get(pk=proof.pk)
        if row.review_state == state:
            return row
        if state not in REVIEW_TRANSITIONS[ReviewState(row.review_state)]:
            raise ConflictError("review_state", f"A proof cannot become {state.label.lower()}.")
        before = row.review_state
        row.review_state, row.review_reason = state, said
        row.reviewed_by, row.reviewed_at = reviewer, now
        row.save(update_fields=["review_state", "review_reason", "reviewed_by", "reviewed_at"])
        OutcomeChange.objects.create(
            outcome=outcome,
            kind=(
                OutcomeChangeKind.PROOF_ACCEPTED
                if state == ReviewState.ACCEPTED
                else OutcomeChangeKind.PROOF_REJECTED
            ),
            actor=reviewer.public_id,
            before={"review_state": before},
            after={"review_state": str(state), "reason": said},
            at=now,
        )
        count_again(outcome)
        audit.record_event(
            actor=reviewer,
            action=f"proof.{state}",
            object_ref=row.public_id,
            note=said,
        )
    return row


def lock_outcome(pk: int) -> Outcome:
    """Return the newest row of an outcome, locked until the caller's transaction ends."""
    return (
        Outcome.objects.select_for_update(of=("self",))
        .select_related("person", "execution", "workflow")
        .get(pk=pk)
    )


def count_again(outcome: Outcome) -> None:
    """Write whether an outcome counts, and when the first one of its run that counts was logged.

    In the caller's transaction, with the outcome locked.
    """
    is_rejected = ProofFile.objects.filter(
        outcome=outcome, review_state=ReviewState.REJECTED
    ).exists()
    outcome.is_counted = outcome.voided_at is None and not is_rejected
    outcome.save(update_fields=["is_counted", "updated_at"])
    first = Outcome.objects.filter(execution_id=outcome.execution_id, is_counted=True).aggregate(
        at=Min("logged_at")
    )["at"]
    Execution.objects.filter(pk=outcome.execution_id).update(first_outcome_at=first)


def sweep_orphans() -> int:
    """Delete stored bytes older than a day that no row names; return how many.

    They are left by a process that died between the storage and the row, and by erased people.
    Safe to run twice.
    """
    before = clock.now() - ORPHAN_AFTER
    old = [key for key, written_at in proofs.list_keys() if written_at < before]
    deleted = 0
    for start in range(0, len(old), 500):
        batch = old[start : start + 500]
        named = set(
            ProofFile.objects.filter(storage_key__in=batch).values_list("storage_key", flat=True)
        )
        for key in batch:
            if key not in named:
                proofs.delete_proof(key)
                deleted += 1
    return deleted
