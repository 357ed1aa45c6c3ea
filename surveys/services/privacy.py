"""What this app holds about a person: answers, wallet, and the surveys of a company they leave.

Money is never erased: books, payouts and withdrawals stay under ids that name nobody.
"""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet

from accounts.selectors import companies_only_of
from core.privacy import Obstacle, Person, Section, export_rows
from surveys.models import (
    Payout,
    PayoutState,
    ProviderAccount,
    ResponseState,
    Survey,
    SurveyResponse,
    Wallet,
    Withdrawal,
)
from surveys.models.surveys import SURVEY_TRANSITIONS, SurveyStatus
from surveys.models.wallets import WithdrawalState
from surveys.selectors.money import balances_of, unclaimed_minor
from surveys.services.erasure import erase_response, export_response
from surveys.services.results import decimal_amount
from surveys.services.surveys import change_status

PAYOUT_ON_ITS_WAY = (PayoutState.APPROVED, PayoutState.SENDING)
WITHDRAWAL_ON_ITS_WAY = (WithdrawalState.REQUESTED, WithdrawalState.SENDING)


def wallets_of(person: Person) -> list[Wallet]:
    """Return the wallets of somebody, with those that were merged into them."""
    own = Q(pk__in=[])
    if person.user_pk is not None:
        own |= Q(user_id=person.user_pk)
    if person.wallet_id:
        own |= Q(public_id=person.wallet_id)
    found = {wallet.pk: wallet for wallet in Wallet.objects.filter(own)}
    fresh = set(found)
    while fresh:
        merged = Wallet.objects.filter(merged_into__in=fresh).exclude(pk__in=found)
        fresh = {wallet.pk for wallet in merged}
        found |= {wallet.pk: wallet for wallet in merged}
    return list(found.values())


def _answers(wallets: list[Wallet]) -> QuerySet[SurveyResponse]:
    return (
        SurveyResponse.objects.filter(wallet__in=wallets)
        .select_related("survey__company", "voice_session", "version", "wallet")
        .order_by("pk")
    )


def _export(person: Person) -> dict[str, Any]:
    wallets = wallets_of(person)
    found: dict[str, Any] = {
        "answers": [export_response(row) for row in _answers(wallets)],
        "wallets": [
            {
                "wallet_id": wallet.public_id,
                "credit": [
                    {
                        "amount": decimal_amount(balance.amount_minor, balance.currency),
                        "currency": balance.currency,
                        "is_play_money": balance.is_play_money,
                    }
                    for balance in balances_of(wallet)
                ],
            }
            for wallet in wallets
        ],
        "withdrawals": export_rows(
            Withdrawal.objects.filter(wallet__in=wallets),
            without=("idempotency_key", "try_count", "attempt", "last_error_code"),
        ),
        "payment_accounts": export_rows(ProviderAccount.objects.filter(wallet__in=wallets)),
    }
    if person.user_pk is not None:
        found["surveys_created"] = list(
            Survey.objects.filter(created_by_id=person.user_pk).values_list("public_id", flat=True)
        )
        found["payouts_reviewed"] = list(
            Payout.objects.filter(reviewed_by_id=person.user_pk).values_list("public_id", flat=True)
        )
    return found


def _find_obstacles(person: Person) -> list[Obstacle]:
    wallets = wallets_of(person)
    if (
        Withdrawal.objects.filter(wallet__in=wallets, state__in=WITHDRAWAL_ON_ITS_WAY).exists()
        or Payout.objects.filter(wallet__in=wallets, state__in=PAYOUT_ON_ITS_WAY).exists()
    ):
        return [
            Obstacle(
                "payment_on_its_way",
                "A payment to you is on its way. Wait until it has arrived, then ask again.",
            )
        ]
    left = sorted(
        {balance.currency for wallet in wallets for balance in balances_of(wallet)}
        | {currency for wallet in wallets for currency in unclaimed_minor(wallet)}
    )
    if not left:
        return []
    return [
        Obstacle(
            "credit_left",
            f"There is money in your wallet ({', '.join(left)}). Withdraw it first, or say that "
            "you give it up.",
            can_be_waived=True,
        )
    ]


def _erase(person: Person) -> None:
    """Erase every answer of theirs; the wallet keeps its books and loses its owner.

    Raises:
        ConflictError: an answer is being scored this moment; try again.
    """
    wallets = wallets_of(person)
    for response in _answers(wallets).exclude(state=ResponseState.ERASED):
        erase_response(response=response)
    ProviderAccount.objects.filter(wallet__in=wallets).delete()
    Wallet.objects.filter(pk__in=[wallet.pk for wallet in wallets]).update(
        user=None, signed_user_hash=None
    )
    if person.user_pk is not None:
        for company in companies_only_of(person.user_pk):
            _close_surveys(company.pk, actor=person.user_id)


def _close_surveys(company_pk: int, *, actor: str) -> None:
    """Close what nobody is left to read. What respondents said goes when its time is over."""
    for survey in Survey.objects.filter(company_id=company_pk):
        if SurveyStatus.CLOSED in SURVEY_TRANSITIONS[SurveyStatus(survey.status)]:
            change_status(survey=survey, status=SurveyStatus.CLOSED, actor=actor)


SECTION = Section(
    name="surveys",
    export=_export,
    erase=_erase,
    find_obstacles=_find_obstacles,
    models=frozenset(
        {
            "surveys.SurveyResponse",
            "surveys.EvaluationRecord",
            "surveys.AnswerGram",
            "surveys.Appeal",
            "surveys.ThemeMention",
            "surveys.Theme",
            "surveys.InsightReport",
            "surveys.Wallet",
            "surveys.ProviderAccount",
            "surveys.Withdrawal",
            "surveys.Payout",
        }
    ),
    kept={
        "surveys.SurveyResponse": "That an answer was given and paid; no word, device or address.",
        "surveys.AnswerGram": (
            "Coded fingerprints of long answers, so that the same answer is not paid twice."
        ),
        "surveys.Wallet": "An id in the books, which leads to nobody.",
        "surveys.Payout": "What was paid, when, approved by whom: the law keeps books ten years.",
        "surveys.Withdrawal": "What was sent out: as above.",
        "surveys.LedgerAccount": "Balances of the books; they name wallets by id.",
        "surveys.LedgerTransaction": "Lines of the books, which nobody may change.",
        "surveys.LedgerEntry": "Lines of the books, which nobody may change.",
        "surveys.ProviderEvent": (
            "Notices of the payment provider, which prove what was paid. They name its account id."
        ),
        "surveys.Survey": "A company's work; it names its author by id.",
    },
)
