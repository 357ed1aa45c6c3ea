"""REST of the catalogue."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from workflows.api import serializers
from workflows.api.executions import person_of
from workflows.api.languages import READING_LANGUAGE, reading_language
from workflows.api.shapes import shape_workflow
from workflows.selectors.catalogue import open_executions_by_workflow, workflows_for
from workflows.services.entitlements import allows_workflow, plan_of


class WorkflowListView(APIView):
    """``GET /api/workflows``."""

    @extend_schema(
        operation_id="workflow_list",
        summary="List the catalogue",
        parameters=READING_LANGUAGE,
        responses=serializers.WorkflowSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Return every workflow with its steps, locked ones included."""
        person = person_of(request)
        plan = plan_of(person)
        running = open_executions_by_workflow(person)
        language = reading_language(request)
        return Response(
            [
                shape_workflow(
                    row,
                    language,
                    is_unlocked=allows_workflow(plan=plan, workflow=row),
                    open_execution=running.get(row.pk),
                )
                for row in workflows_for(person)
            ]
        )
