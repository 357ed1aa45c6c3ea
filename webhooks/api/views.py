"""REST of webhooks: endpoints, their deliveries, tests and replays.

A company key, or an owner's cookie with CSRF, acts for exactly one company; everything is looked
up within it, so another company's id reads like one that does not exist.
"""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import CompanyKeyAuthentication, KeyUser
from accounts.api.permissions import ActsForCompany, ConsoleAuthentication
from accounts.models import Company, Role
from core.api.pagination import NewestFirstPagination
from core.errors import InvalidInputError
from webhooks.api import serializers, shapes
from webhooks.events import list_event_types
from webhooks.models import DeliveryState, EndpointState, WebhookDelivery, WebhookEndpoint
from webhooks.selectors.endpoints import (
    attempts_of,
    deliveries_of,
    delivery_of,
    endpoint_of,
    endpoints_of,
)
from webhooks.services import endpoints
from webhooks.services.endpoints import Actor, CreatedEndpoint


class WebhookView(APIView):
    """Base: what an owner, or a company's server, does."""

    authentication_classes = [CompanyKeyAuthentication, ConsoleAuthentication]
    permission_classes = [ActsForCompany]
    company_roles = frozenset({Role.OWNER})
    company: Company

    def actor(self, request: Request) -> Actor:
        """Return who is named in the audit trail: the person, or the key."""
        user: Any = request.user
        return cast(Actor, user.key if isinstance(user, KeyUser) else user)

    def read(self, serializer: Any) -> dict[str, Any]:
        """Return the validated fields.

        Raises:
            ValidationError: some cannot be used.
        """
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)


def _with_secret(created: CreatedEndpoint) -> dict[str, Any]:
    return {**shapes.endpoint_shape(created.row), "secret": created.secret}


