"""REST of a person's right over what is held about them: a copy, and erasure."""

from __future__ import annotations

from typing import cast

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers as fields
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.services import leaving

_EXPORT = inline_serializer(
    "OwnData",
    {
        "format": fields.CharField(),
        "made_at": fields.DateTimeField(),
        "data": fields.DictField(help_text="One member an app, each with its rows."),
        "kept_after_erasure": fields.DictField(
            child=fields.CharField(), help_text="What would stay, and why."
        ),
    },
)


class EraseAccountInput(fields.Serializer[dict[str, object]]):
    """What a person confirms before they are erased."""

    password = fields.CharField(trim_whitespace=False, max_length=200)
    gives_up_credit = fields.BooleanField(
        default=False, help_text="The person gives up the money that is left in their wallet."
    )


class OwnDataView(APIView):
    """``GET /api/account/export``."""

    @extend_schema(
        operation_id="account_export",
        summary="Download everything held about you",
        responses=_EXPORT,
    )
    def get(self, request: Request) -> Response:
        """Return a copy of all rows about the signed-in person, in all apps."""
        person = cast(User, request.user)
        return Response(
            leaving.export_person(user=person, actor=person),
            headers={"Cache-Control": "no-store"},
        )


class EraseAccountView(APIView):
    """``POST /api/account/erase``."""

    @extend_schema(
        operation_id="account_erase",
        summary="Delete your account and everything about you",
        request=EraseAccountInput,
        responses={
            202: inline_serializer(
                "ErasureStarted",
                {"erasure_id": fields.CharField(), "requested_at": fields.DateTimeField()},
            )
        },
    )
    def post(self, request: Request) -> Response:
        """Close the account at once; the rest goes within minutes. Money in the books stays."""
        body = EraseAccountInput(data=request.data)
        body.is_valid(raise_exception=True)
        person = cast(User, request.user)
        leaving.confirm_password(user=person, password=body.validated_data["password"])
        row = leaving.request_erasure(
            user=person, gives_up_credit=body.validated_data["gives_up_credit"]
        )
        return Response({"erasure_id": row.public_id, "requested_at": row.requested_at}, status=202)
