"""Meta's webhook: the address is public, so all rests on the signature over the raw bytes."""

from __future__ import annotations

import hmac
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.parsers import RawParser
from core.errors import ForbiddenError
from messaging.services import intake

SIGNATURE_HEADER = "X-Hub-Signature-256"
CHALLENGE_MAX = 200


class WhatsAppWebhookView(APIView):
    """``GET`` proves that the address is ours, ``POST`` takes what happened."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    parser_classes = [RawParser]

    @extend_schema(
        parameters=[
            OpenApiParameter("hub.mode", OpenApiTypes.STR, required=True),
            OpenApiParameter("hub.verify_token", OpenApiTypes.STR, required=True),
            OpenApiParameter("hub.challenge", OpenApiTypes.STR, required=True),
        ],
        responses={(200, "text/plain"): OpenApiTypes.STR},
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer Meta's challenge."""
        expected = settings.WHATSAPP_VERIFY_TOKEN
        told = request.query_params.get("hub.verify_token", "")
        is_ours = bool(expected) and hmac.compare_digest(
            told.encode("utf-8", "replace"), expected.encode()
        )
        if request.query_params.get("hub.mode") != "subscribe" or not is_ours:
            raise ForbiddenError(
                "verify_token_invalid",
                "The verify token is not this installation's. Set WHATSAPP_VERIFY_TOKEN to the "
                "one you typed at Meta.",
            )
        challenge = request.query_params.get("hub.challenge", "")[:CHALLENGE_MAX]
        return HttpResponse(challenge, content_type="text/plain; charset=utf-8")

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter(
                SIGNATURE_HEADER, OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            )
        ],
        responses=inline_serializer("WhatsAppStored", {"received": serializers.BooleanField()}),
    )
    def post(self, request: Request) -> Response:
        """Store a signed body, whatever is in it: anything but 200 would bring it back for days."""
        raw: bytes = request._request.body
        intake.check_signature(raw, request.headers.get(SIGNATURE_HEADER, ""))
        intake.receive_webhook(raw=raw)
        return Response({"received": True})
