"""Background jobs of orders and surveys on WhatsApp: one service call each, safe to run twice."""

from __future__ import annotations

from core.jobs import job, nudge, sweep
from messaging.services import orders, payments, survey_runs, templates
from messaging.services.survey_runs import ADVANCE_JOB
from messaging.services.templates import SUBMIT_JOB


@job(ADVANCE_JOB)
def advance_survey_run(key: str) -> None:
    """Carry what waits in the run with this public id to its survey."""
    survey_runs.advance_run(public_id=key)


@sweep("messaging.due_survey_runs", every_seconds=1)
def find_due_survey_runs() -> None:
    """Nudge runs in which something waits: a lost job, a killed worker, a time that has come."""
    for key in survey_runs.due_run_ids():
        nudge(ADVANCE_JOB, key)


@sweep("messaging.unpaid_orders", every_seconds=30)
def expire_unpaid_orders() -> None:
    """Give up orders that were not paid in time, so that others can buy the goods."""
    orders.expire_unpaid()


@sweep("messaging.unread_payments", every_seconds=30)
def reconcile_order_payments() -> None:
    """Ask the provider about payments whose notice never came."""
    payments.reconcile_payments()


@job(SUBMIT_JOB)
def submit_templates(key: str) -> None:
    """Hand the templates that were submitted to Meta."""
    templates.send_submitted()


@sweep("messaging.submitted_templates", every_seconds=30)
def find_submitted_templates() -> None:
    """Hand over templates whose job was lost, or that Meta could not take at the time."""
    templates.send_submitted()
