"""Rows of the workflows app, one module a subject."""

from workflows.models.catalogue import WRITTEN_IN, Guide, Workflow, WorkflowVersion
from workflows.models.entitlement import (
    PURCHASE_TRANSITIONS,
    BillingEvent,
    PlanPurchase,
    PurchaseState,
)
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
from workflows.models.performance import (
    AGGREGATION_TRANSITIONS,
    AggregationRun,
    AggregationState,
    ValueSpread,
    WorkflowPerformance,
    WorkflowSuccess,
)

__all__ = [
    "AGGREGATION_TRANSITIONS",
    "EXECUTION_TRANSITIONS",
    "OPEN_EXECUTION_STATES",
    "PURCHASE_TRANSITIONS",
    "REVIEW_TRANSITIONS",
    "SILENT_AFTER",
    "WRITTEN_IN",
    "AggregationRun",
    "AggregationState",
    "BillingEvent",
    "ClientOperation",
    "Execution",
    "ExecutionSegment",
    "ExecutionState",
    "Guide",
    "MetricType",
    "Outcome",
    "OutcomeChange",
    "OutcomeChangeKind",
    "PlanPurchase",
    "ProofFile",
    "ProofType",
    "PurchaseState",
    "ReviewState",
    "ScanVerdict",
    "ValueSpread",
    "Workflow",
    "WorkflowPerformance",
    "WorkflowSuccess",
    "WorkflowVersion",
]
