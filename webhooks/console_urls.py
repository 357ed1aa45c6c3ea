"""Pages of webhooks inside the company console; surveys includes them under ``/console/``."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from webhooks.views import pages

console_patterns: list[URLPattern | URLResolver] = [
    path("webhooks/", pages.webhook_list, name="webhook_list"),
    path("webhooks/deliveries/<str:delivery_id>/", pages.delivery_detail, name="webhook_delivery"),
    path(
        "webhooks/deliveries/<str:delivery_id>/replay/",
        pages.delivery_replay,
        name="webhook_delivery_replay",
    ),
    path("webhooks/<str:hook_id>/", pages.webhook_detail, name="webhook"),
    path("webhooks/<str:hook_id>/edit/", pages.webhook_edit, name="webhook_edit"),
    path("webhooks/<str:hook_id>/rotate/", pages.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<str:hook_id>/test/", pages.webhook_test, name="webhook_test"),
    path("webhooks/<str:hook_id>/state/", pages.webhook_state, name="webhook_state"),
    path("webhooks/<str:hook_id>/replay/", pages.webhook_replay, name="webhook_replay"),
    path("webhooks/<str:hook_id>/delete/", pages.webhook_delete, name="webhook_delete"),
]
