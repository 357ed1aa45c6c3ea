"""REST of profiles, recommendations, figures of a workflow, and the webhook of plans."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers as fields
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core import ratelimit
from core.api.parsers import RawParser
from core.errors import InvalidInputError, NotFoundError
from workflows.api import people_serializers as shapes
from workflows.api.executions import checked, person_of
from workflows.api.languages import READING_LANGUAGE, reading_language
from workflows.api.people_shapes import shape_performance, shape_profile, shape_recommendations
from workflows.billing import factory
from workflows.billing.base import InvalidNoticeError
from workflows.page_texts import Words
from workflows.selectors.catalogue import workflow_for
from workflows.selectors.performance import cohort_of, runs_of_cohort
from workflows.services import billing
from workflows.services.entitlements import plan_of, require_live_figures
from workflows.services.onboarding import save_cohort
from workflows.services.recommendations import explain, recommend

LIVE_READS_A_MINUTE = 30


class ProfileView(APIView):
    """``/api/profile``."""

    @extend_schema(
        operation_id="profile_read",
        summary="Read who you are for matching",
        responses=shapes.ProfileSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return market, skill level and plan."""
        return Response(_profile(person_of(request)))

    @extend_schema(
        operation_id="profile_save",
        summary="Say who you are",
        request=shapes.ProfileInput,
        responses=shapes.ProfileSerializer,
    )
    def post(self, request: Request) -> Response:
        """Store market and skill level; runs and results that exist keep theirs."""
        body = checked(shapes.ProfileInput(data=request.data))
        person = person_of(request, body.get("user_id"))
        save_cohort(person=person, market=body["market"], skill_level=body["skill_level"])
        return Response(_profile(person))


class RecommendationsView(APIView):
    """``GET /api/recommendations``."""

    @extend_schema(
        operation_id="recommendation_list",
        summary="What to try next, and why",
        parameters=READING_LANGUAGE,
        responses=shapes.RecommendationsSerializer,
    )
    def get(self, request: Request) -> Response:
        """Return ranked workflows with the reason and the numbers behind each place."""
        found = recommend(person=person_of(request))
        return Response(shape_recommendations(found, Words(reading_language(request))))


class PerformanceView(APIView):
    """``GET /api/workflows/{name}/performance``."""

    @extend_schema(
        operation_id="workflow_performance",
        summary="Figures of a workflow for your cohort",
        parameters=[
            *READING_LANGUAGE,
            OpenApiParameter(
                "live",
                OpenApiTypes.BOOL,
                description="Also count your cohort's starts as of now; comes with the Pro plan.",
            ),
        ],
        responses=shapes.PerformanceSerializer,
    )
    def get(self, request: Request, name: str) -> Response:
        """Return success and values at all levels, as of the last aggregation."""
        person = person_of(request)
        workflow = workflow_for(person, name)
        wanted = request.query_params.get("live", "").lower()
        if wanted not in ("", "0", "1", "false", "true"):
            raise InvalidInputError("live_invalid", "Send live=true or leave it out.")
        live = None
        if wanted in ("1", "true"):
            require_live_figures(person=person)
            ratelimit.hit(
                scope="workflow.live",
                key=person.public_id,
                limit=LIVE_READS_A_MINUTE,
                window_seconds=60,
            )
            live = runs_of_cohort(person, workflow, cohort_of(person))
        found = explain(person=person, workflow=workflow)
        return Response(shape_performance(found, live, Words(reading_language(request))))


class PlanWebhookView(APIView):
    """``POST /webhook/stripe/plans``."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    parser_classes = [RawParser]

    @extend_schema(
        operation_id="plan_webhook",
        summary="Take in an event of Stripe about plans",
        request=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter(
                "Stripe-Signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            )
        ],
        responses=inline_serializer("PlanWebhookTaken", {"received": fields.BooleanField()}),
    )
    def post(self, request: Request) -> Response:
        """Act upon a verified event; one that came before changes nothing."""
        if not factory.is_configured(factory.STRIPE):
            raise NotFoundError("not_found", "This server takes no webhooks of Stripe.")
        try:
            notice = factory.get_provider(factory.STRIPE).read_notice(
                body=request._request.body, signature=request.headers.get("Stripe-Signature", "")
            )
        except InvalidNoticeError as error:
            raise InvalidInputError(
                "invalid_webhook", "The signature does not match the body, or is too old."
            ) from error
        billing.take_notice(provider=factory.STRIPE, notice=notice)
        return Response({"received": True})


def _profile(person: User) -> dict[str, Any]:
    return shape_profile(person, cohort_of(person), plan_of(person))
