"""Addresses of the messaging app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from messaging.api.webhook import WhatsAppWebhookView

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/whatsapp", WhatsAppWebhookView.as_view(), name="whatsapp_webhook"),
    path("", include("messaging.page_urls")),
]
