"""What this app holds about a person: runs, notes, results, proofs, purchases."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from accounts.models import User
from core.privacy import Person, Section, export_rows
from workflows.models import (
    Execution,
    ExecutionSegment,
    Outcome,
    OutcomeChange,
    PlanPurchase,
    ProofFile,
)
from workflows.models.entitlement import PurchaseState
from workflows.services.billing import choose_free_plan
from workflows.storage import proofs


def _export(person: Person) -> dict[str, Any]:
    if person.user_pk is None:
        return {}
    runs = Execution.objects.filter(person_id=person.user_pk)
    outcomes = Outcome.objects.filter(person_id=person.user_pk)
    return {
        "runs": export_rows(runs),
        "times": export_rows(ExecutionSegment.objects.filter(execution__in=runs)),
        "outcomes": export_rows(outcomes),
        "outcome_history": export_rows(OutcomeChange.objects.filter(outcome__in=outcomes)),
        "proofs": export_rows(ProofFile.objects.filter(person_id=person.user_pk)),
        "purchases": export_rows(
            PlanPurchase.objects.filter(person_id=person.user_pk),
            without=("cancel_attempts", "cancel_due_at"),
        ),
    }


def _erase(person: Person) -> None:
    """Delete runs, results and proof files; end what is paid by the month.

    The figures of cohorts are made anew each night, and then without them.
    """
    if person.user_pk is None:
        return
    user = User.objects.get(pk=person.user_pk)
    if PlanPurchase.objects.filter(person=user, state=PurchaseState.ACTIVE).exists():
        choose_free_plan(person=user)
    with transaction.atomic():
        keys = list(ProofFile.objects.filter(person=user).values_list("storage_key", flat=True))
        # Outcomes, their history and proofs hang on the runs.
        Execution.objects.filter(person=user).delete()
    for key in keys:
        # What a crash leaves here, the nightly sweep of orphans finds.
        proofs.delete_proof(key)


SECTION = Section(
    name="workflows",
    export=_export,
    erase=_erase,
    models=frozenset(
        {
            "workflows.Execution",
            "workflows.ExecutionSegment",
            "workflows.ClientOperation",
            "workflows.Outcome",
            "workflows.OutcomeChange",
            "workflows.ProofFile",
            "workflows.PlanPurchase",
        }
    ),
    kept={
        "workflows.PlanPurchase": "What was bought and paid: the law keeps books ten years.",
        "workflows.BillingEvent": "Notices of the payment provider, which prove what was paid.",
        "workflows.WorkflowSuccess": "Counts of whole groups; made anew each night.",
        "workflows.WorkflowPerformance": "Averages of whole groups; made anew each night.",
    },
)
