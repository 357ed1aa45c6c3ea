"""REST of the visitor's side: what the widget calls, and what a receipt opens.

Knows tokens, origins and limits; what happens is in the services. No route here looks at cookies.
"""

from __future__ import annotations

import ipaddress
from typing import Any

from django.conf import settings
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import CompanyKeyAuthentication
from accounts.models import CompanyKey
from core import audit, ratelimit
from core.api.views import answer_idempotently
from core.errors import ForbiddenError, NotFoundError
from core.idempotency import KeyInUseError, StoredAnswer
from sessions.api.authentication import SessionTokenAuthentication
from sessions.api.views import refuse_foreign_origin
from sessions.models import VoiceSession
from sessions.selectors import find_for_company, find_for_token
from surveys.api import shapes
from surveys.api.authentication import ReceiptAuthentication, response_of_request
from surveys.api.company import read_object
from surveys.api.serializers import (
    AppealInputSerializer,
    CompleteInputSerializer,
    ErasedSerializer,
    FunnelInputSerializer,
    ResultSerializer,
    StartInputSerializer,
    StartSerializer,
    WidgetSerializer,
)
from surveys.cors import is_survey_origin_allowed
from surveys.models import Survey
from surveys.selectors.surveys import survey_for_key
from surveys.services import appeals, claims, completion, erasure, funnel, starts
from surveys.services.identity import SignedUser
from surveys.services.results import present_result

KEY_HEADER = "X-Publishable-Key"
COMPLETE_CALLS_A_MINUTE = 240
FUNNEL_CALLS_A_MINUTE = 60
PENDING_RETRY_SECONDS = 2


class _PendingError(Exception):
    """The answer is still being scored; the answer to that is a 202, which is not kept."""

    def __init__(self, body: dict[str, Any]) -> None:
        super().__init__("evaluation pending")
        self.body = body


