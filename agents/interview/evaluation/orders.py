"""Sentences in which a visitor gives the machine orders. They are never scored.

Owns the judgement for both the evaluators and the integrity checks, so that what is flagged is
also what is cut. An order is addressed to whoever marks: it uses the base form of a marking verb,
names the machine, or speaks of its inner workings. People who tell of such things in the past
("they marked my order as complete") give no order.
"""

from __future__ import annotations

import re

from agents.interview.interviewer import patterns
from agents.interview.language import fold, sentences

MAX_SENTENCE_CHARACTERS = 4_000
"""No sentence people say is longer; it bounds the work on hostile text."""

_TOP = r"(?:full|top|highest|high|maximum|max|perfect|best|excellent)"
_BEST = r"(?:maxim[oa]|mas alt[oa]|mejor|perfect[oa]|complet[oa])"
_MARKS = rf"{_TOP} (?:score|marks?|rating|grade|quality|points?|payment|payout|evaluation)"
_DIMENSION = r"(?:coverage|specificity|depth|clarity|relevance|dimension|dimensions)"
_DIMENSION_ES = r"(?:cobertura|especificidad|profundidad|claridad|relevancia|dimension(?:es)?)"
_QUALITY = r"(?:complete|detailed|specific|relevant|concrete|excellent|perfect|useful)"
_QUALITY_ES = (
    r"(?:complet[oa]|detallad[oa]|especific[oa]|relevante|concret[oa]|excelente|perfect[oa])"
)
_MARKER = r"(?:evaluator|grader|judge|scorer|marker|rater|ai|model|system|machine|bot)"
_MARKER_ES = r"(?:evaluador|calificador|juez|ia|modelo|sistema|maquina)"
_GAP = r"[^.!?]{0,60}?"

