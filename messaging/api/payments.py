"""``POST /webhooks/stripe/orders``: a provider's signed word that an order was paid."""

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
from messaging.payments import factory
from messaging.payments.base import InvalidNoticeError
from messaging.services import payments


class OrderPaymentWebhookView(APIView):
    """Take a notice in; one that came before changes nothing."""

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
        responses=inline_serializer("OrderPaymentNoted", {"received": serializers.BooleanField()}),
    )
    def post(self, request: Request) -> Response:
        """Verify the notice and act upon it."""
        if not factory.is_configured(factory.STRIPE):
            raise NotFoundError("not_found", "This server takes no payments by Stripe.")
        body: bytes = request._request.body
        try:
            notice = factory.get_provider(factory.STRIPE).read_notice(
                body=body, signature=request.headers.get("Stripe-Signature", "")
            )
        except InvalidNoticeError as error:
            raise InvalidInputError(
                "invalid_webhook", "The signature does not match the body, or is too old."
            ) from error
        payments.note_notice(provider=factory.STRIPE, notice=notice)
        return Response({"received": True})
