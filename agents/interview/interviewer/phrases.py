"""What the built-in interviewer says, in English and Spanish.

Owns the wording and nothing else: no state, no decision. Every entry has one or more variants of
equal meaning, so that a conversation does not repeat itself. Two rules hold for all of them and
are tested: at most one question mark, and nothing that suggests an answer.

Spanish has two ways to address a person; ``{usted|tu}`` holds both and the survey's own wording
decides. ``%(name)s`` is filled by the caller.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.interview.language import Language

_EN: dict[str, tuple[str, ...]] = {
    "hello": ("Hello, and thank you for your time.",),
    "about_default": (
        "I have %(count)s for you. You can skip any question, and correct me at any time.",
    ),
    "ack": ("Thank you.", "I see.", "Got it.", "Thanks, noted.", "Understood."),
    "ack_sorry": ("I'm sorry to hear that. Thank you for telling me.",),
    "ack_skip": ("Of course, we can leave that one.", "No problem, let's skip it."),
    "ack_refusal": ("That's completely fine.", "Of course, you don't have to share that."),
    "ack_unknown": ("That's all right.", "No problem."),
    "ack_correction": (
        "Thank you for putting that right.",
        "Thanks for the correction, I've noted it.",
    ),
    "ask_own_words": (
        "Sorry, I misunderstood. Please tell me again in your own words.",
        "My mistake. Please put it the way you meant it.",
    ),
    "optional_lead": ("This one is optional.",),
    "last_lead": ("Last question.",),
    "last_optional_lead": ("Last question, and this one is optional.",),
    "touched_lead": ("You already told me “%(quote)s”. If there is more to it, please add it.",),
    "probe_describe": (
        "Could you tell me a little more about that?",
        "Could you describe that in a bit more detail?",
    ),
    "probe_describe_quoted": (
        "You said “%(quote)s”. Could you tell me a little more about that?",
        "You said “%(quote)s”. Could you describe that in a bit more detail?",
    ),
    "probe_example": (
        "Could you give me an example of that?",
        "Can you think of one particular time and tell me what happened?",
        "Could you walk me through one time when that happened?",
    ),
    "probe_example_quoted": (
        "You said “%(quote)s”. Could you give me an example?",
        "You mentioned “%(quote)s”. Could you walk me through one time that happened?",
    ),
    "probe_why": (
        "What makes you say that?",
        "What is the reason for that?",
        "Could you tell me why that is?",
    ),
    "probe_why_quoted": (
        "You said “%(quote)s”. What makes you say that?",
        "You said “%(quote)s”. Could you tell me why?",
    ),
    "probe_why_wish": (
        "What would that change for you?",
        "Could you tell me why that matters to you?",
    ),
    "probe_clarify": (
        "I'd like to be sure I understand. Could you put that another way?",
        "Could you explain what you mean by that?",
    ),
    "probe_clarify_quoted": (
        "I'd like to be sure I understand. What do you mean by “%(quote)s”?",
        "You said “%(quote)s”. Could you explain what you mean?",
    ),
    "probe_unknown": (
        "Is there anything about it that does come to mind?",
        "Is there any part of it you do remember?",
    ),
    "probe_rating_why": (
        "What makes you give it %(value)s?",
        "Could you tell me what is behind the %(value)s?",
    ),
    "probe_choice_why": (
        "What made you choose that?",
        "Could you tell me what was behind that choice?",
    ),
    "scale": ("Please answer with a number from %(low)s (lowest) to %(high)s (highest).",),
    "choices": ("You can choose from: %(choices)s.",),
    "reask_rating": (
        "Please give me a number from %(low)s to %(high)s; you can add anything you like to it.",
        "Which number from %(low)s to %(high)s comes closest?",
    ),
    "reask_choice": (
        "Which of these comes closest: %(choices)s?",
        "Please pick what fits best: %(choices)s. If nothing fits, just say so.",
    ),
    "reask_yes_no": ("Would you say yes or no?", "Please start with yes or no, then add to it."),
    "aside_repeat": ("Of course.", "Sure, here it is again."),
    "aside_meaning": (
        "There is no right or wrong answer here; I'm asking about your own experience.",
    ),
    "aside_why_ask": (
        "The people who wrote this survey want to learn from real experiences, good or bad.",
    ),
    "aside_pay": (
        "What you receive depends on how complete and clear your answers are, never on whether "
        "they are positive. You see the amount as soon as you press Done.",
    ),
    "aside_who": ("I'm an automated interviewer, not a person.",),
    "aside_privacy": (
        "Your answers go to the company behind this survey, under what you agreed to at the "
        "start. Leave out anything you would rather keep private.",
    ),
    "aside_left_one": ("This is the last question.",),
    "aside_left_many": ("There are %(count)s questions left, this one included.",),
    "aside_wait": ("Take your time. I'm here when you are ready.",),
    "aside_general": (
        "I can't answer that here, but your question is noted.",
        "That one I can't answer, sorry. I've noted that you asked.",
    ),
    "back_to": ("Back to my question:", "So, once more:"),
    "redirect": (
        "I can only help with this survey here. Back to my question:",
        "Let's stay with the survey. Here is my question again:",
    ),
    "ready": ("Whenever you are ready:", "All right."),
    "unclear": ("Sorry, I could not make sense of that. Once more:",),
    "moving_on": ("Let's go on to the next one.", "Let's move on."),
    "time_warning_one": ("We have about a minute left, so I'll keep to what matters most.",),
    "time_warning_many": (
        "We have about %(minutes)s minutes left, so I'll keep to what matters most.",
    ),
    "time_up": ("Our time is up, so I'll stop here. Thank you for everything you told me.",),
    "summary_intro": ("That was my last question. This is what I noted:",),
    "summary_intro_short": ("That was my last question. I noted this:",),
    "summary_more": ("And a few more points, all noted.",),
    "summary_confirm": ("Did I get that right?",),
    "summary_again": ("Thank you, I've put that in. Now it reads:",),
    "summary_confirm_again": ("Is that right now?",),
    "summary_change": ("Sorry about that. What should I change?",),
    "closing": ("Thank you for your time. Please press Done to finish.",),
    "closing_noted": ("Thank you, I've noted that too. Please press Done to finish.",),
    "closing_unsettled": (
        "Sorry that my summary is not quite right. Your own words are what is kept. Thank you for "
        "your time; please press Done to finish.",
    ),
    "closing_nothing": (
        "Those were all my questions. Thank you for your time; please press Done to finish.",
    ),
    "closing_stop": (
        "Of course, we can stop here. Thank you for what you told me. Please press Done to finish.",
    ),
    "closed": ("The interview is finished. Please press Done to see your result.",),
    "press_done": ("Please press Done to finish.",),
}

_ES: dict[str, tuple[str, ...]] = {
    "hello": ("Hola, y gracias por {su|tu} tiempo.",),
    "about_default": (
        "Tengo %(count)s para {usted|ti}. {Puede|Puedes} saltar cualquier pregunta y corregirme "
        "cuando {quiera|quieras}.",
    ),
    "ack": ("Gracias.", "Entiendo.", "De acuerdo.", "Gracias, lo anoto.", "Entendido."),
    "ack_sorry": ("Lo siento. Gracias por contármelo.",),
    "ack_skip": ("Claro, dejamos esa.", "Sin problema, la saltamos."),
    "ack_refusal": (
        "Está perfectamente bien.",
        "Claro, no hace falta que lo {comparta|compartas}.",
    ),
    "ack_unknown": ("No pasa nada.", "Sin problema."),
    "ack_correction": (
        "Gracias por corregirme.",
        "Gracias por la corrección, queda anotada.",
    ),
    "ask_own_words": (
        "Perdón, entendí mal. {Dígamelo|Dímelo} otra vez con {sus|tus} palabras, por favor.",
        "Error mío. {Cuéntemelo|Cuéntamelo} tal como lo {quería|querías} decir, por favor.",
    ),
    "optional_lead": ("Esta es opcional.",),
    "last_lead": ("Última pregunta.",),
    "last_optional_lead": ("Última pregunta, y es opcional.",),
    "touched_lead": (
        "Ya me {contó|contaste} «%(quote)s». Si hay algo más, {añádalo|añádelo}, por favor.",
    ),
    "probe_describe": (
        "¿Podría{|s} contarme un poco más sobre eso?",
        "¿Podría{|s} describirlo con algo más de detalle?",
    ),
    "probe_describe_quoted": (
        "{Dijo|Dijiste} «%(quote)s». ¿Podría{|s} contarme un poco más?",
        "{Dijo|Dijiste} «%(quote)s». ¿Podría{|s} describirlo con algo más de detalle?",
    ),
    "probe_example": (
        "¿Podría{|s} darme un ejemplo?",
        "¿Recuerda{|s} una vez en concreto y qué pasó?",
        "¿Podría{|s} contarme paso a paso una vez en que ocurrió?",
    ),
    "probe_example_quoted": (
        "{Dijo|Dijiste} «%(quote)s». ¿Podría{|s} darme un ejemplo?",
        "{Mencionó|Mencionaste} «%(quote)s». ¿Podría{|s} contarme una vez en que pasó?",
    ),
    "probe_why": (
        "¿Por qué lo {dice|dices}?",
        "¿Cuál es la razón?",
        "¿A qué se debe?",
    ),
    "probe_why_quoted": (
        "{Dijo|Dijiste} «%(quote)s». ¿Por qué lo {dice|dices}?",
        "{Dijo|Dijiste} «%(quote)s». ¿A qué se debe?",
    ),
    "probe_why_wish": (
        "¿Qué cambiaría eso para {usted|ti}?",
        "¿Por qué es importante para {usted|ti}?",
    ),
    "probe_clarify": (
        "Quiero entenderlo bien. ¿Podría{|s} decirlo de otra manera?",
        "¿Podría{|s} explicarme qué {quiere|quieres} decir?",
    ),
    "probe_clarify_quoted": (
        "Quiero entenderlo bien. ¿Qué {quiere|quieres} decir con «%(quote)s»?",
        "{Dijo|Dijiste} «%(quote)s». ¿Podría{|s} explicarme qué {quiere|quieres} decir?",
    ),
    "probe_unknown": (
        "¿Hay algo de eso que sí {le|te} venga a la memoria?",
        "¿Hay alguna parte que sí recuerde{|s}?",
    ),
    "probe_rating_why": (
        "¿Por qué le {da|das} un %(value)s?",
        "¿Qué hay detrás de ese %(value)s?",
    ),
    "probe_choice_why": (
        "¿Qué {le|te} hizo elegir eso?",
        "¿Qué hay detrás de esa elección?",
    ),
    "scale": (
        "{Responda|Responde} con un número del %(low)s (mínimo) al %(high)s (máximo), por favor.",
    ),
    "choices": ("{Puede|Puedes} elegir entre: %(choices)s.",),
    "reask_rating": (
        "{Deme|Dame} un número del %(low)s al %(high)s, por favor; {puede|puedes} añadir lo que "
        "{quiera|quieras}.",
        "¿Qué número del %(low)s al %(high)s se acerca más?",
    ),
    "reask_choice": (
        "¿Cuál de estas opciones se acerca más: %(choices)s?",
        "{Elija|Elige} la que mejor encaje, por favor: %(choices)s. Si no encaja ninguna, "
        "{dígamelo|dímelo}.",
    ),
    "reask_yes_no": (
        "¿{Diría|Dirías} que sí o que no?",
        "{Empiece|Empieza} con sí o no, por favor, y {añada|añade} lo que {quiera|quieras}.",
    ),
    "aside_repeat": ("Claro.", "Por supuesto, la repito."),
    "aside_meaning": (
        "Aquí no hay respuestas correctas ni incorrectas; pregunto por {su|tu} propia experiencia.",
    ),
    "aside_why_ask": (
        "Quienes escribieron esta encuesta quieren aprender de experiencias reales, buenas o "
        "malas.",
    ),
    "aside_pay": (
        "Lo que {reciba|recibas} depende de lo completas y claras que sean {sus|tus} respuestas, "
        "nunca de que sean positivas. {Verá|Verás} el importe en cuanto {pulse|pulses} el botón "
        "para terminar.",
    ),
    "aside_who": ("Soy un entrevistador automático, no una persona.",),
    "aside_privacy": (
        "{Sus|Tus} respuestas van a la empresa de esta encuesta, según lo que {aceptó|aceptaste} "
        "al empezar. {Deje|Deja} fuera lo que {prefiera|prefieras} no contar.",
    ),
    "aside_left_one": ("Esta es la última pregunta.",),
    "aside_left_many": ("Quedan %(count)s preguntas, contando esta.",),
    "aside_wait": ("{Tómese su|Tómate tu} tiempo. Sigo aquí.",),
    "aside_general": (
        "Eso no lo puedo responder aquí, pero {su|tu} pregunta queda anotada.",
        "Esa no la puedo responder, lo siento. Queda anotado que {preguntó|preguntaste}.",
    ),
    "back_to": ("Vuelvo a mi pregunta:", "Repito la pregunta:"),
    "redirect": (
        "Aquí solo puedo ayudar con esta encuesta. Vuelvo a mi pregunta:",
        "Sigamos con la encuesta. Esta es mi pregunta:",
    ),
    "ready": ("Cuando {quiera|quieras}:", "Muy bien."),
    "unclear": ("Perdón, no lo he entendido. Repito:",),
    "moving_on": ("Pasemos a la siguiente.", "Sigamos adelante."),
    "time_warning_one": ("Nos queda más o menos un minuto, así que voy a lo más importante.",),
    "time_warning_many": ("Nos quedan unos %(minutes)s minutos, así que voy a lo más importante.",),
    "time_up": (
        "Se ha acabado el tiempo, así que lo dejo aquí. Gracias por todo lo que me "
        "{contó|contaste}.",
    ),
    "summary_intro": ("Esa era mi última pregunta. Esto es lo que anoté:",),
    "summary_intro_short": ("Esa era mi última pregunta. Anoté esto:",),
    "summary_more": ("Y algunos puntos más, todos anotados.",),
    "summary_confirm": ("¿Lo he entendido bien?",),
    "summary_again": ("Gracias, lo he incorporado. Ahora queda así:",),
    "summary_confirm_again": ("¿Está bien ahora?",),
    "summary_change": ("Perdón. ¿Qué debo cambiar?",),
    "closing": ("Gracias por {su|tu} tiempo. {Pulse|Pulsa} el botón para terminar, por favor.",),
    "closing_noted": (
        "Gracias, eso también queda anotado. {Pulse|Pulsa} el botón para terminar, por favor.",
    ),
    "closing_unsettled": (
        "Siento que mi resumen no sea del todo exacto. Lo que queda son {sus|tus} propias "
        "palabras. Gracias por {su|tu} tiempo; {pulse|pulsa} el botón para terminar, por favor.",
    ),
    "closing_nothing": (
        "Esas eran todas mis preguntas. Gracias por {su|tu} tiempo; {pulse|pulsa} el botón para "
        "terminar, por favor.",
    ),
    "closing_stop": (
        "Claro, lo dejamos aquí. Gracias por lo que me {contó|contaste}. {Pulse|Pulsa} el botón "
        "para terminar, por favor.",
    ),
    "closed": (
        "La entrevista ha terminado. {Pulse|Pulsa} el botón para terminar y ver {su|tu} "
        "resultado, por favor.",
    ),
    "press_done": ("{Pulse|Pulsa} el botón para terminar, por favor.",),
}

PHRASES: Mapping[Language, Mapping[str, tuple[str, ...]]] = {"en": _EN, "es": _ES}

_ADDRESS = re.compile(r"\{([^{}|]*)\|([^{}|]*)\}")
_FAMILIAR = re.compile(
    r"\b(?:tu|tus|tú|te|ti|contigo|has|eres|estás|tienes|quieres|puedes|sueles|haces|usas|"
    r"cuéntame|cuéntanos|dime|dinos|describe|explícame|piensa|crees|opinas|harías|cambiarías|"
    r"prefieres|sientes|recuerdas|conoces)\b",
    re.IGNORECASE,
)
_FORMAL = re.compile(
    r"\b(?:usted|ustedes|su|sus|le|ha|cuénteme|cuéntenos|dígame|describa|explique|puede)\b",
    re.IGNORECASE,
)


def uses_familiar_address(question_texts: list[str]) -> bool:
    """Say whether a Spanish survey addresses its reader with ``tú`` (else with ``usted``)."""
    joined = " ".join(question_texts)[:20_000]
    return len(_FAMILIAR.findall(joined)) > len(_FORMAL.findall(joined))


class Voice:
    """Speak one language in one way of address, turning through the variants of a phrase."""

    def __init__(self, language: Language, *, familiar: bool, seed: int) -> None:
        """Choose the wording.

        Args:
            language: the language to speak.
            familiar: Spanish ``tú`` when true, ``usted`` when false; no effect in English.
            seed: which variant comes first; the same seed gives the same words.
        """
        self.language = language
        self._familiar = familiar
        self._seed = seed

    def say(self, key: str, **values: object) -> str:
        """Return one variant of ``key`` with ``values`` filled in."""
        variants = PHRASES[self.language][key]
        chosen = variants[self._seed % len(variants)]
        group = r"\2" if self._familiar else r"\1"
        # Filled in last: a visitor's own braces must not be read as ours.
        return _ADDRESS.sub(group, chosen) % values

    def quote(self, text: str) -> str:
        """Return ``text`` in the quotation marks of the language."""
        return f"«{text}»" if self.language == "es" else f"“{text}”"
