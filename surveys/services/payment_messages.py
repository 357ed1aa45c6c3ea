"""What a visitor is told about their pay, from the state of the payout. Reads, never writes."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.money import format_money, from_minor
from surveys.models import Payout, PayoutState, ResponseState, SurveyResponse

MIN_PAID_SCORE = 25
"""Below it the pay function gives 0."""

_STATUS = {
    PayoutState.PAID: "success",
    PayoutState.APPROVED: "pending",
    PayoutState.SENDING: "pending",
    PayoutState.UNCLAIMED: "pending",
    PayoutState.HELD: "held",
    PayoutState.REJECTED: "failed",
    PayoutState.CANCELLED: "failed",
    PayoutState.FAILED: "failed",
    PayoutState.REVERSED: "failed",
}

_TEXTS: dict[str, dict[str, str]] = {
    "en": {
        "success": "Thank you! You've earned {amount}",
        "pending": "Thank you! {amount} is on its way",
        "unclaimed": "Thank you! {amount} is waiting: say in your wallet where to send it",
        "held": "Thank you! Your answer is being checked; you will see the result here",
        "rejected": "This answer was not paid after a check. {reason}",
        "cancelled": "The payment was called off. {reason}",
        "failed": "The payment could not be delivered.",
        "reversed": "The payment was taken back. {reason}",
        "can_appeal": "If you think that is wrong, you can appeal once from this page.",
        "has_appealed": "Your appeal has been decided.",
        "none": "Thank you. This answer did not qualify for payment: {why}.",
        "low_score": "it scored {score} of 100, and pay starts at {least}",
        "no_evidence": "no required question was answered in enough detail",
        "not_done": "the conversation ended before Done",
        "unpaid_survey": "Thank you for your answer! This survey is not a paid one.",
    },
    "es": {
        "success": "¡Gracias! Has ganado {amount}",
        "pending": "¡Gracias! {amount} va en camino",
        "unclaimed": "¡Gracias! {amount} te espera: di en tu monedero adónde enviarlo",
        "held": "¡Gracias! Estamos revisando tu respuesta; verás el resultado aquí",
        "rejected": "Tras una revisión, esta respuesta no se ha pagado. {reason}",
        "cancelled": "El pago se ha anulado. {reason}",
        "failed": "El pago no se ha podido entregar.",
        "reversed": "El pago se ha revertido. {reason}",
        "can_appeal": "Si crees que es un error, puedes reclamar una vez desde esta página.",
        "has_appealed": "Tu reclamación ya está resuelta.",
        "none": "Gracias. Esta respuesta no cumple lo necesario para el pago: {why}.",
        "low_score": "obtuvo {score} de 100 y el pago empieza en {least}",
        "no_evidence": "ninguna pregunta obligatoria se respondió con suficiente detalle",
        "not_done": "la conversación terminó sin pulsar Listo",
        "unpaid_survey": "¡Gracias por tu respuesta! Esta encuesta no es de pago.",
    },
}


@dataclass(frozen=True, slots=True)
class PaymentView:
    """The payment part of a result, as the API shows it."""

    payment_status: str
    """success, pending, held, failed or none."""
    message: str
    transaction_id: str | None
    amount_minor: int
    """What is or may still be paid; 0 for failed and none."""
    currency: str

    @property
    def amount(self) -> Decimal:
        """The amount with the currency's decimals."""
        return from_minor(self.amount_minor, self.currency)


def payment_view(response: SurveyResponse) -> PaymentView:
    """Return what the visitor of a scored response is told about the pay, in their language.

    Args:
        response: evaluated and freshly read or just settled; its payout, survey, version, session
            and appeal are read.
    """
    language = response.voice_session.language.lower().partition("-")[0]
    texts = _TEXTS.get(language, _TEXTS["en"])
    currency = response.survey.currency
    payout: Payout | None = getattr(response, "payout", None)
    if payout is None:
        return PaymentView("none", _explain_none(response, texts), None, 0, currency)
    status = _STATUS[PayoutState(payout.state)]
    return PaymentView(
        payment_status=status,
        message=_explain(payout, response, texts, language),
        transaction_id=payout.transaction_id,
        amount_minor=0 if status == "failed" else payout.amount_minor,
        currency=currency,
    )


def _explain(payout: Payout, response: SurveyResponse, texts: dict[str, str], language: str) -> str:
    state = PayoutState(payout.state)
    status = _STATUS[state]
    key = state.value if status == "failed" or state == PayoutState.UNCLAIMED else status
    text = (
        texts[key]
        .format(
            amount=format_money(payout.amount_minor, payout.currency, language),
            reason=payout.review_note,
        )
        .strip()
    )
    if status != "failed":
        return text
    has_appealed = hasattr(response, "appeal")
    return f"{text} {texts['has_appealed' if has_appealed else 'can_appeal']}"


def _explain_none(response: SurveyResponse, texts: dict[str, str]) -> str:
    if response.state in (ResponseState.ENDED_UNPAID, ResponseState.ERASED):
        return texts["none"].format(why=texts["not_done"])
    if response.version.payment_max_minor == 0:
        return texts["unpaid_survey"]
    if (response.score or 0) < MIN_PAID_SCORE:
        why = texts["low_score"].format(score=response.score or 0, least=MIN_PAID_SCORE)
    else:
        why = texts["no_evidence"]
    text = texts["none"].format(why=why)
    return text if hasattr(response, "appeal") else f"{text} {texts['can_appeal']}"
