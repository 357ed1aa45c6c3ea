"""What a person gets back for messages that hold no words, in their language.

Owns the texts. A lane that waits for such a message (a place, a photo of the damage) answers
itself; these are for all other cases.
"""

from __future__ import annotations

from messaging.replies import Reply, say
from messaging.turns import Turn, TurnKind

_TEXTS: dict[TurnKind, dict[str, str]] = {
    TurnKind.IMAGE: {
        "es": "Recibí tu foto. ¿Me cuentas en pocas palabras de qué se trata?",
        "en": "I got your photo. Could you tell me in a few words what it is about?",
    },
    TurnKind.VIDEO: {
        "es": "Recibí tu video. ¿Me cuentas en pocas palabras de qué se trata?",
        "en": "I got your video. Could you tell me in a few words what it is about?",
    },
    TurnKind.VOICE_NOTE: {
        "es": "Recibí tu nota de voz, pero aquí no puedo escucharla. ¿Me lo escribes, por favor?",
        "en": "I got your voice note, but I cannot listen to it here. Could you type it, please?",
    },
    TurnKind.AUDIO: {
        "es": "Recibí tu audio, pero aquí no puedo escucharlo. ¿Me lo escribes, por favor?",
        "en": "I got your audio, but I cannot listen to it here. Could you type it, please?",
    },
    TurnKind.DOCUMENT: {
        "es": "Recibí tu documento. ¿Me dices para qué es?",
        "en": "I got your document. Could you tell me what it is for?",
    },
    TurnKind.STICKER: {
        "es": "¡Buen sticker! ¿En qué te ayudo?",
        "en": "Nice sticker! How can I help?",
    },
    TurnKind.CONTACTS: {
        "es": "Recibí el contacto. ¿Qué quieres que haga con él?",
        "en": "I got the contact. What would you like me to do with it?",
    },
    TurnKind.LOCATION: {
        "es": "Recibí tu ubicación. ¿Es para una entrega o buscas nuestra tienda?",
        "en": "I got your location. Is it for a delivery, or are you looking for our shop?",
    },
    TurnKind.FORM: {
        "es": "No pude leer el formulario. ¿Me escribes los datos aquí, por favor?",
        "en": "I could not read the form. Could you type the details here, please?",
    },
    TurnKind.UNSUPPORTED: {
        "es": "Ese tipo de mensaje no lo puedo ver aquí. ¿Me lo escribes, por favor?",
        "en": "I cannot see that kind of message here. Could you type it, please?",
    },
}


def reply_to_kind(turn: Turn, language: str) -> Reply | None:
    """Return what answers a message by its kind alone; None where its words decide."""
    if turn.text or turn.reply_id or turn.items or turn.form:
        return None
    texts = _TEXTS.get(turn.kind)
    return say(texts.get(language, texts["es"])) if texts else None


_TROUBLE = {
    "es": "Perdón, algo falló de nuestro lado. Una persona del equipo lo verá y te responderá.",
    "en": "Sorry, something went wrong on our side. A person of our team will look and answer.",
}
_WELCOME_BACK = {
    "es": "Listo, volverás a recibir nuestros mensajes. ¿En qué te ayudo?",
    "en": "Done, you will get our messages again. How can I help?",
}


def trouble(language: str) -> Reply:
    """Return the apology for a message that could not be handled."""
    return say(_TROUBLE.get(language, _TROUBLE["es"]))


def welcome_back(language: str) -> Reply:
    """Return the answer to somebody who opted in again."""
    return say(_WELCOME_BACK.get(language, _WELCOME_BACK["es"]))
