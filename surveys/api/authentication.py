"""Who calls the routes of one answer: whoever holds its receipt, or its participant.

Bearer tokens of several kinds are told apart by their prefix. Cookies are not looked at here, so
a page of another site can do nothing with somebody's login.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from core.errors import NotFoundError
from sessions.api.views import refuse_foreign_origin
from sessions.models import VoiceSession
from sessions.selectors import find_for_token
from surveys.models import SurveyResponse
from surveys.selectors.responses import response_for_receipt, response_of_session
from surveys.services.starts import RECEIPT_PREFIX as RECEIPT_PREFIX


def bearer_token(request: Request) -> str:
    """Return the bearer token of a request, or nothing."""
    parts = get_authorization_header(request).split()
    if len(parts) != 2 or parts[0].lower() != b"bearer":
        return ""
    try:
        return parts[1].decode("ascii")
    except UnicodeDecodeError:
        return ""


class Participant:
    """Stands where a person with a login would: whoever holds a receipt."""

    is_authenticated = True
    is_active = True
    is_staff = False
    is_superuser = False
    pk = None
    id = None


class ReceiptAuthentication(BaseAuthentication):
    """``Authorization: Bearer rt_…``; ``request.auth`` is the answer it is the receipt of."""

    def authenticate(self, request: Request) -> tuple[Participant, SurveyResponse] | None:
        token = bearer_token(request)
        if not token.startswith(RECEIPT_PREFIX):
            return None
        session_id = request.parser_context.get("kwargs", {}).get("session_id", "")
        return Participant(), response_for_receipt(session_id, token)

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="parley"'


def response_of_request(request: Request, session_id: str) -> SurveyResponse:
    """Return the answer the caller's token opens, if it is the one in the path.

    Raises:
        NotFoundError: the token belongs to another conversation, or it is no survey's.
        ForbiddenError: a web page calls whose origin is not on the survey's list.
    """
    if isinstance(request.auth, SurveyResponse):
        refuse_foreign_origin(request, request.auth.voice_session)
        return request.auth
    if isinstance(request.auth, VoiceSession):
        refuse_foreign_origin(request, request.auth)
        return response_of_session(find_for_token(request.auth, session_id))
    raise NotFoundError("session_not_found", "There is no session with this id.")


class ReceiptScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # its base has an untyped __init_subclass__
    """Describe the receipt in the OpenAPI document."""

    target_class = "surveys.api.authentication.ReceiptAuthentication"
    name = "receiptToken"

    def get_security_definition(self, auto_schema: AutoSchema) -> dict[str, Any]:
        """Return the security scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "receipt_token of one answer (rt_…), from the start of its session; "
            "90 days.",
        }
