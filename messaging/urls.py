"""Addresses of the messaging app. The seed's paths stand as they are."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from messaging.api.payments import OrderPaymentWebhookView
from messaging.api.webhook import WhatsAppWebhookView
from messaging.views.paying import pay_page

urlpatterns: list[URLPattern | URLResolver] = [
    path("webhooks/whatsapp", WhatsAppWebhookView.as_view(), name="whatsapp_webhook"),
    path("webhooks/stripe/orders", OrderPaymentWebhookView.as_view(), name="order_payment_webhook"),
    path("pay/<str:payment_id>/", pay_page, name="order_pay"),
    path("", include("messaging.page_urls")),
]