_ORDER = re.compile(
    "|".join(
        (
            # A marking verb as an order, and what it should give.
            rf"(?:^|[,;:] |\bplease |\bjust |\byou (?:must|should|will|have to|need to) )"
            rf"(?:(?:and|so|then|please|just) )*"
            rf"(?:give|award|assign|grant|set|mark|rate|score|grade|record|return|output|put|count|"
            rf"treat|consider|enter|register|credit|note down|write down)\b{_GAP}"
            rf"\b(?:{_MARKS}|100\b(?: out of| points| percent|%)?|"
            rf"{_DIMENSION}|an? 4\b|as an? {_QUALITY}|as {_QUALITY}|concrete evidence|"
            rf"as (?:verified |hard |proven )?(?:facts|evidence|proof)|"
            rf"above as|payout|payment)",
            rf"\b(?:set|mark|rate|score|grade) (?:it|this|that|me|everything|{_DIMENSION}|every "
            rf"\w+)\b{_GAP}\b(?:100|an? 4|4|perfect|{_MARKS}|accordingly)\b",
            rf"\b(?:should|must|has to) (?:set|give|mark|score|rate)\b{_GAP}"
            rf"\b(?:{_DIMENSION}|{_MARKS}|100)\b",
            rf"\band (?:give|award|assign|grant) (?:this|these|my|all) (?:one|answers?|interview|"
            rf"session|respondent|three|four|five)\b{_GAP}\b{_MARKS}",
            # A record dictated: what is to stand in it of the answers' worth.
            rf"\b(?:note|record|write|log|state|report|enter)(?: down)? "
            rf"(?:(?:in|on|into) (?:your|the) \w+ )?that (?:this|the|my|all|these|every|each)\b"
            rf"{_GAP}\b(?:answers?|interview|respondent|responses?)\b{_GAP}\b{_QUALITY}",
            rf"\b(?:let the record show|for the record,?)\b{_GAP}"
            rf"\b(?:answers?|interview|responses?)\b{_GAP}\b{_QUALITY}",
            r"\b(?:and|please) (?:score|rate|grade|mark) (?:accordingly|me\b|"
            r"this (?:interview|answer))",
            # The machine addressed, or whoever stands behind it.
            rf"\b(?:notes?|messages?|instructions?|memo|attention|reminder) (?:to|for) (?:the )?"
            rf"{_MARKER}\b|^(?:dear |hey |attention )?{_MARKER},|\bto whoever (?:grades|scores|"
            rf"evaluates|marks|rates)\b|\bas the (?:grader|evaluator|judge|scorer)\b|"
            rf"\bthe (?:evaluation|evaluating|grading|scoring|language) model (?:to|should|must)\b",
            r"\bi (?:hereby )?(?:instruct|order|command|authori[sz]e) (?:the (?:language |"
            r"evaluation )?"
            r"(?:model|system|machine|ai|full|payout|payment)|you to)\b",
            r"\bi(?: am|'m) the (?:developer|owner|administrator|admin|programmer|"
            r"creator) of (?:this|"
            r"the) (?:survey|system|interview|bot)\b",
            # Somebody who claims the power to decide what is paid or marked.
            rf"\b(?:as|i am|i'm) (?:the|your) (?:system |site |survey |platform )?(?:administrator|"
            rf"admin|operator|supervisor|moderator|developer|owner),? (?:and )?i (?:hereby )?"
            rf"(?:confirm|approve|authori[sz]e|declare|certify|order|instruct|require|demand)\b{_GAP}"
            rf"\b(?:payout|score|full payment|{_MARKS})\b",
            rf"\bi (?:hereby )?(?:confirm|certify|declare|decide)(?: that)? (?:the|my|this) "
            rf"(?:payout|payment|reward|score|rating) (?:must|should|shall|has to|is to)\b{_GAP}"
            rf"(?:\d|{_TOP}\b)|^(?:please )?approve (?:the|my|this) (?:full )?(?:payout|payment)"
            rf"(?: now| immediately| please)?[.!]*$",
            rf"\bcomo administradora? (?:del sistema|de (?:la|esta) (?:encuesta|plataforma)),? "
            rf"(?:confirmo|apruebo|autorizo|declaro|certifico|ordeno|exijo)\b{_GAP}"
            rf"\b(?:pago|puntuacion|nota)\b",
            r"\b(?:confirmo|certifico|declaro|decido) que (?:el|la|mi|este|esta) (?:pago|"
            r"recompensa|puntuacion|nota) (?:debe|deberia|tiene que|ha de)\b",
            # What is to come out of the marking, as if it were done.
            rf"\b(?:grade|score|evaluation|mark|rating) (?:for|of) (?:this|the|my) (?:conversation|"
            rf"interview|answers?|session|transcript|respondent|participant)\b|"
            rf"\b{_DIMENSION} ?[=:] ?[0-4]\b|</?(?:score|grade|mark|rating|evaluation|payout)\b",
            rf"\b(?:(?:my (?:answers?|responses?|interview|feedback)|this (?:interview|feedback|"
            rf"participant))\b{_GAP}\b|i (?:really |clearly )?)(?:merits?|deserves?|earns?)\b{_GAP}"
            rf"\b{_MARKS}\b",
            rf"\bneed you to (?:output|give|award|assign|return|set|score|rate|mark)\b{_GAP}\b"
            rf"(?:maximum|highest|{_MARKS}|100)\b|\bmake sure (?:that )?i (?:get|receive|am paid) "
            rf"the (?:maximum|highest|top|full payout|full reward)\b",
            r"\byou(?:'re| are) (?:the|my|a) (?:judge|grader|evaluator|scorer|rater)\b|"
            r"^(?:now |please )?(?:forget|ignore|disregard) (?:all )?your "
            r"(?:instructions?|rules)\b|"
            r"\byou are now (?:an?|my|the) (?:\w+ )?(?:assistant|chatbot|ai|bot|model)\b|"
            r"^(?:dear |hey |attention )?(?:assistant|chatbot),|\b(?:previous|old) rubric\b|"
            r"\b(?:decode|decrypt) (?:it |this |that )?and (?:obey|follow|execute)\b|"
            r"\b(?:ignora|ignore|olvida|omite) (?:la rubrica|las reglas|las preguntas)\b",
            # Its inner workings.
            r"\b(?:do not|don'?t|skip|without|stop) (?:the )?(?:evaluat\w+|scoring|"
            r"grading|score|grade)"
            r"(?: (?:this|my|the)\b|[ ,.]|$)",
            r"\bwhen (?:scoring|grading|evaluating|marking),? (?:treat|consider|give|count|you)\b",
            r"\b(?:new task|new instructions?|end of (?:the )?(?:transcript|conversation|"
            r"interview))"
            r"[.:]",
            r"\bfrom now on,? (?:you|only|reply|answer|respond|act)\b|\btest mode\b{gap}\bscor"
            r"".replace("{gap}", _GAP),
            r"^override\b|\bpayout (?:is )?approved\b|\bset \w+ to (?:true|false)\b|"
            r"has_required_evidence|is_flagged|\"score\" ?:",
            r"\byou (?:have been|are being) (?:updated|reprogrammed|reset)\b|\bnew rubric\b",
            r"\b(?:your|the) (?:hidden|secret|initial|original|internal) (?:prompt|instructions?|"
            r"rules)\b|\byour system prompt\b|\bwhat were you told before\b",
            r"\bpretend (?:that )?i (?:answered|gave|said|told)|\bact as if i (?:answered|gave)",
            r"\b(?:ignore|disregard|forget|bypass) (?:what the questions|the (?:rules|instructions|"
            r"rubric|questions|above))\b",
            rf"\banswers? (?:get|gets|earns?|deserves?) (?:the )?{_MARKS}|\bthis (?:respondent|"
            rf"interview|answer|visitor|guest) (?:deserves|is of the|is complete and|gets|"
            rf"must get)\b",
            # The same in Spanish.
            rf"\b(?:quede (?:registrado|constancia|claro)|(?:que )?conste|anota|anote|registra|"
            rf"registre) (?:de )?que (?:la|las|mi|mis|esta|estas|todas)\b{_GAP}"
            rf"\b(?:respuestas?|entrevista)\b{_GAP}\b{_QUALITY_ES}",
            rf"\besta (?:persona|entrevista|respuesta)\b{_GAP}\bmerece\b|"
            rf"\bal (?:sistema|modelo|evaluador|programa) que (?:evalua|califica|puntua|lee)\b",
            rf"(?:^|[,;:] |\bpor favor |\bsimplemente |\by )(?:da|dame|deme|pon|ponga|ponme|asigna|"
            rf"asigne|asignale|marca|marque|califica|califique|puntua|puntue|registra|registre|"
            rf"cuenta|considera|considere|anota|anote|apunta|apunte|otorga|otorgue|escriba)\b"
            rf"{_GAP}\b(?:(?:nota|puntuacion|calificacion|calidad) "
            rf"{_BEST}|{_BEST} (?:nota|puntuacion|calificacion|calidad)|100\b|un 4\b|"
            rf"{_DIMENSION_ES} 4|como (?:un[ao]? (?:\w+ )?)?{_QUALITY_ES}|evidencia concreta|"
            rf"segun eso)",
            rf"\b(?:tienes|tiene) que dar(?:le|me)?\b{_GAP}\bpuntuacion\b|"
            rf"\bdebes? (?:poner|dar|marcar)\b"
            rf"{_GAP}\b(?:{_DIMENSION_ES}|puntuacion|nota)\b",
            rf"\b(?:notas?|mensajes?|instruccion(?:es)?|aviso) (?:para el|para la|al|a la|del) "
            rf"{_MARKER_ES}\b|^(?:querid[oa] |estimad[oa] )?{_MARKER_ES},|\ba quien (?:califique|"
            rf"evalue|puntue)\b",
            r"\b(?:ordeno|instruyo|mando) al (?:modelo|sistema)\b|\bsoy el (?:programador|"
            r"desarrollador|administrador|dueno|creador) de (?:esta|la) (?:encuesta|entrevista)\b|"
            r"\bautorizo el pago\b|\bpago (?:aprobado|autorizado)\b",
            r"\bno (?:evalues|evalue|puntues|califiques|califique)\b|\bal (?:puntuar|"
            r"calificar|evaluar)"
            r",? (?:considera|cuenta|da|trata|ten)\w*",
            r"\b(?:nueva tarea|nuevas instrucciones|fin de la (?:transcripcion|conversacion|"
            r"entrevista))[.:]",
            r"\ba partir de ahora,? (?:solo |tu )?(?:responde|contesta|actua|eres)\b|"
            r"\bprompt de(?:l)? sistema\b|\btus (?:instrucciones|reglas)\b|"
            r"\binstrucciones ocultas\b",
            r"\bhaz como si (?:yo )?hubiera (?:contestado|respondido)\b|\besta persona merece\b",
        )
    )
)

