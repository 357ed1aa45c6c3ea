"""REST of the wallet page: what is in it, attach it, connect a provider, withdraw.

Knows tokens, shapes and limits; the money moves in `surveys.services.wallets`.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from core import clock, ratelimit
from core.api.fields import StrictBooleanField, StrictCharField
from core.errors import ConflictError, InvalidInputError, NotFoundError, UnavailableError
from core.idempotency import read_key
from core.money import CURRENCIES, to_minor
from surveys.api.wallet_authentication import WalletAuthentication, wallet_of_token
from surveys.models import Wallet, Withdrawal
from surveys.models.wallets import WithdrawalState
from surveys.payments import factory
from surveys.payments.base import ProviderError
from surveys.selectors import money
from surveys.services import provider_events, wallets
from surveys.services.results import decimal_amount

CALLS_A_MINUTE = 60
WITHDRAWALS_AN_HOUR = 20


class MoneySerializer(serializers.Serializer[Any]):
    """An amount of credit."""

    currency = serializers.CharField()
    amount = serializers.FloatField()
    is_play_money = serializers.BooleanField()


class HistoryLineSerializer(serializers.Serializer[Any]):
    """A payout or a withdrawal."""

    at = serializers.CharField()
    kind = serializers.ChoiceField(["payout", "withdrawal"])
    reference = serializers.CharField()
    title = serializers.CharField(allow_blank=True)
    amount = serializers.FloatField()
    currency = serializers.CharField()
    state = serializers.CharField()
    is_play_money = serializers.BooleanField()


class ProviderStateSerializer(serializers.Serializer[Any]):
    """Where money can go from here."""

    name = serializers.CharField()
    is_configured = serializers.BooleanField()
    is_connected = serializers.BooleanField()
    is_ready = serializers.BooleanField()


class WalletSerializer(serializers.Serializer[Any]):
    """A wallet as its owner sees it."""

    wallet_id = serializers.CharField(allow_null=True)
    is_attached = serializers.BooleanField(help_text="It belongs to an account.")
    balances = MoneySerializer(many=True)
    waiting = MoneySerializer(many=True, help_text="To be claimed: connect an account first.")
    history = HistoryLineSerializer(many=True)
    providers = ProviderStateSerializer(many=True)


class WithdrawInputSerializer(serializers.Serializer[Any]):
    """What to take out, and how."""

    amount = StrictCharField(max_length=24, help_text="Decimal text such as 15.50.")
    currency = StrictCharField(max_length=3, min_length=3)
    provider = serializers.ChoiceField([factory.LOCAL, factory.STRIPE])
    is_play_money = StrictBooleanField(default=False)


class WithdrawalSerializer(serializers.Serializer[Any]):
    """A withdrawal and what it means."""

    withdrawal_id = serializers.CharField()
    state = serializers.ChoiceField(choices=WithdrawalState.choices)
    amount = serializers.FloatField()
    currency = serializers.CharField()
    message = serializers.CharField()


class AttachInputSerializer(serializers.Serializer[Any]):
    """The receipt of the wallet to attach."""

    receipt_token = StrictCharField(max_length=200)


class ConnectSerializer(serializers.Serializer[Any]):
    """Where the person completes the account at the provider."""

    url = serializers.CharField()


class ReadySerializer(serializers.Serializer[Any]):
    """Whether the connected account can take money now."""

    is_ready = serializers.BooleanField()


class WalletAPIView(APIView):
    """Base: a receipt in the header, or the cookie of the wallet's owner."""

    authentication_classes = [WalletAuthentication, SessionAuthentication]
    permission_classes = [IsAuthenticated]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Limit how often one address tries receipts, before any is looked at."""
        address = ratelimit.client_ip(request._request)
        ratelimit.hit(
            scope="wallet",
            key=ratelimit.limit_key(address),
            limit=CALLS_A_MINUTE,
            window_seconds=60,
        )
        super().initial(request, *args, **kwargs)

    def find_wallet(self, request: Request) -> Wallet | None:
        """Return the caller's wallet; None for a person who has none yet."""
        if isinstance(request.auth, Wallet):
            return request.auth
        return money.wallet_of_user(request.user) if isinstance(request.user, User) else None

    def open_wallet(self, request: Request) -> Wallet:
        """Return the caller's wallet.

        Raises:
            NotFoundError: a signed-in person without one.
        """
        wallet = self.find_wallet(request)
        if wallet is None:
            raise NotFoundError("wallet_not_found", "You have no wallet yet. Answer a survey.")
        return wallet


class WalletView(WalletAPIView):
    """``GET /api/wallet``."""

    @extend_schema(responses=WalletSerializer)
    def get(self, request: Request) -> Response:
        """Return credit, history and where money can go."""
        return Response(shape_wallet(self.find_wallet(request)))


class AttachView(WalletAPIView):
    """``POST /api/wallet/attach``: a signed-in person takes a receipt's wallet over."""

    authentication_classes = [SessionAuthentication]

    @extend_schema(request=AttachInputSerializer, responses=WalletSerializer)
    def post(self, request: Request) -> Response:
        """Attach the wallet to the account; one that is there already takes its credit in."""
        body = AttachInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wallet = wallet_of_token(body.validated_data["receipt_token"])
        if not isinstance(request.user, User):
            raise NotFoundError("wallet_not_found", "Sign in first.")
        return Response(shape_wallet(wallets.attach_wallet(wallet=wallet, user=request.user)))


