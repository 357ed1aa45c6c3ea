"""Logged results: taken in, corrected, voided. None is deleted; every change leaves a line."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction

from accounts.models import Profile, User
from core import clock
from core.errors import ConflictError, UnprocessableError
from core.text import clean_text
from workflows import units
from workflows.models import (
    Execution,
    Outcome,
    OutcomeChange,
    OutcomeChangeKind,
    ProofType,
)
from workflows.selectors.outcomes import count_own_changes
from workflows.services.proofs import (
    StoredProof,
    Upload,
    attach_proof,
    count_again,
    lock_outcome,
    stored_upload,
)

MAX_OUTCOMES = 100
"""Of one run."""
MAX_VOID_REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Measure:
    """A result, read and checked."""

    metric_type: str
    unit: str
    unit_label: str
    value_minor: int

    def fields(self) -> dict[str, Any]:
        """Return the members of an outcome's row this decides."""
        return {
            "metric_type": self.metric_type,
            "unit": self.unit,
            "unit_label": self.unit_label,
            "value_minor": self.value_minor,
        }


def read_measure(*, metric_type: str, value: Decimal | float | str, currency: str) -> Measure:
    """Return a result as it is stored.

    Args:
        metric_type: revenue, time_saved, customers or custom.
        value: a number, or text as a person writes one.
        currency: the unit: an ISO code, hours or days, customers, or a label.

    Raises:
        InvalidInputError: a member cannot be used; says which and what can.
    """
    unit = units.read_unit(metric_type, currency)
    return Measure(metric_type, unit.key, unit.label, units.read_value(value, unit))


def log_outcome(
    *,
    person: User,
    execution: Execution,
    measure: Measure,
    proof_type: str | None = None,
    upload: Upload | None = None,
    client_op_id: str = "",
) -> tuple[Outcome, bool]:
    """Log a result of a run, with the file that proves it.

    The file is checked and stored first, the rows are written in one transaction; either both are
    there afterwards or neither. With a `client_op_id` the same request again returns the first
    outcome.

    Args:
        person: the owner of the run, whose cohort as of now is copied onto the outcome.
        execution: in any state; results often come weeks later.
        measure: from `read_measure`.
        proof_type: what the sender says the file is; None takes it as it is.
        upload: the file.
        client_op_id: the sender's own id of this request.

    Returns:
        The outcome, and whether it is new.

    Raises:
        TooLargeError, InvalidInputError, UnavailableError: about the file.
        UnprocessableError: the file is not what `proof_type` says, or is missing; or the
            `client_op_id` stands for another result.
        ConflictError: the run has as many outcomes as one may have.
    """
    if client_op_id:
        earlier = _find_earlier(person, execution, measure, client_op_id)
        if earlier is not None:
            return earlier, False
    _check_presence(proof_type, upload)
    try:
        with stored_upload(person, upload) as stored:
            _check_kind(proof_type, stored)
            return _write(person, execution, measure, stored, client_op_id), True
    except IntegrityError:
        # The same request came in twice at once, and the other one was faster.
        earlier = _find_earlier(person, execution, measure, client_op_id) if client_op_id else None
        if earlier is None:
            raise
        return earlier, False


def correct_outcome(
    *,
    outcome: Outcome,
    measure: Measure,
    proof_type: str | None = None,
    upload: Upload | None = None,
    seen: int | None = None,
) -> Outcome:
    """Correct a logged result, and put a proof to it or in place of the one it has.

    The value before stays in the history. What changes nothing leaves no line.

    Args:
        outcome: the person's.
        measure: from `read_measure`.
        proof_type: what the sender says the file is; None takes it as it is.
        upload: the file.
        seen: `count_own_changes` when the sender read it; None does not ask.

    Raises:
        ConflictError: it was voided, or changed since it was seen.
        TooLargeError, InvalidInputError, UnavailableError, UnprocessableError: about the file.
    """
    if upload is not None:
        _check_presence(proof_type, upload)
    with stored_upload(outcome.person, upload) as stored:
        _check_kind(proof_type, stored)
        with transaction.atomic():
            row = lock_outcome(outcome.pk)
            if row.is_void:
                raise ConflictError(
                    "outcome_voided", "A voided outcome cannot be changed. Log it again instead."
                )
            _check_seen(row, seen)
            after = measure.fields()
            before = {name: getattr(row, name) for name in after}
            if before != after:
                for name, value in after.items():
                    setattr(row, name, value)
                row.save(update_fields=[*after, "updated_at"])
                _add_line(row, OutcomeChangeKind.CORRECTED, before=before, after=after)
            if stored is not None:
                _attach(row, stored)
                count_again(row)
    return row


