"""Who calls the wallet's routes: whoever holds a receipt, or the signed-in owner.

Unlike the widget's routes these are for pages of this server alone, so a cookie may be honoured
(with its CSRF token); no other origin is admitted to them.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from core import tokens
from core.errors import AuthenticationFailedError, NotFoundError
from surveys.api.authentication import RECEIPT_PREFIX, Participant, bearer_token
from surveys.models import Wallet
from surveys.services.wallets import wallet_by_receipt


def wallet_of_token(token: str) -> Wallet:
    """Return the wallet a receipt opens.

    Raises:
        AuthenticationFailedError: the receipt is wrong or has expired.
    """
    try:
        return wallet_by_receipt(tokens.digest(token))
    except NotFoundError as error:
        raise AuthenticationFailedError(
            "invalid_receipt",
            "This receipt is not valid (any more). Open the wallet link of a newer answer, or "
            "sign in to the account the wallet belongs to.",
        ) from error


class WalletAuthentication(BaseAuthentication):
    """``Authorization: Bearer rt_…``; ``request.auth`` is the wallet behind the receipt."""

    def authenticate(self, request: Request) -> tuple[Participant, Wallet] | None:
        """Return the wallet of the receipt; None without one, which leaves it to the cookie."""
        token = bearer_token(request)
        if not token.startswith(RECEIPT_PREFIX):
            return None
        return Participant(), wallet_of_token(token)

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401."""
        return 'Bearer realm="parley"'


class WalletScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped base
    # The metaclass that collects extensions has no types.
    """Describe the receipt as a key to its wallet."""

    target_class: Any = "surveys.api.wallet_authentication.WalletAuthentication"
    name = "wallet_receipt"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme for the OpenAPI document."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "The receipt_token of an answer opens the wallet its pay went to.",
        }
