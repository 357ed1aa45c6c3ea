"""``POST /webhook/stripe``: verify over the raw bytes, store, answer at once."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core.api.parsers import RawParser
from core.errors import InvalidInputError, NotFoundError
from surveys.payments import factory
from surveys.payments.base import InvalidWebhookError
from surveys.services import provider_events


class StripeWebhookView(APIView):
    """Take an event in; acting upon it is a job's work."""

    authentication_classes: list[Any] = []
    permission_classes = [AllowAny]
    parser_classes = [RawParser]

    @extend_schema(
        request=OpenApiTypes.OBJECT,
        parameters=[
            OpenApiParameter(
                "Stripe-Signature", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            )
        ],
        responses=inline_serializer("WebhookStored", {"received": serializers.BooleanField()}),
    )
    def post(self, request: Request) -> Response:
        """Store a verified event; one that came before changes nothing."""
        if not factory.is_configured(factory.STRIPE):
            raise NotFoundError("not_found", "This server takes no webhooks of Stripe.")
        body: bytes = request._request.body
        try:
            notice = factory.get_provider(factory.STRIPE).read_webhook(
                body=body, signature=request.headers.get("Stripe-Signature", "")
            )
        except InvalidWebhookError as error:
            raise InvalidInputError(
                "invalid_webhook", "The signature does not match the body, or is too old."
            ) from error
        provider_events.store_event(provider=factory.STRIPE, notice=notice)
        return Response({"received": True})
