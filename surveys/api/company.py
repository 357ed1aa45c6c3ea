"""REST of the company side: surveys, their status, answers, insights, exports.

A company key or the console's cookie (with CSRF) acts for exactly one company; everything is
looked up within it, so another company's id reads like one that does not exist.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from django.http import StreamingHttpResponse
from django.utils.dateparse import parse_datetime
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import CompanyKeyAuthentication, KeyUser
from accounts.api.permissions import ActsForCompany, ConsoleAuthentication
from accounts.models import Company, User
from core import audit
from core.api.pagination import NewestFirstPagination
from core.csv_export import iter_csv, iter_jsonl, stream_download
from core.errors import InvalidInputError
from surveys.api import shapes
from surveys.api.serializers import (
    InsightsSerializer,
    ResponseSerializer,
    SurveyChangeSerializer,
    SurveyCreateSerializer,
    SurveyListSerializer,
    SurveySerializer,
)
from surveys.models import ResponseState, SurveyStatus
from surveys.selectors.insights import report_of, themes_of
from surveys.selectors.responses import responses_of, totals_of
from surveys.selectors.surveys import survey_of, surveys_of
from surveys.services import exports, surveys

PAGE_PARAMETERS = [
    OpenApiParameter("limit", OpenApiTypes.INT, description="Rows a page, 1 to 200."),
    OpenApiParameter("cursor", OpenApiTypes.STR, description="From next or previous."),
]


class CompanyView(APIView):
    """Base of what a company does by key or in the console."""

    authentication_classes = [CompanyKeyAuthentication, ConsoleAuthentication]
    permission_classes = [ActsForCompany]
    company: Company

    def actor(self, request: Request) -> audit.HasPublicId | str:
        """Return who is named in the audit trail: the person, or the key."""
        user: Any = request.user
        return user.key if isinstance(user, KeyUser) else user

    def person(self, request: Request) -> User | None:
        """Return the signed-in person, or None for a key."""
        user: Any = request.user
        return user if isinstance(user, User) else None


def read_object(request: Request) -> Mapping[str, Any]:
    """Return the request's body as an object.

    Raises:
        InvalidInputError: it is a list or a plain value.
    """
    if not isinstance(request.data, Mapping):
        raise InvalidInputError("body_not_an_object", "Send a JSON object.")
    return request.data


def page_of(view: APIView, request: Request, rows: Any, shape: Any) -> Response:
    """Return one cursor page of rows in their shape."""
    paginator = NewestFirstPagination()
    page = paginator.paginate_queryset(rows, request, view=view) or []
    return paginator.get_paginated_response([shape(row) for row in page])


class SurveyCreateView(CompanyView):
    """``POST /survey/create``."""

    @extend_schema(request=SurveyCreateSerializer, responses={201: SurveySerializer})
    def post(self, request: Request) -> Response:
        """Create a survey."""
        survey = surveys.create_survey(
            company=self.company, fields=read_object(request), created_by=self.person(request)
        )
        return Response(shapes.manage_shape(survey), status=201)


class SurveyListView(CompanyView):
    """``GET /surveys``."""

    pagination_class = NewestFirstPagination

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", OpenApiTypes.STR, enum=SurveyStatus.values),
        ],
        responses=SurveyListSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """List the company's surveys, newest first."""
        rows = surveys_of(self.company)
        status = request.query_params.get("status")
        if status is not None:
            if status not in SurveyStatus.values:
                raise InvalidInputError(
                    "status_invalid", f"status is one of {', '.join(SurveyStatus.values)}."
                )
            rows = rows.filter(status=status)
        return page_of(self, request, rows, shapes.list_shape)


class SurveyManageView(CompanyView):
    """``GET`` and ``PATCH /survey/{survey_id}/manage``."""

    @extend_schema(responses=SurveySerializer)
    def get(self, request: Request, survey_id: str) -> Response:
        """Return a survey with everything its company set."""
        return Response(shapes.manage_shape(survey_of(self.company, survey_id)))

    @extend_schema(request=SurveyChangeSerializer, responses=SurveySerializer)
    def patch(self, request: Request, survey_id: str) -> Response:
        """Change a survey. What answers are judged by opens a new version."""
        survey = surveys.update_survey(
            survey=survey_of(self.company, survey_id),
            fields=read_object(request),
            actor=self.actor(request),
        )
        return Response(shapes.manage_shape(survey))


class _StatusView(CompanyView):
    """Base of the calls that change a survey's status."""

    target: ClassVar[SurveyStatus]

    @extend_schema(request=None, responses=SurveySerializer)
    def post(self, request: Request, survey_id: str) -> Response:
        """Change the status; asking for the present one changes nothing."""
        survey = surveys.change_status(
            survey=survey_of(self.company, survey_id),
            status=self.target,
            actor=self.actor(request),
        )
        return Response(shapes.manage_shape(survey))


