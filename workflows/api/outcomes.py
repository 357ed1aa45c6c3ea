"""REST of logged results: log, list, read, correct, void."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import ratelimit
from core.api.pagination import NewestFirstPagination
from core.api.parsers import StrictJSONParser
from core.idempotency import read_key
from workflows import units
from workflows.api import serializers
from workflows.api.executions import checked, own_execution, person_of
from workflows.api.languages import READING_LANGUAGE, reading_language
from workflows.api.shapes import shape_change, shape_outcome
from workflows.api.uploads import ProofMultiPartParser, file_of
from workflows.models import Outcome
from workflows.selectors.outcomes import changes_of, outcome_of, outcomes_of
from workflows.services import outcomes

LOGS_AN_HOUR = 240


class LogView(APIView):
    """``POST /api/outcome``."""

    parser_classes = [StrictJSONParser, ProofMultiPartParser]

    @extend_schema(
        operation_id="outcome_log",
        summary="Log a result",
        parameters=READING_LANGUAGE,
        description=(
            "As JSON, or as multipart/form-data with a file in 'proof'. With client_op_id or an "
            "Idempotency-Key the same request again returns the first outcome with 200."
        ),
        request={
            "application/json": serializers.OutcomeInput,
            "multipart/form-data": serializers.OutcomeFormInput,
        },
        responses={201: serializers.OutcomeSerializer, 200: serializers.OutcomeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Log a result of a run."""
        person = person_of(request)
        # Counted before the body is looked at: decoding images is what costs.
        ratelimit.hit(
            scope="outcome.log", key=person.public_id, limit=LOGS_AN_HOUR, window_seconds=3600
        )
        body = checked(serializers.OutcomeInput(data=request.data))
        person_of(request, body.get("user_id"))
        outcome, is_new = outcomes.log_outcome(
            person=person,
            execution=own_execution(person, body["execution_id"]),
            measure=outcomes.read_measure(
                metric_type=body["metric_type"], value=body["value"], currency=body["currency"]
            ),
            proof_type=body.get("proof_type"),
            upload=file_of(request),
            client_op_id=body["client_op_id"] or (read_key(request.headers) or "")[:64],
        )
        return Response(
            shape_outcome(outcome, reading_language(request)), status=201 if is_new else 200
        )


class NewestLoggedFirst(NewestFirstPagination):
    """Pages of results by when they were logged."""

    ordering = ("-logged_at", "-pk")


class OutcomeListView(APIView):
    """``GET /api/outcomes``."""

    pagination_class = NewestLoggedFirst

    @extend_schema(
        operation_id="outcome_list",
        summary="List your results",
        parameters=READING_LANGUAGE,
        responses=serializers.OutcomeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Return your results, newest first, a page at a time."""
        pages = self.pagination_class()
        rows = pages.paginate_queryset(outcomes_of(person_of(request)), request, view=self) or []
        language = reading_language(request)
        return pages.get_paginated_response([shape_outcome(row, language) for row in rows])


class OutcomeView(APIView):
    """``/api/outcome/{outcome_id}``."""

    parser_classes = [StrictJSONParser, ProofMultiPartParser]

    @extend_schema(
        operation_id="outcome_read",
        summary="Read a result with its history",
        parameters=READING_LANGUAGE,
        responses=serializers.OutcomeDetailSerializer,
    )
    def get(self, request: Request, outcome_id: str) -> Response:
        """Return the result and every change of it."""
        person = person_of(request)
        row = outcome_of(person, outcome_id)
        history = [shape_change(change) for change in changes_of(person, row)]
        return Response({**shape_outcome(row, reading_language(request)), "history": history})

    @extend_schema(
        operation_id="outcome_correct",
        summary="Correct a result",
        parameters=READING_LANGUAGE,
        request={
            "application/json": serializers.CorrectionInput,
            "multipart/form-data": serializers.CorrectionFormInput,
        },
        responses=serializers.OutcomeSerializer,
    )
    def patch(self, request: Request, outcome_id: str) -> Response:
        """Correct a result, or put a proof to it; what was before stays in the history."""
        person = person_of(request)
        ratelimit.hit(
            scope="outcome.log", key=person.public_id, limit=LOGS_AN_HOUR, window_seconds=3600
        )
        row = outcome_of(person, outcome_id)
        body = checked(serializers.CorrectionInput(data=request.data))
        return Response(
            shape_outcome(
                outcomes.correct_outcome(
                    outcome=row,
                    measure=outcomes.read_measure(**_whole(row, body)),
                    proof_type=body.get("proof_type"),
                    upload=file_of(request),
                ),
                reading_language(request),
            )
        )

    @extend_schema(
        operation_id="outcome_void",
        summary="Take a result back",
        parameters=READING_LANGUAGE,
        description='A JSON body may say why, for its history: {"reason": "logged twice"}.',
        request=serializers.VoidInput,
        responses={200: serializers.OutcomeSerializer},
    )
    def delete(self, request: Request, outcome_id: str) -> Response:
        """Void a result: it stays in your history and no longer counts."""
        row = outcome_of(person_of(request), outcome_id)
        body = checked(serializers.VoidInput(data=request.data))
        voided = outcomes.void_outcome(outcome=row, reason=body["reason"])
        return Response(shape_outcome(voided, reading_language(request)))


def _whole(row: Outcome, body: dict[str, Any]) -> dict[str, Any]:
    """Return the members a measure is read from: what is sent, and what the row has."""
    metric_type = body.get("metric_type", row.metric_type)
    # The unit of another metric means nothing for this one.
    kept_unit = row.unit_label if metric_type == row.metric_type else ""
    return {
        "metric_type": metric_type,
        "currency": body.get("currency", kept_unit),
        "value": body.get("value", units.from_minor(row.value_minor, row.metric_type, row.unit)),
    }
