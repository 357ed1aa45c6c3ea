"""What a survey on WhatsApp says besides the interviewer's own words, in two languages."""

from __future__ import annotations

_TEXTS: dict[str, tuple[str, str]] = {
    "wallet": (
        "Este enlace es tuyo: ahí verás tu pago y desde ahí lo cobras. Guárdalo y no lo compartas.",
        "This link is yours: there you will see your pay and collect it. Keep it, share it with "
        "nobody.",
    ),
    "wallet_button": ("Mi monedero", "My wallet"),
    "thanks": (
        "Tu pago está en tu monedero: es el enlace que te mandé al empezar.",
        "Your pay is in your wallet: the link I sent you when we began.",
    ),
    "ended": (
        "La encuesta se cerró porque pasó mucho tiempo. Escribe ENCUESTA para empezar de nuevo.",
        "The survey was closed because a long time went by. Write SURVEY to begin again.",
    ),
    "failed": (
        "Perdón, no pude seguir con la encuesta por un error nuestro. Inténtalo más tarde.",
        "Sorry, an error of ours keeps the survey from going on. Please try again later.",
    ),
    "already_answered": (
        "Ya respondiste esta encuesta; cada persona la responde una vez. ¡Gracias!",
        "You have answered this survey already; each person answers once. Thank you!",
    ),
    "survey_closed": (
        "Esta encuesta ya se cerró. ¡Gracias por tu interés!",
        "This survey is closed. Thank you for your interest!",
    ),
    "survey_not_active": (
        "Esta encuesta no está abierta en este momento. Vuelve más tarde, por favor.",
        "This survey is not open right now. Please come back later.",
    ),
    "not_eligible": (
        "Esta encuesta busca a otro grupo de personas. ¡Gracias por tu interés!",
        "This survey looks for another group of people. Thank you for your interest!",
    ),
    "budget_exhausted": (
        "Esta encuesta ya no tiene presupuesto para pagar más respuestas. ¡Gracias!",
        "This survey has no money left to pay for further answers. Thank you!",
    ),
    "quota_reached": (
        "Esta encuesta ya tiene todas las respuestas que necesitaba. ¡Gracias!",
        "This survey has all the answers it needed. Thank you!",
    ),
    "turn_too_long": (
        "Ese mensaje es demasiado largo. Mándalo en dos partes, por favor.",
        "That message is too long. Please send it in two parts.",
    ),
    "turn_empty": (
        "No encontré palabras en ese mensaje. ¿Me lo escribes, por favor?",
        "I found no words in that message. Could you type it, please?",
    ),
    "too_many_turns": (
        "Ya hablamos mucho. Escribe *listo* para terminar la encuesta.",
        "We have talked a lot. Write *done* to finish the survey.",
    ),
    "session_ended_unpaid": (
        "La encuesta terminó antes de completarse, así que no se paga.",
        "The survey ended before it was complete, so it is not paid.",
    ),
}
_OTHER = (
    "No puedo seguir con la encuesta en este momento.",
    "I cannot go on with the survey right now.",
)


def run_text(key: str, language: str) -> str:
    """Return a text, also for the code of a refusal; an unknown one gets a plain sentence."""
    spanish, english = _TEXTS.get(key, _OTHER)
    return spanish if language.lower().startswith("es") else english
