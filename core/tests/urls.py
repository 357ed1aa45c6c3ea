"""Addresses for the tests of the web layer alone: one small view for each thing to go wrong."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import OperationalError
from django.http import HttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import Throttled
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as product_patterns
from core.api.fields import AmountField, StrictBooleanField, StrictCharField, StrictIntegerField
from core.api.pagination import NewestFirstPagination
from core.api.views import answer_idempotently
from core.errors import ConflictError, RateLimitedError, UnavailableError
from core.idempotency import StoredAnswer
from core.models import IdempotencyRecord

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


class QuestionShape(serializers.Serializer):
    text = StrictCharField(max_length=20)


class ThingShape(serializers.Serializer):
    title = StrictCharField(max_length=10)
    count = StrictIntegerField(min_value=0, max_value=100, required=False)
    active = StrictBooleanField(required=False)
    amount = AmountField(required=False)
    questions = QuestionShape(many=True, required=False)


class RecordShape(serializers.ModelSerializer):
    class Meta:
        model = IdempotencyRecord
        fields = ["path"]


class Echo(APIView):
    """Answer what was understood."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes = [AllowAny]

    def post(self, request):
        return Response({"read": request.data})


class Things(Echo):
    """Validate."""

    def post(self, request):
        shape = ThingShape(data=request.data)
        shape.is_valid(raise_exception=True)
        return Response(shape.validated_data)


class Once(Echo):
    """Count calls."""

    calls = 0

    def post(self, request):
        def call():
            Once.calls += 1
            return StoredAnswer(201, {"calls": Once.calls, "title": request.data.get("title")})

        return answer_idempotently(request, tenant="company_test", call=call)


class Members(APIView):
    """Ask who is there."""

    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({})


class Pages(Echo):
    """List rows in pages."""

    def get(self, request):
        pages = NewestFirstPagination()
        rows = pages.paginate_queryset(IdempotencyRecord.objects.all(), request, self)
        return pages.get_paginated_response(RecordShape(rows, many=True).data)


ERRORS = {
    "conflict": ConflictError("already_answered", "You have answered.", extra={"survey": "s"}),
    "limited": RateLimitedError(7),
    "unavailable": UnavailableError(3, code="llm_down", detail="The model is down."),
    "denied": PermissionDenied("canary-denied"),
    "suspicious": SuspiciousOperation("canary-suspicious"),
    "database": OperationalError("canary-database"),
    "throttled": Throttled(wait=4.2),
    "boom": ZeroDivisionError("canary-boom"),
}


class Raises(Echo):
    """Raise."""

    def get(self, request, kind):
        raise ERRORS[kind]


def plain_raises(request, kind):
    """Raise outside the REST framework."""
    raise ERRORS[kind]


def read_body(request, token=""):
    """Read the raw body."""
    return HttpResponse(str(len(request.body)))


async def answer_asynchronously(request):
    """Answer from a coroutine."""
    return HttpResponse("asynchronous")


urlpatterns = [
    path("page/async", answer_asynchronously),
    path("api/test/echo", Echo.as_view()),
    path("api/test/things", Things.as_view()),
    path("api/test/once", Once.as_view()),
    path("api/test/members", Members.as_view()),
    path("api/test/pages", Pages.as_view()),
    path("api/test/raises/<str:kind>", Raises.as_view()),
    path("api/test/plain/<str:kind>", plain_raises),
    path("elsewhere/rest/<str:kind>", Raises.as_view()),
    path("page/raises/<str:kind>", plain_raises),
    path("page/reset/<str:token>/", read_body),
    path("page/body", read_body),
    *product_patterns,
]
