"""Reads of logged results and their proofs. Scoped to the person, or to a reviewer."""

from __future__ import annotations

from django.db.models import QuerySet

from accounts.models import User
from core.errors import NotFoundError
from workflows.models import (
    Execution,
    Outcome,
    OutcomeChange,
    OutcomeChangeKind,
    ProofFile,
    ReviewState,
)


def outcomes_of(person: User) -> QuerySet[Outcome]:
    """Return a person's logged results, newest first, voided ones included."""
    return (
        Outcome.objects.filter(person=person)
        .select_related("execution", "workflow", "proof")
        .order_by("-logged_at", "-pk")
    )


def outcomes_of_execution(person: User, execution: Execution) -> QuerySet[Outcome]:
    """Return what a person logged for one run, newest first, without voided ones."""
    return outcomes_of(person).filter(execution=execution, voided_at__isnull=True)


def outcome_of(person: User, outcome_id: str) -> Outcome:
    """Return one logged result of a person.

    Raises:
        NotFoundError: there is none, or it is somebody else's; the two read the same.
    """
    row = outcomes_of(person).filter(public_id=outcome_id).first()
    if row is None:
        raise NotFoundError("outcome_not_found", "You have no outcome with this id.")
    return row


def changes_of(person: User, outcome: Outcome) -> list[OutcomeChange]:
    """Return the history of a person's result, oldest first."""
    found = OutcomeChange.objects.filter(outcome=outcome, outcome__person=person)
    return list(found.order_by("at", "pk"))


def count_own_changes(outcome: Outcome) -> int:
    """Return how often its person changed a result: what a stale page is told by."""
    return OutcomeChange.objects.filter(
        outcome=outcome,
        kind__in=[
            OutcomeChangeKind.LOGGED,
            OutcomeChangeKind.CORRECTED,
            OutcomeChangeKind.VOIDED,
            OutcomeChangeKind.PROOF_ADDED,
        ],
    ).count()


def proof_for(reader: User, proof_id: str) -> ProofFile:
    """Return a proof its owner or a reviewer may open.

    Raises:
        NotFoundError: there is none, or it is not the reader's to see; the two read the same.
    """
    found = ProofFile.objects.select_related("outcome").filter(public_id=proof_id)
    if not may_review(reader):
        found = found.filter(person=reader)
    row = found.first()
    if row is None:
        raise NotFoundError("proof_not_found", "You have no proof with this id.")
    return row


def may_review(reader: User) -> bool:
    """Tell whether somebody reviews proofs: administrators with the right to change them."""
    return reader.is_active and reader.is_staff and reader.has_perm("workflows.change_prooffile")


def proofs_to_review(reviewer: User) -> QuerySet[ProofFile]:
    """Return the proofs that wait, oldest first; none for somebody who does not review."""
    if not may_review(reviewer):
        return ProofFile.objects.none()
    return ProofFile.objects.filter(review_state=ReviewState.PENDING).order_by("uploaded_at", "pk")
