"""Rows of the workflows app, one module a subject."""

from workflows.models.catalogue import Workflow, WorkflowVersion
from workflows.models.execution import (
    EXECUTION_TRANSITIONS,
    OPEN_EXECUTION_STATES,
    SILENT_AFTER,
    ClientOperation,
    Execution,
    ExecutionSegment,
    ExecutionState,
)
from workflows.models.outcome import (
    REVIEW_TRANSITIONS,
    MetricType,
    Outcome,
    OutcomeChange,
    OutcomeChangeKind,
    ProofFile,
    ProofType,
    ReviewState,
    ScanVerdict,
)

__all__ = [
    "EXECUTION_TRANSITIONS",
    "OPEN_EXECUTION_STATES",
    "REVIEW_TRANSITIONS",
    "SILENT_AFTER",
    "ClientOperation",
    "Execution",
    "ExecutionSegment",
    "ExecutionState",
    "MetricType",
    "Outcome",
    "OutcomeChange",
    "OutcomeChangeKind",
    "ProofFile",
    "ProofType",
    "ReviewState",
    "ScanVerdict",
    "Workflow",
    "WorkflowVersion",
]
