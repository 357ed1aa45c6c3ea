"""REST of the catalogue."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from workflows.api import serializers
from workflows.api.executions import person_of
from workflows.api.shapes import shape_workflow
from workflows.selectors.catalogue import open_executions_by_workflow, workflows_for
from workflows.services.entitlements import allows_workflow, plan_of


class WorkflowListView(APIView):
    """``GET /api/workflows``."""

    @extend_schema(
        operation_id="workflow_list",
        summary="List the catalogue",
        responses=serializers.WorkflowSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Return every workflow with its steps, locked ones included."""
        person = person_of(request)
        plan = plan_of(person)
        running = open_executions_by_workflow(person)
        return Response(
            [
                shape_workflow(
                    row,
                    is_unlocked=allows_workflow(plan=plan, workflow=row),
                    open_execution=running.get(row.pk),
                )
                for row in workflows_for(person)
            ]
        )
