"""What counts as success, as SQL that both databases read the same.

A vote is 1 when a run was completed and a result that counts was logged by 30 days after; 0 when
it was given up, when nothing was heard of it for 14 days, or when it was completed 30 days ago
without such a result; -1 while it is too early to tell. Each person has one vote a workflow: their
best run, of equal ones the latest, in the cohort that run was started in.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from workflows.models import OPEN_EXECUTION_STATES, Execution, ExecutionState

RESULT_WITHIN: Final = timedelta(days=30)
SILENT_RUN_AFTER: Final = timedelta(days=14)

TABLE: Final = Execution._meta.db_table
_OPEN = ", ".join(f"'{state.value}'" for state in OPEN_EXECUTION_STATES)


@dataclass(frozen=True, slots=True)
class VoteQuery:
    """Moments the vote of a run depends on."""

    now: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        """Return the parameters of the expression."""
        return {
            "silent_since": self.now - SILENT_RUN_AFTER,
            "ended_before": self.now - RESULT_WITHIN,
        }

    @staticmethod
    def expression(*, late: str) -> str:
        """Return the vote of a run as an SQL expression.

        Args:
            late: the database's way to say that the first result came after the 30 days.
        """
        return f"""CASE
            WHEN state = '{ExecutionState.COMPLETED.value}'
                AND first_outcome_at IS NOT NULL AND NOT ({late}) THEN 1
            WHEN state = '{ExecutionState.ABANDONED.value}' THEN 0
            WHEN state IN ({_OPEN}) AND last_active_at < %(silent_since)s THEN 0
            WHEN state = '{ExecutionState.COMPLETED.value}' AND ended_at < %(ended_before)s THEN 0
            ELSE -1 END"""