class PublishableView(APIView):
    """Base of the routes a publishable key opens, from the pages the survey allows."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    def open_survey(self, request: Request, survey_id: str, key: str = "") -> Survey:
        """Return the survey after checking key and Origin.

        Raises:
            NotFoundError, AuthenticationFailedError: no such survey, or not its key.
            ForbiddenError: the page's origin is not on the survey's list.
        """
        survey = survey_for_key(survey_id, request.headers.get(KEY_HEADER) or key)
        origin = request.headers.get("Origin")
        if origin is not None and not is_survey_origin_allowed(
            survey.allowed_origins, origin, own_origin=own_origin(request)
        ):
            raise ForbiddenError(
                "origin_not_allowed",
                "This page's origin is not on the survey's list. Add it, exactly as the browser "
                "sends it, to allowed_origins on the install page.",
                extra={"origin": origin[:255]},
            )
        return survey


def own_origin(request: Request) -> str:
    """Return scheme and host the client reached this server by."""
    return f"{request.scheme}://{request.get_host()}"


def limit_by_address(request: Request, *, scope: str, key: str, limit: int, seconds: int) -> str:
    """Count one use of a scope by the caller's address; return the address.

    Raises:
        RateLimitedError: over the limit.
    """
    address = ratelimit.client_ip(request._request)
    ratelimit.hit(
        scope=scope,
        key=f"{key}|{ratelimit.limit_key(address)}",
        limit=limit,
        window_seconds=seconds,
    )
    return address


class WidgetConfigView(PublishableView):
    """``GET /survey/{survey_id}``."""

    @extend_schema(
        parameters=[
            OpenApiParameter(KEY_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER),
            OpenApiParameter("key", OpenApiTypes.STR, description="Instead of the header."),
        ],
        responses=WidgetSerializer,
    )
    def get(self, request: Request, survey_id: str) -> Response:
        """Return what the widget may show."""
        survey = self.open_survey(request, survey_id, request.query_params.get("key", ""))
        return Response(shapes.widget_shape(survey))


class StartView(PublishableView):
    """``POST /survey/{survey_id}/session/start``."""

    @extend_schema(
        parameters=[OpenApiParameter(KEY_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER)],
        request=StartInputSerializer,
        responses={201: StartSerializer, 200: StartSerializer},
    )
    def post(self, request: Request, survey_id: str) -> Response:
        """Start a session, or go on with one that is open (200)."""
        body = StartInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        sent: dict[str, Any] = body.validated_data
        survey = self.open_survey(request, survey_id, sent.get("publishable_key", ""))
        address = limit_by_address(
            request,
            scope="survey.start",
            key=survey.public_id,
            limit=settings.SURVEY_STARTS_PER_IP_HOUR,
            seconds=3600,
        )
        ratelimit.hit(
            scope="survey.start_all",
            key=survey.public_id,
            limit=settings.SURVEY_STARTS_PER_SURVEY_MINUTE,
            window_seconds=60,
        )
        user = sent.get("user")
        started = starts.start_response(
            survey=survey,
            request=starts.StartRequest(
                has_origin="Origin" in request.headers,
                consent=sent["consent"],
                user=SignedUser(**user) if user else None,
                attributes=sent.get("attributes", {}),
                language=sent.get("language") or request.headers.get("Accept-Language", ""),
                device_key=sent.get("device_key", ""),
                account_token=sent.get("account_token", ""),
                receipt_token=sent.get("receipt_token", ""),
                session_token=sent.get("session_token", ""),
                address=address,
            ),
        )
        return Response(
            shapes.start_shape(started, own_origin=own_origin(request)),
            status=200 if started.is_resumed else 201,
        )


class FunnelView(PublishableView):
    """``POST /survey/{survey_id}/funnel``."""

    @extend_schema(
        parameters=[OpenApiParameter(KEY_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER)],
        request=FunnelInputSerializer,
        responses={204: None},
    )
    def post(self, request: Request, survey_id: str) -> Response:
        """Count a step the widget saw: shown or consented."""
        body = FunnelInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        survey = self.open_survey(
            request, survey_id, body.validated_data.get("publishable_key", "")
        )
        limit_by_address(
            request,
            scope="survey.funnel",
            key=survey.public_id,
            limit=FUNNEL_CALLS_A_MINUTE,
            seconds=60,
        )
        funnel.count_step(survey=survey, step=body.validated_data["step"])
        return Response(status=204)


class CompleteView(APIView):
    """``POST /session/{session_id}/complete``."""

    authentication_classes = [SessionTokenAuthentication, CompanyKeyAuthentication]
    permission_classes = [IsAuthenticated]

    @extend_schema(
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=False
            ),
            OpenApiParameter(
                "transcript",
                OpenApiTypes.STR,
                description="As in the body; on the demo's own machine only, because addresses "
                "end up in logs.",
            ),
        ],
        request=CompleteInputSerializer,
        responses={200: ResultSerializer, 202: ResultSerializer},
    )
    def post(self, request: Request, session_id: str) -> Response:
        """End the conversation, score it, pay it; any number of calls give the same answer."""
        session, is_company = self._find_session(request, session_id)
        ratelimit.hit(
            scope="session.complete",
            key=session.public_id,
            limit=COMPLETE_CALLS_A_MINUTE,
            window_seconds=60,
        )
        claim = claims.read_claim(_sent_transcript(request))

        def call() -> StoredAnswer:
            done = completion.complete_response(
                voice_session=session, claim=claim, claimed_by_company=is_company
            )
            body = present_result(done.response)
            if not done.is_ready:
                raise _PendingError(body)
            return StoredAnswer(200, body)

        try:
            try:
                return answer_idempotently(request, tenant=session.public_id, call=call)
            except KeyInUseError:
                # Done waits for the one evaluation whoever began it, so a repeat gets its answer
                # at once, and a request that died holds nobody up.
                return Response(call().body)
        except _PendingError as pending:
            return Response(
                pending.body, status=202, headers={"Retry-After": str(PENDING_RETRY_SECONDS)}
            )

    def _find_session(self, request: Request, session_id: str) -> tuple[VoiceSession, bool]:
        auth = request.auth
        if isinstance(auth, CompanyKey):
            return find_for_company(auth.company, session_id), True
        if isinstance(auth, VoiceSession):
            refuse_foreign_origin(request, auth)
            return find_for_token(auth, session_id), False
        raise NotFoundError("session_not_found", "There is no session with this id.")


def _sent_transcript(request: Request) -> object:
    sent = read_object(request).get("transcript")
    if sent is not None:
        return sent
    queried = request.query_params.get("transcript")
    if queried is None:
        return None
    if settings.PRODUCTION or not _is_loopback(ratelimit.client_ip(request._request)):
        raise ForbiddenError(
            "transcript_in_query",
            "Send the transcript in the JSON body: what stands in an address ends up in logs.",
        )
    return queried


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class ReceiptView(APIView):
    """Base of what a receipt opens."""

    authentication_classes: list[type[BaseAuthentication]] = [ReceiptAuthentication]
    permission_classes = [IsAuthenticated]


class ResultView(ReceiptView):
    """``GET /session/{session_id}/result``."""

    authentication_classes: list[type[BaseAuthentication]] = [
        ReceiptAuthentication,
        SessionTokenAuthentication,
    ]

    @extend_schema(responses=ResultSerializer)
    def get(self, request: Request, session_id: str) -> Response:
        """Return what became of an answer, with the present state of its pay."""
        return Response(present_result(response_of_request(request, session_id)))


class AppealView(ReceiptView):
    """``POST /session/{session_id}/appeal``."""

    @extend_schema(request=AppealInputSerializer, responses={201: ResultSerializer})
    def post(self, request: Request, session_id: str) -> Response:
        """File the one appeal against a low, held or rejected result."""
        body = AppealInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        response = response_of_request(request, session_id)
        appeals.file_appeal(response=response, text=body.validated_data["text"])
        return Response(present_result(response_of_request(request, session_id)), status=201)


class PersonalDataView(ReceiptView):
    """``GET`` and ``DELETE /session/{session_id}/data``."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, session_id: str) -> Response:
        """Return a copy of everything held about this answer."""
        response = response_of_request(request, session_id)
        audit.record_event(
            actor="respondent",
            action="response.exported",
            object_ref=session_id,
            company=response.survey.company,
        )
        return Response(
            erasure.export_response(response),
            headers={"Content-Disposition": f'attachment; filename="{session_id}.json"'},
        )

    @extend_schema(responses=ErasedSerializer)
    def delete(self, request: Request, session_id: str) -> Response:
        """Erase what was said. Repeating it changes nothing."""
        response = response_of_request(request, session_id)
        erasure.erase_response(response=response)
        return Response(
            {
                "session_id": response.voice_session.public_id,
                "erased": True,
                "kept": erasure.KEPT_NOTE,
            }
        )
