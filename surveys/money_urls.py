"""Addresses of wallets and payment webhooks."""

from __future__ import annotations

from django.urls import path

from surveys.api import stripe_webhook, wallets
from surveys.views.wallet import WalletPage

urlpatterns = [
    path("wallet/", WalletPage.as_view(), name="wallet"),
    path("api/wallet", wallets.WalletView.as_view(), name="api_wallet"),
    path("api/wallet/attach", wallets.AttachView.as_view(), name="api_wallet_attach"),
    path("api/wallet/withdraw", wallets.WithdrawView.as_view(), name="api_wallet_withdraw"),
    path("api/wallet/connect", wallets.ConnectView.as_view(), name="api_wallet_connect"),
    path(
        "api/wallet/connect/refresh",
        wallets.ConnectRefreshView.as_view(),
        name="api_wallet_connect_refresh",
    ),
    path("webhook/stripe", stripe_webhook.StripeWebhookView.as_view(), name="stripe_webhook"),
]
