"""Settings of the REST framework and of the OpenAPI document, which no variable changes."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.SessionAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.negotiation.LenientNegotiation",
    "DEFAULT_PAGINATION_CLASS": "core.api.pagination.NewestFirstPagination",
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.ProblemAutoSchema",
    "EXCEPTION_HANDLER": "core.api.exceptions.answer_exception",
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.MultiPartRenderer",
    ],
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Parley",
    "DESCRIPTION": "Conversations with people, paid, understood and put to use.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Several fields called "status" or "kind" with different words need names told apart.
    "ENUM_NAME_OVERRIDES": {
        "ExecutionState": "workflows.models.ExecutionState",
        "PayoutState": "surveys.models.PayoutState",
        "Plan": "accounts.models.Plan",
        "ProofReviewState": "workflows.models.ReviewState",
        "QuestionKind": ["open", "rating", "choice", "yes_no"],
        "ResponseState": "surveys.models.ResponseState",
        "SessionKind": "sessions.models.SessionKind",
        "SessionStatus": "sessions.models.SessionStatus",
        "SurveyStatus": "surveys.models.SurveyStatus",
        "VideoAgentStatus": ["starting", "processing", "finished", "error"],
        "VideoRunState": "agents.video.models.RunState",
        "WebhookDeliveryState": "webhooks.models.DeliveryState",
        "WebhookEndpointState": "webhooks.models.EndpointState",
        "WithdrawalState": "surveys.models.wallets.WithdrawalState",
    },
    "SORT_OPERATION_PARAMETERS": False,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "config.openapi.publish_transitions",
        "config.links.publish_links",
        "webhooks.api.outgoing.add_webhooks",
        "core.api.schema.add_problem_answers",
    ],
}

# Whatever starts so is answered with problem details, 404 and 500 included.
API_PATH_PREFIXES = (
    "/api/",
    "/health",
    "/metrics",
    "/session",
    "/survey",
    "/token",
    "/transcripts",
    "/webhook",
)
# Pages that live under an API prefix.
API_PAGE_PREFIXES = ("/api/docs",)

CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "x-publishable-key",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = ("retry-after", "x-request-id", "idempotency-replayed")
