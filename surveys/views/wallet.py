"""The wallet page. The server sends the same page to everybody: the receipt stays behind ``#`` in
the browser, and what is in the wallet comes over the API with the receipt in a header.
"""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.generic import TemplateView


@method_decorator([never_cache, ensure_csrf_cookie], name="dispatch")
class WalletPage(TemplateView):
    """``/wallet/``, with a receipt behind ``#`` or the account's own wallet."""

    template_name = "surveys/wallet.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Tell the script where the API is and whether somebody is signed in."""
        return super().get_context_data(**kwargs) | {
            "wallet_settings": {
                "walletUrl": reverse("api_wallet"),
                "attachUrl": reverse("api_wallet_attach"),
                "withdrawUrl": reverse("api_wallet_withdraw"),
                "connectUrl": reverse("api_wallet_connect"),
                "refreshUrl": reverse("api_wallet_connect_refresh"),
                "isSignedIn": self.request.user.is_authenticated,
            },
        }
