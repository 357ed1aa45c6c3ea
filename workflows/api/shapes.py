"""Runs, results and catalogue entries as the API and the pages' scripts read them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.urls import reverse

from core import clock
from workflows import units
from workflows.models import Execution, Outcome, OutcomeChange, ProofFile, Workflow
from workflows.page_texts import Words
from workflows.selectors.executions import clock_of


def shape_state(execution: Execution, language: str, now: datetime | None = None) -> dict[str, Any]:
    """Return where a run stands.

    Args:
        execution: with its version; segments are read once.
        language: what its person reads; the guide is given in it as far as it was translated.
        now: the moment the clock is read at; the present one by default.
    """
    now = now or clock.now()
    current = execution.current_step
    run_clock = clock_of(execution, now)
    guide = execution.version.guide(language)
    return {
        "execution_id": execution.public_id,
        "user_id": execution.person.public_id,
        "workflow_name": execution.workflow.name,
        "workflow_title": guide.title,
        "workflow_version": execution.version.number,
        "language": guide.language,
        "status": execution.state,
        "rev": execution.rev,
        "steps_completed": execution.steps_completed,
        "steps_done": execution.done_steps,
        "missing_steps": execution.missing_steps,
        "current_step": current,
        "total_steps": execution.total_steps,
        "step": guide.steps[current - 1],
        "step_notes": execution.step_notes,
        "elapsed_seconds": round(run_clock.elapsed_seconds, 3),
        "is_timing": run_clock.is_timing,
        "last_device": execution.last_device,
        "last_active_at": clock.rfc3339(execution.last_active_at),
        "started_at": clock.rfc3339(execution.started_at),
        "ended_at": clock.rfc3339(execution.ended_at) if execution.ended_at else None,
        "server_time": clock.rfc3339(now),
    }


def shape_execution(execution: Execution, language: str) -> dict[str, Any]:
    """Return a run with all its steps and where its pages are."""
    newest = execution.workflow.current_version_id
    return {
        **shape_state(execution, language),
        "steps": execution.version.guide(language).steps,
        "has_newer_version": newest is not None and newest != execution.version_id,
        "executor_url": reverse("workflow_executor", args=[execution.public_id]),
        "outcome_url": reverse("workflow_outcome", args=[execution.public_id]),
    }


def shape_outcome(outcome: Outcome, language: str) -> dict[str, Any]:
    """Return a logged result."""
    proof: ProofFile | None = getattr(outcome, "proof", None)
    return {
        "outcome_id": outcome.public_id,
        "execution_id": outcome.execution.public_id,
        "workflow_name": outcome.workflow.name,
        "metric_type": outcome.metric_type,
        "value": units.from_minor(outcome.value_minor, outcome.metric_type, outcome.unit),
        "currency": outcome.unit_label,
        "display": display_value(outcome, language),
        "proof_type": outcome.proof_type,
        "proof": shape_proof(proof) if proof is not None else None,
        "is_void": outcome.is_void,
        "is_counted": outcome.is_counted,
        "logged_at": clock.rfc3339(outcome.logged_at),
    }


def display_value(outcome: Outcome, language: str) -> str:
    """Return the value as a person reads it."""
    return Words(language).say_value(
        outcome.value_minor, outcome.metric_type, outcome.unit, outcome.unit_label
    )


def shape_proof(proof: ProofFile) -> dict[str, Any]:
    """Return what is known of a proof, with the address its owner opens it at."""
    return {
        "proof_id": proof.public_id,
        "name": proof.original_name,
        "content_type": proof.content_type,
        "size_bytes": proof.size_bytes,
        "scan": proof.scan_verdict,
        "review_state": proof.review_state,
        "review_reason": proof.review_reason,
        "url": reverse("workflow_proof", args=[proof.public_id]),
    }


def shape_change(change: OutcomeChange) -> dict[str, Any]:
    """Return a line of a result's history."""
    return {
        "kind": change.kind,
        "at": clock.rfc3339(change.at),
        "before": change.before,
        "after": change.after,
    }


def shape_workflow(
    workflow: Workflow, language: str, *, is_unlocked: bool, open_execution: Execution | None
) -> dict[str, Any]:
    """Return an entry of the catalogue as a person sees it."""
    version = workflow.current_version
    if version is None:
        raise RuntimeError("a workflow without a version")
    guide = version.guide(language)
    return {
        "name": workflow.name,
        "title": guide.title,
        "description": guide.description,
        "language": guide.language,
        "tier": workflow.tier,
        "total_steps": version.total_steps,
        "version": version.number,
        "is_unlocked": is_unlocked,
        "open_execution_id": open_execution.public_id if open_execution else None,
        "steps": guide.steps,
    }