class SurveyPauseView(_StatusView):
    """``POST /survey/{survey_id}/pause``: no new sessions; running ones go on."""

    target = SurveyStatus.PAUSED


class SurveyResumeView(_StatusView):
    """``POST /survey/{survey_id}/resume``: open a draft or a paused survey."""

    target = SurveyStatus.ACTIVE


class SurveyCloseView(_StatusView):
    """``POST /survey/{survey_id}/close``: for good; free budget returns to funding."""

    target = SurveyStatus.CLOSED


class SurveyDuplicateView(CompanyView):
    """``POST /survey/{survey_id}/duplicate``."""

    @extend_schema(request=None, responses={201: SurveySerializer})
    def post(self, request: Request, survey_id: str) -> Response:
        """Copy a survey as a draft without its answers."""
        copy = surveys.duplicate_survey(
            survey=survey_of(self.company, survey_id), actor=self.actor(request)
        )
        return Response(shapes.manage_shape(copy), status=201)


class InsightsView(CompanyView):
    """``GET /survey/{survey_id}/insights``."""

    @extend_schema(responses=InsightsSerializer)
    def get(self, request: Request, survey_id: str) -> Response:
        """Return what a survey taught so far."""
        survey = survey_of(self.company, survey_id)
        return Response(
            shapes.insights_shape(
                survey, totals_of(survey), report_of(survey), list(themes_of(survey))
            )
        )


class SurveySessionsView(CompanyView):
    """``GET /survey/{survey_id}/sessions``."""

    pagination_class = NewestFirstPagination

    @extend_schema(
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("state", OpenApiTypes.STR, enum=ResponseState.values),
            OpenApiParameter("flagged", OpenApiTypes.BOOL),
            OpenApiParameter("since", OpenApiTypes.DATETIME),
            OpenApiParameter("until", OpenApiTypes.DATETIME),
        ],
        responses=ResponseSerializer(many=True),
    )
    def get(self, request: Request, survey_id: str) -> Response:
        """List a survey's sessions, newest first."""
        survey = survey_of(self.company, survey_id)
        state = request.query_params.get("state")
        if state is not None and state not in ResponseState.values:
            raise InvalidInputError(
                "state_invalid", f"state is one of {', '.join(ResponseState.values)}."
            )
        rows = responses_of(
            survey,
            states=[state] if state else (),
            flagged=_read_flag(request, "flagged"),
            since=_read_moment(request, "since"),
            until=_read_moment(request, "until"),
        )
        return page_of(self, request, rows, shapes.response_shape)


def _read_flag(request: Request, name: str) -> bool | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    if value not in ("true", "false"):
        raise InvalidInputError(f"{name}_invalid", f"{name} is true or false.")
    return value == "true"


def _read_moment(request: Request, name: str) -> datetime | None:
    value = request.query_params.get(name)
    if value is None:
        return None
    try:
        moment = parse_datetime(value)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidInputError(
            f"{name}_invalid", f"{name} is a moment such as 2026-11-21T09:00:00Z."
        )
    return moment


class CsvExportView(CompanyView):
    """``GET /survey/{survey_id}/export.csv``."""

    @extend_schema(
        parameters=[
            OpenApiParameter("bom", OpenApiTypes.BOOL, description="Byte order mark, for Excel.")
        ],
        responses={(200, "text/csv"): OpenApiTypes.STR},
    )
    def get(self, request: Request, survey_id: str) -> StreamingHttpResponse:
        """Stream a survey's answers as CSV, one answer a row."""
        survey = survey_of(self.company, survey_id)
        audit.record_event(
            actor=self.actor(request),
            action="survey.exported",
            object_ref=survey.public_id,
            company=self.company,
            note="csv",
        )
        chunks = iter_csv(
            exports.csv_header(survey),
            exports.csv_rows(survey),
            bom=bool(_read_flag(request, "bom")),
        )
        return stream_download(
            request._request,
            chunks,
            filename=f"{survey.public_id}.csv",
            content_type="text/csv",
        )


class JsonlExportView(CompanyView):
    """``GET /survey/{survey_id}/export.jsonl``."""

    @extend_schema(responses={(200, "application/x-ndjson"): OpenApiTypes.STR})
    def get(self, request: Request, survey_id: str) -> StreamingHttpResponse:
        """Stream a survey's answers as JSON lines, with transcript and evaluation."""
        survey = survey_of(self.company, survey_id)
        audit.record_event(
            actor=self.actor(request),
            action="survey.exported",
            object_ref=survey.public_id,
            company=self.company,
            note="jsonl",
        )
        return stream_download(
            request._request,
            iter_jsonl(exports.jsonl_rows(survey)),
            filename=f"{survey.public_id}.jsonl",
            content_type="application/x-ndjson",
        )
