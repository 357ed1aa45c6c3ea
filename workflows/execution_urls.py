"""Addresses of runs, results and proofs."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from workflows.api import catalogue, executions, outcomes
from workflows.views import executor, outcome_logger, proof_files, result

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/workflows", catalogue.WorkflowListView.as_view(), name="api_workflow_list"),
    path("api/execution", executions.StartView.as_view(), name="api_execution_start"),
    path(
        "api/execution/<str:execution_id>",
        executions.ExecutionView.as_view(),
        name="api_execution",
    ),
    path(
        "api/execution/<str:execution_id>/progress",
        executions.ProgressView.as_view(),
        name="api_execution_progress",
    ),
    path(
        "api/execution/<str:execution_id>/heartbeat",
        executions.HeartbeatView.as_view(),
        name="api_execution_heartbeat",
    ),
    path(
        "api/execution/<str:execution_id>/complete",
        executions.CompleteView.as_view(),
        name="api_execution_complete",
    ),
    path(
        "api/execution/<str:execution_id>/abandon",
        executions.AbandonView.as_view(),
        name="api_execution_abandon",
    ),
    path(
        "api/execution/<str:execution_id>/pause",
        executions.PauseView.as_view(),
        name="api_execution_pause",
    ),
    path(
        "api/execution/<str:execution_id>/resume",
        executions.ResumeView.as_view(),
        name="api_execution_resume",
    ),
    path("api/outcome", outcomes.LogView.as_view(), name="api_outcome_log"),
    path("api/outcomes", outcomes.OutcomeListView.as_view(), name="api_outcome_list"),
    path("api/outcome/<str:outcome_id>", outcomes.OutcomeView.as_view(), name="api_outcome"),
    path("executor/<str:execution_id>", executor.show_executor, name="workflow_executor"),
    path("executor/<str:execution_id>/video", executor.make_video, name="workflow_executor_video"),
    path(
        "executor/<str:execution_id>/language",
        executor.switch_language,
        name="workflow_executor_language",
    ),
    path("outcome/<str:execution_id>", outcome_logger.show_outcome, name="workflow_outcome"),
    path("result/<str:outcome_id>", result.show_result, name="workflow_result"),
    path("result/<str:outcome_id>/void", result.void_result, name="workflow_result_void"),
    path("proof/<str:proof_id>", proof_files.show_proof, name="workflow_proof"),
]