def void_outcome(*, outcome: Outcome, reason: str = "", seen: int | None = None) -> Outcome:
    """Take a result back: it stays readable for its person and no longer counts.

    Voiding a voided one changes nothing.

    Args:
        outcome: the person's.
        reason: why, for its history.
        seen: as in `correct_outcome`.

    Raises:
        ConflictError: it changed since it was seen.
    """
    said = clean_text(reason, MAX_VOID_REASON_CHARS).text.strip()
    with transaction.atomic():
        row = lock_outcome(outcome.pk)
        if row.is_void:
            return row
        _check_seen(row, seen)
        row.voided_at = clock.now()
        # Together: a voided one never counts, says a constraint.
        row.is_counted = False
        row.save(update_fields=["voided_at", "is_counted", "updated_at"])
        _add_line(row, OutcomeChangeKind.VOIDED, after={"reason": said} if said else {})
        count_again(row)
    return row


def _check_seen(row: Outcome, seen: int | None) -> None:
    if seen is not None and seen != count_own_changes(row):
        raise ConflictError(
            "outcome_changed",
            "This result was changed in another window meanwhile. Look at its history, then save "
            "again if yours is right.",
        )


def _write(
    person: User,
    execution: Execution,
    measure: Measure,
    stored: StoredProof | None,
    client_op_id: str,
) -> Outcome:
    with transaction.atomic():
        locked = Execution.objects.select_for_update(of=("self",)).get(pk=execution.pk)
        if Outcome.objects.filter(execution=locked).count() >= MAX_OUTCOMES:
            raise ConflictError(
                "too_many_outcomes",
                f"An execution has at most {MAX_OUTCOMES} outcomes. Correct one of them instead.",
            )
        profile = Profile.objects.filter(user=person).first()
        row = Outcome.objects.create(
            person=person,
            execution=locked,
            workflow_id=locked.workflow_id,
            market_id=profile.market_id if profile else None,
            skill_level_id=profile.skill_level_id if profile else None,
            client_op_id=client_op_id,
            logged_at=clock.now(),
            **measure.fields(),
        )
        _add_line(row, OutcomeChangeKind.LOGGED, after=measure.fields())
        if stored is not None:
            _attach(row, stored)
        count_again(row)
    return row


def _attach(row: Outcome, stored: StoredProof) -> None:
    proof = attach_proof(outcome=row, stored=stored)
    row.save(update_fields=["proof_type", "updated_at"])
    _add_line(
        row,
        OutcomeChangeKind.PROOF_ADDED,
        after={"proof_id": proof.public_id, "sha256": proof.sha256},
    )


def _add_line(
    row: Outcome,
    kind: OutcomeChangeKind,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    OutcomeChange.objects.create(
        outcome=row,
        kind=kind,
        actor=row.person.public_id,
        before=before or {},
        after=after or {},
        at=clock.now(),
    )


def _find_earlier(
    person: User, execution: Execution, measure: Measure, client_op_id: str
) -> Outcome | None:
    first = (
        Outcome.objects.select_related("execution", "workflow")
        .filter(person=person, client_op_id=client_op_id)
        .first()
    )
    if first is None:
        return None
    logged = (
        OutcomeChange.objects.filter(outcome=first, kind=OutcomeChangeKind.LOGGED)
        .values_list("after", flat=True)
        .get()
    )
    if first.execution_id != execution.pk or logged != measure.fields():
        raise UnprocessableError(
            "client_op_id_reused", "This client_op_id stands for another outcome. Send a new one."
        )
    return first


def _check_presence(proof_type: str | None, upload: Upload | None) -> None:
    if upload is None and proof_type not in (None, ProofType.NONE):
        raise UnprocessableError(
            "proof_missing",
            "Send the file as 'proof' in multipart/form-data, or proof_type 'none'.",
        )
    if upload is not None and proof_type == ProofType.NONE:
        raise UnprocessableError(
            "proof_unexpected", "A file came with proof_type 'none'. Say image or pdf."
        )


def _check_kind(proof_type: str | None, stored: StoredProof | None) -> None:
    if stored is not None and proof_type not in (None, stored.prepared.kind):
        raise UnprocessableError(
            "proof_type_differs",
            f"This file is of the type {stored.prepared.kind}, not {proof_type}.",
        )
