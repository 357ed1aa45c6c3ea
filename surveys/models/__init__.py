"""Rows of the surveys app, one module a subject."""

from surveys.models.insights import InsightReport, Theme, ThemeMention
from surveys.models.ledger import AccountCode, LedgerAccount, LedgerEntry, LedgerTransaction
from surveys.models.payouts import Appeal, Payout, PayoutState, ProviderAccount, ProviderEvent
from surveys.models.responses import (
    AnswerGram,
    EvaluationRecord,
    FunnelCounter,
    ReservationState,
    ResponseState,
    SurveyResponse,
)
from surveys.models.surveys import Survey, SurveyStatus, SurveyVersion
from surveys.models.wallets import Wallet, Withdrawal

__all__ = [
    "AccountCode",
    "AnswerGram",
    "Appeal",
    "EvaluationRecord",
    "FunnelCounter",
    "InsightReport",
    "LedgerAccount",
    "LedgerEntry",
    "LedgerTransaction",
    "Payout",
    "PayoutState",
    "ProviderAccount",
    "ProviderEvent",
    "ReservationState",
    "ResponseState",
    "Survey",
    "SurveyResponse",
    "SurveyStatus",
    "SurveyVersion",
    "Theme",
    "ThemeMention",
    "Wallet",
    "Withdrawal",
]