class EventTypesView(WebhookView):
    """``GET /api/webhook-event-types``."""

    @extend_schema(
        operation_id="webhook_event_type_list",
        summary="List what a company can be told",
        responses=serializers.EventTypeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Answer with the table of event types."""
        return Response(
            [
                {
                    "name": one.name,
                    "label": one.label,
                    "summary": one.summary,
                    "example": one.example,
                }
                for one in list_event_types()
            ]
        )


class EndpointCollection(WebhookView):
    """``/api/webhooks``."""

    @extend_schema(
        operation_id="webhook_list",
        summary="List your endpoints, newest first",
        responses=serializers.EndpointSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Answer with all of them: there are at most ten."""
        return Response([shapes.endpoint_shape(row) for row in endpoints_of(self.company)])

    @extend_schema(
        operation_id="webhook_create",
        summary="Add an endpoint",
        description="The answer holds the secret, this once.",
        request=serializers.EndpointInput,
        responses={201: serializers.CreatedEndpointSerializer},
    )
    def post(self, request: Request) -> Response:
        """Add it."""
        fields = self.read(serializers.EndpointInput(data=request.data))
        created = endpoints.create_endpoint(
            company=self.company, actor=self.actor(request), **fields
        )
        return Response(_with_secret(created), status=201, headers={"Cache-Control": "no-store"})


class EndpointItem(WebhookView):
    """``/api/webhooks/{hook_id}``."""

    @extend_schema(
        operation_id="webhook_read",
        summary="Read an endpoint",
        responses=serializers.EndpointSerializer,
    )
    def get(self, request: Request, hook_id: str) -> Response:
        """Answer with it."""
        return Response(shapes.endpoint_shape(endpoint_of(self.company, hook_id)))

    @extend_schema(
        operation_id="webhook_update",
        summary="Change, pause or resume an endpoint",
        request=serializers.EndpointChangeInput,
        responses=serializers.EndpointSerializer,
    )
    def patch(self, request: Request, hook_id: str) -> Response:
        """Change what is given."""
        row: WebhookEndpoint = endpoint_of(self.company, hook_id)
        fields = self.read(serializers.EndpointChangeInput(data=request.data))
        actor = self.actor(request)
        state = fields.pop("state", None)
        if fields:
            row = endpoints.update_endpoint(endpoint=row, actor=actor, **fields)
        if state == EndpointState.PAUSED:
            row = endpoints.pause_endpoint(endpoint=row, actor=actor)
        elif state == EndpointState.ACTIVE:
            row = endpoints.resume_endpoint(endpoint=row, actor=actor)
        return Response(shapes.endpoint_shape(row))

    @extend_schema(
        operation_id="webhook_delete",
        summary="Remove an endpoint and its deliveries",
        responses={204: None},
    )
    def delete(self, request: Request, hook_id: str) -> Response:
        """Remove it."""
        endpoints.delete_endpoint(
            endpoint=endpoint_of(self.company, hook_id), actor=self.actor(request)
        )
        return Response(status=204)


class EndpointRotate(WebhookView):
    """``POST /api/webhooks/{hook_id}/rotate``."""

    @extend_schema(
        operation_id="webhook_rotate",
        summary="Give an endpoint a new secret",
        description="Messages carry signatures of both secrets for 24 hours.",
        request=None,
        responses=serializers.CreatedEndpointSerializer,
    )
    def post(self, request: Request, hook_id: str) -> Response:
        """Rotate and show the new secret."""
        created = endpoints.rotate_secret(
            endpoint=endpoint_of(self.company, hook_id), actor=self.actor(request)
        )
        return Response(_with_secret(created), headers={"Cache-Control": "no-store"})


class EndpointTest(WebhookView):
    """``POST /api/webhooks/{hook_id}/test``."""

    @extend_schema(
        operation_id="webhook_test",
        summary="Send a test event to an endpoint",
        request=None,
        responses={202: serializers.DeliverySerializer},
    )
    def post(self, request: Request, hook_id: str) -> Response:
        """Put a test in line."""
        delivery = endpoints.send_test(
            endpoint=endpoint_of(self.company, hook_id), actor=self.actor(request)
        )
        return Response(shapes.delivery_shape(delivery), status=202)


class EndpointReplay(WebhookView):
    """``POST /api/webhooks/{hook_id}/replay``."""

    @extend_schema(
        operation_id="webhook_replay_undelivered",
        summary="Send again what failed or was not sent, oldest first",
        description="At most 500 at once; call it again for more.",
        request=None,
        responses={202: serializers.ReplayedSerializer},
    )
    def post(self, request: Request, hook_id: str) -> Response:
        """Put them in line."""
        count = endpoints.replay_undelivered(
            endpoint=endpoint_of(self.company, hook_id), actor=self.actor(request)
        )
        return Response({"replayed": count}, status=202)


class DeliveryCollection(WebhookView):
    """``/api/webhooks/{hook_id}/deliveries``."""

    pagination_class = NewestFirstPagination

    @extend_schema(
        operation_id="webhook_delivery_list",
        summary="List the deliveries of an endpoint, newest first",
        parameters=[
            OpenApiParameter("limit", OpenApiTypes.INT, description="Rows a page, 1 to 200."),
            OpenApiParameter("cursor", OpenApiTypes.STR, description="From next or previous."),
            OpenApiParameter("state", OpenApiTypes.STR, enum=DeliveryState.values),
        ],
        responses=serializers.DeliverySerializer(many=True),
    )
    def get(self, request: Request, hook_id: str) -> Response:
        """Answer with a page of them."""
        endpoint = endpoint_of(self.company, hook_id)
        state = request.query_params.get("state", "")
        if state and state not in DeliveryState.values:
            raise InvalidInputError(
                "state_invalid", f"state is one of {', '.join(DeliveryState.values)}."
            )
        pages = self.pagination_class()
        rows = pages.paginate_queryset(deliveries_of(endpoint, state=state), request, view=self)
        return pages.get_paginated_response(
            [shapes.delivery_shape(row) for row in cast("list[WebhookDelivery]", rows)]
        )


class DeliveryItem(WebhookView):
    """``GET /api/webhook-deliveries/{delivery_id}``."""

    @extend_schema(
        operation_id="webhook_delivery_read",
        summary="Read a delivery with its body and attempts",
        responses=serializers.DeliveryDetailSerializer,
    )
    def get(self, request: Request, delivery_id: str) -> Response:
        """Answer with it."""
        delivery = delivery_of(self.company, delivery_id)
        return Response(
            {
                **shapes.delivery_shape(delivery),
                "body": delivery.event.body,
                "attempts": [shapes.attempt_shape(one) for one in attempts_of(delivery)],
            }
        )


class DeliveryReplay(WebhookView):
    """``POST /api/webhook-deliveries/{delivery_id}/replay``."""

    @extend_schema(
        operation_id="webhook_delivery_replay",
        summary="Send a delivery once more, under the same id",
        request=None,
        responses={202: serializers.DeliverySerializer},
    )
    def post(self, request: Request, delivery_id: str) -> Response:
        """Put it in line."""
        delivery = endpoints.replay_delivery(
            delivery=delivery_of(self.company, delivery_id), actor=self.actor(request)
        )
        return Response(shapes.delivery_shape(delivery), status=202)