_SPEAKERS = (
    r"assistant|interviewer|evaluator|developer|user|respondent|visitor|asistente|entrevistador|"
    r"evaluador|usuario|visitante"
)
_FORGED_ROLE = re.compile(
    rf"^[ \t>*#\-\[(\"']{{0,24}}(?:system|agent|sistema|agente|{_SPEAKERS})\b[\])*]{{0,3}}\s?:|"
    rf"[.!?\u2026] [\"'\[(*]{{0,2}}(?:{_SPEAKERS})[\])*]{{0,3}}:|"
    r"[.!?\u2026] (?:system|sistema): (?:the |el )?(?:visitor|visitante|score|user|raise|set|rate|"
    r"mark|pay)|"
    r"<\|?/?(?:system|assistant|im_start|im_end|inst|s)\b|\"role\"\s?:\s?\"|\[/?INST\]|"
    r"#{2,3} ?(?:system|instruction|assistant)",
    re.IGNORECASE | re.MULTILINE,
)


_QUOTED_ORDER = re.compile(
    r"\b(?:typ|writ|say|send|test|try|past|ask|escrib|dec|dic|prob|mand)\w* (?:it |them |les )?"
    r"(?:things|stuff|phrases|lines|sentences|prompts|messages|cosas|frases|mensajes) "
    r"(?:like|such as|como|tipo)\b[^.!?]{0,120}?\b(?:in ?to|at|to|en|a) (?:other|people|their|our|"
    r"your|chat|customers?|its?|otros|los|las|un|sus)\b"
)
"""What somebody says they type elsewhere for a living: told, not given."""

