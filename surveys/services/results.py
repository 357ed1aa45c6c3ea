"""What a visitor is told of their answer: the stored score with the present state of the money.

Owns the shape of the answer of ``complete`` and ``result``. Writes nothing.
"""

from __future__ import annotations

from typing import Any

from core import clock, money
from surveys.models import Appeal, ResponseState, SurveyResponse
from surveys.services import payouts

_NOT_READY = {
    "en": "Your answer is being scored. Ask again in a moment.",
    "es": "Estamos puntuando tu respuesta. Vuelve a preguntar en un momento.",
}
_STILL_OPEN = {
    "en": "This conversation is still open. Press Done when you have finished.",
    "es": "Esta conversación sigue abierta. Pulsa Listo cuando termines.",
}
_NOT_FINISHED = {
    "en": "This conversation ended before you pressed Done, so it is not paid.",
    "es": "Esta conversación terminó antes de que pulsaras Listo, así que no se paga.",
}

_ERASED = {
    "en": "This answer was erased at your wish. What you had earned by then stays yours.",
    "es": "Esta respuesta se borró a petición tuya. Lo ganado hasta entonces sigue siendo tuyo.",
}


def present_result(response: SurveyResponse) -> dict[str, Any]:
    """Return the answer of ``complete`` for a response, whatever its state.

    Amounts are decimals of the currency as JSON numbers. ``status`` is ``completed``,
    ``evaluating``, ``open``, ``ended_unpaid`` or ``erased``; only a completed one has a score.
    """
    language = response.voice_session.language
    shown: dict[str, Any] = {
        "session_id": response.voice_session.public_id,
        "status": response.state,
        "score": None,
        "payment_amount": 0.0,
        "payment_status": "none",
        "transaction_id": None,
        "evaluation_notes": "",
        "message": "",
        "currency": response.survey.currency,
        "band": None,
        "questions": [],
        "flags": [],
        "evaluation_source": None,
        "transcript_source": response.transcript_source,
        "completed_at": clock.rfc3339(response.done_at) if response.done_at else None,
        "appeal": None,
    }
    if response.state != ResponseState.COMPLETED or response.result is None:
        shown["message"] = _waiting_message(response.state, language)
        if response.state == ResponseState.ERASED:
            shown.update(_payment_fields(response) | {"message": shown["message"]})
        return shown
    stored = response.result
    shown.update(
        _payment_fields(response),
        score=stored["score"],
        band=stored["band"],
        evaluation_notes=stored["evaluation_notes"],
        evaluation_source=stored["evaluation_source"],
        questions=_with_texts(response, stored["questions"]),
        flags=stored["flags"],
        appeal=_appeal(response),
    )
    return shown


def _payment_fields(response: SurveyResponse) -> dict[str, Any]:
    payment = payouts.payment_view(response)
    return {
        "payment_amount": decimal_amount(payment.amount_minor, payment.currency),
        "payment_status": payment.payment_status,
        "transaction_id": payment.transaction_id,
        "message": payment.message,
    }


def decimal_amount(amount_minor: int, currency: str) -> float:
    """Return an amount as the number the API shows: 1550 of USD is 15.5."""
    return float(money.from_minor(amount_minor, currency))


def _waiting_message(state: str, language: str) -> str:
    texts = {
        ResponseState.OPEN: _STILL_OPEN,
        ResponseState.EVALUATING: _NOT_READY,
        ResponseState.ENDED_UNPAID: _NOT_FINISHED,
        ResponseState.ERASED: _ERASED,
    }.get(ResponseState(state), {})
    return texts.get(language.partition("-")[0], texts.get("en", ""))


def _with_texts(response: SurveyResponse, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    texts = {item["id"]: item["text"] for item in response.version.questions}
    return [{**entry, "question": texts.get(entry["question_id"], "")} for entry in marks]


def _appeal(response: SurveyResponse) -> dict[str, Any] | None:
    appeal: Appeal | None = getattr(response, "appeal", None)
    if appeal is None:
        return None
    return {
        "filed_at": clock.rfc3339(appeal.created_at),
        "resolution": appeal.resolution or None,
        "note": appeal.resolution_note,
    }
