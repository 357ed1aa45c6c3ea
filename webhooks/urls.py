"""Addresses of the webhooks API; the console's pages are in ``console_urls``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from webhooks.api import views

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/webhook-event-types", views.EventTypesView.as_view(), name="api_webhook_event_types"),
    path("api/webhooks", views.EndpointCollection.as_view(), name="api_webhooks"),
    path("api/webhooks/<str:hook_id>", views.EndpointItem.as_view(), name="api_webhook"),
    path(
        "api/webhooks/<str:hook_id>/rotate",
        views.EndpointRotate.as_view(),
        name="api_webhook_rotate",
    ),
    path("api/webhooks/<str:hook_id>/test", views.EndpointTest.as_view(), name="api_webhook_test"),
    path(
        "api/webhooks/<str:hook_id>/replay",
        views.EndpointReplay.as_view(),
        name="api_webhook_replay",
    ),
    path(
        "api/webhooks/<str:hook_id>/deliveries",
        views.DeliveryCollection.as_view(),
        name="api_webhook_deliveries",
    ),
    path(
        "api/webhook-deliveries/<str:delivery_id>",
        views.DeliveryItem.as_view(),
        name="api_webhook_delivery",
    ),
    path(
        "api/webhook-deliveries/<str:delivery_id>/replay",
        views.DeliveryReplay.as_view(),
        name="api_webhook_delivery_replay",
    ),
]