class WithdrawView(WalletAPIView):
    """``POST /api/wallet/withdraw``."""

    @extend_schema(
        request=WithdrawInputSerializer,
        responses={201: WithdrawalSerializer},
        parameters=[
            OpenApiParameter(
                "Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Take credit out, once for the Idempotency-Key."""
        wallet = self.open_wallet(request)
        ratelimit.hit(
            scope="withdraw",
            key=wallet.public_id,
            limit=WITHDRAWALS_AN_HOUR,
            window_seconds=3600,
        )
        body = WithdrawInputSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        withdrawal = wallets.withdraw(
            wallet=wallet,
            amount_minor=_read_amount(wanted["amount"], wanted["currency"]),
            currency=wanted["currency"],
            provider=wanted["provider"],
            is_play_money=wanted["is_play_money"],
            idempotency_key=read_key(request.headers) or "",
        )
        return Response(shape_withdrawal(withdrawal), status=201)


class ConnectView(WalletAPIView):
    """``POST /api/wallet/connect``: an account at the provider for this wallet."""

    @extend_schema(request=None, responses=ConnectSerializer)
    def post(self, request: Request) -> Response:
        """Open an account if there is none and return where to complete it."""
        wallet = self.open_wallet(request)
        if not factory.is_configured(factory.STRIPE):
            raise ConflictError(
                "provider_not_configured",
                "This server has no payment provider set up. Your credit stays here.",
            )
        provider = factory.get_provider(factory.STRIPE)
        page = f"{settings.SITE_URL.rstrip('/')}{reverse('wallet')}"
        try:
            connected = money.provider_account_of(wallet, provider.name)
            if connected is None:
                opened = provider.open_account(key=f"account:{wallet.public_id}")
                connected = wallets.connect_provider_account(
                    wallet=wallet, provider=provider.name, reference=opened.reference
                )
            url = provider.make_onboarding_link(
                connected.reference, return_url=f"{page}?connected=1", refresh_url=page
            )
        except ProviderError as error:
            raise _provider_down() from error
        return Response({"url": url})


class ConnectRefreshView(WalletAPIView):
    """``POST /api/wallet/connect/refresh``: after the person comes back from the provider."""

    @extend_schema(request=None, responses=ReadySerializer)
    def post(self, request: Request) -> Response:
        """Ask the provider how the account stands; pay that waited for it is sent."""
        wallet = self.open_wallet(request)
        connected = money.provider_account_of(wallet, factory.STRIPE)
        if connected is None or not factory.is_configured(factory.STRIPE):
            return Response({"is_ready": False})
        try:
            return Response({"is_ready": provider_events.refresh_account(connected=connected)})
        except ProviderError as error:
            raise _provider_down() from error


def _provider_down() -> UnavailableError:
    return UnavailableError(
        30,
        code="provider_unavailable",
        detail="The payment provider does not answer right now. Nothing was lost; try again.",
    )


def _read_amount(text: str, currency: str) -> int:
    if currency not in CURRENCIES:
        raise InvalidInputError("unknown_currency", f"{currency!r} is not a currency Parley knows.")
    try:
        return to_minor(text.strip(), currency)
    except ValueError as error:
        raise InvalidInputError(
            "invalid_amount", "Give the amount as a decimal number such as 15.50."
        ) from error


def shape_withdrawal(withdrawal: Withdrawal) -> dict[str, Any]:
    """Return a withdrawal as the API shows it."""
    if withdrawal.is_play_money:
        message = "Taken out as play money: it left this wallet's books, and nothing real was sent."
    else:
        message = "On its way to your account at the provider."
    return {
        "withdrawal_id": withdrawal.public_id,
        "state": withdrawal.state,
        "amount": decimal_amount(withdrawal.amount_minor, withdrawal.currency),
        "currency": withdrawal.currency,
        "message": message,
    }


def shape_wallet(wallet: Wallet | None) -> dict[str, Any]:
    """Return a wallet as the API shows it; an empty one for a person who has none yet."""
    if wallet is None:
        return {
            "wallet_id": None,
            "is_attached": False,
            "balances": [],
            "waiting": [],
            "history": [],
            "providers": [],
        }
    connected = money.provider_account_of(wallet, factory.STRIPE)
    return {
        "wallet_id": wallet.public_id,
        "is_attached": wallet.user_id is not None,
        "balances": [
            {
                "currency": one.currency,
                "amount": decimal_amount(one.amount_minor, one.currency),
                "is_play_money": one.is_play_money,
            }
            for one in money.balances_of(wallet)
        ],
        "waiting": [
            {
                "currency": currency,
                "amount": decimal_amount(amount, currency),
                "is_play_money": False,
            }
            for currency, amount in sorted(money.unclaimed_minor(wallet).items())
        ],
        "history": [
            {
                "at": clock.rfc3339(line.at),
                "kind": line.kind,
                "reference": line.reference,
                "title": line.title,
                "amount": decimal_amount(line.amount_minor, line.currency),
                "currency": line.currency,
                "state": line.state,
                "is_play_money": line.is_play_money,
            }
            for line in money.history_of(wallet)
        ],
        "providers": [
            {
                "name": factory.STRIPE,
                "is_configured": factory.is_configured(factory.STRIPE),
                "is_connected": connected is not None,
                "is_ready": connected is not None and connected.is_ready,
            }
        ],
    }
