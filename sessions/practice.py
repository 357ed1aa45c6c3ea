"""The practice interview of a plain chat without a language model. Material only, no behaviour.

It exists so that `/chat` does something useful with nothing configured: it holds the same kind
of interview the surveys hold, about something everybody can talk about, for no pay.
"""

from __future__ import annotations

from agents.interview.types import Briefing, Question, QuestionKind

PRACTICE_SECONDS = 10 * 60

_QUESTIONS = {
    "en": (
        ("tool", QuestionKind.OPEN, "Which app or tool do you use nearly every day, and what for?"),
        ("trouble", QuestionKind.OPEN, "Tell me about the last time it slowed you down."),
        (
            "loss",
            QuestionKind.RATING,
            "From 1 to 5, how much would you miss it if it were gone tomorrow?",
        ),
        ("wish", QuestionKind.OPEN, "If you could change one thing about it, what would it be?"),
    ),
    "es": (
        (
            "tool",
            QuestionKind.OPEN,
            "¿Qué aplicación o herramienta usas casi todos los días y para qué?",
        ),
        ("trouble", QuestionKind.OPEN, "Cuéntame la última vez que te hizo perder tiempo."),
        (
            "loss",
            QuestionKind.RATING,
            "Del 1 al 5, ¿cuánto la echarías de menos si mañana desapareciera?",
        ),
        ("wish", QuestionKind.OPEN, "Si pudieras cambiar una sola cosa, ¿cuál sería?"),
    ),
}

_PURPOSE = {
    "en": "a tool you use every day",
    "es": "una herramienta que usas a diario",
}

_INTRODUCTION = {
    "en": (
        "This is Parley's built-in practice agent. No language model is connected here, so I "
        "cannot talk about everything, but I can show you what an interview feels like: four "
        "short questions about a tool you use. Skip or correct whatever you like; nothing is "
        "scored or paid."
    ),
    "es": (
        "Soy el agente de práctica incluido en Parley. Aquí no hay ningún modelo de lenguaje "
        "conectado, así que no puedo hablar de todo, pero puedo mostrarte cómo es una "
        "entrevista: cuatro preguntas breves sobre una herramienta que usas. Puedes saltarte o "
        "corregir lo que quieras; nada se puntúa ni se paga."
    ),
}

_PROMPT_UNUSED = {
    "en": "The instructions written for this chat need a language model, so I do not follow them.",
    "es": (
        "Las instrucciones escritas para esta conversación necesitan un modelo de lenguaje, así "
        "que no las sigo."
    ),
}


def practice_language(language: str) -> str:
    """Return the language the practice interview is held in for somebody who reads this one."""
    base = language.partition("-")[0].lower()
    return base if base in _QUESTIONS else "en"


def practice_briefing(language: str, *, has_prompt: bool = False) -> Briefing:
    """Return the briefing of a practice interview in English or Spanish.

    Args:
        has_prompt: somebody wrote instructions, which the greeting then says nobody follows.
    """
    spoken = practice_language(language)
    questions = tuple(
        Question(id=f"practice_{key}", text=text, kind=kind, max_probes=1)
        for key, kind, text in _QUESTIONS[spoken]
    )
    return Briefing(
        purpose=_PURPOSE[spoken],
        questions=questions,
        probe_hints={},
        skip=(),
        tone="friendly",
        language=spoken,
        max_seconds=PRACTICE_SECONDS,
        visitor_context=practice_introduction(language, has_prompt=has_prompt),
    )


def practice_introduction(language: str, *, has_prompt: bool) -> str:
    """Return what the practice agent says of itself before it begins."""
    spoken = practice_language(language)
    if has_prompt:
        return f"{_INTRODUCTION[spoken]} {_PROMPT_UNUSED[spoken]}"
    return _INTRODUCTION[spoken]