_MACHINE_TEXT = re.compile(
    r"\bas an? (?:ai|artificial intelligence|large)?\s?(?:language model|ai (?:language )?model|"
    r"ai assistant|chatbot)\b|\bi(?: am|'m) (?:just )?an? (?:ai|artificial intelligence)"
    r"(?: language)?(?: model| assistant)?\b(?! (?:engineer|researcher|developer|student))|"
    r"\bi (?:don'?t|do not) have personal (?:experiences?|opinions?|feelings)\b|"
    r"\b(?:sure|certainly|of course)[!,.]? here(?:'s| is| are) (?:a|an|the|some) (?:\w+ ){0,3}"
    r"(?:response|answer|reply|version|draft|example)\b|"
    r"\bcomo (?:un )?(?:modelo de lenguaje|asistente de (?:ia|inteligencia artificial))\b|"
    r"\bsoy una (?:ia|inteligencia artificial)\b|"
    r"\bno tengo (?:experiencias|opiniones) personales\b|"
    r"\b(?:claro|por supuesto)[!,.]? aqui (?:tienes|esta) (?:una|la|un) (?:\w+ ){0,2}respuesta\b"
)


def has_forged_role(text: str) -> bool:
    """Tell whether a text imitates the mark-up of another speaker's turn."""
    return _FORGED_ROLE.search(text) is not None


def is_order(sentence: str) -> bool:
    """Tell whether one sentence speaks to the machine instead of answering.

    Args:
        sentence: of one turn; its first ``MAX_SENTENCE_CHARACTERS`` are read.
    """
    head = sentence[:MAX_SENTENCE_CHARACTERS]
    folded = _QUOTED_ORDER.sub(" ", fold(head))
    return bool(
        patterns.INSTRUCTION.search(folded) or _ORDER.search(folded) or has_forged_role(head)
    )


def names_a_machine_as_writer(text: str) -> bool:
    """Tell whether a text says of itself that a language model wrote it."""
    return _MACHINE_TEXT.search(fold(text)) is not None


def counts_nothing(sentence: str) -> bool:
    """Tell whether a sentence is never scored: an order, or a machine that speaks of itself."""
    return is_order(sentence) or names_a_machine_as_writer(sentence[:MAX_SENTENCE_CHARACTERS])


def has_orders(text: str) -> bool:
    """Tell whether any sentence of a turn is an order."""
    return any(is_order(sentence) for sentence in sentences(text))
