"""Which language a workflow's words are answered in: by the rule of the pages."""

from __future__ import annotations

from typing import Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from accounts.selectors import chosen_language
from core.page_texts import choose_language

READING_LANGUAGE: Final = [
    OpenApiParameter(
        "lang",
        OpenApiTypes.STR,
        description="The language you read, en or es. Without it: your profile's, "
        "else that of Accept-Language. A guide that was not translated is in English.",
    ),
    OpenApiParameter("Accept-Language", OpenApiTypes.STR, OpenApiParameter.HEADER),
]


def reading_language(request: Request) -> str:
    """Return the language the signed-in person reads: address, profile, header."""
    wanted = (request.query_params.get("lang"), chosen_language(request.user))
    return choose_language(request._request, *wanted)
