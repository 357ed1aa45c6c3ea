"""What kind of turn a visitor just said.

Owns the classification of one visitor turn by rules, in English and Spanish at once: a visitor
may answer in either whatever the survey speaks. Text is only ever read here, never obeyed.
Knows nothing of what happens next; `flow` decides that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from agents.interview.closed_questions import (
    parse_choices,
    parse_rating,
    parse_yes_no,
    rating_scale,
)
from agents.interview.interviewer.depth import AnswerFeatures, looks_like_gibberish, read_features
from agents.interview.language import fold, sentences, words
from agents.interview.types import ProbeKind, Question, QuestionKind


class TurnKind(StrEnum):
    """What a visitor did with a turn."""

    ANSWER = "answer"
    UNKNOWN = "unknown"
    """Does not know or remember."""
    NOTHING_MORE = "nothing_more"
    """Has said all there is to say on this question."""
    OFF_TOPIC = "off_topic"
    UNCLEAR = "unclear"
    REFUSAL = "refusal"
    SKIP = "skip"
    CORRECTION = "correction"
    ASIDE = "aside"
    """Asks the interviewer something, or asks for time."""
    READY = "ready"
    """A greeting or an "ok" that answers nothing."""
    STOP = "stop"


class Aside(StrEnum):
    """What the visitor asks back. The values are the keys of the phrases that answer it."""

    REPEAT = "aside_repeat"
    MEANING = "aside_meaning"
    WHY_ASK = "aside_why_ask"
    PAY = "aside_pay"
    WHO = "aside_who"
    PRIVACY = "aside_privacy"
    LEFT = "aside_left"
    WAIT = "aside_wait"
    GENERAL = "aside_general"


@dataclass(frozen=True, slots=True)
class Reading:
    """One visitor turn, understood. A model may supply one in place of the rules."""

    kind: TurnKind
    content: str = ""
    """The part that may hold an answer, without instructions and fixed phrases."""
    aside: Aside | None = None
    features: AnswerFeatures = field(default_factory=AnswerFeatures)
    has_closed_value: bool = False
    """A rating, choice or yes-no question got a value it can use."""
    is_complete: bool | None = None
    """A model's judgement of the answer; None leaves it to the rules."""
    probe: ProbeKind | None = None
    """The follow-up a model would like; the flow decides whether it may be asked."""
    acknowledgement: str = ""
    probe_text: str = ""


def _pattern(*alternatives: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(alternatives) + r")\b")


# All patterns read folded text: lower case, no accents, straight apostrophes.
_STOP = _pattern(
    r"i (?:want|would like|'d like|need|have) to (?:stop|quit|end|leave|go)(?: now| here)?",
    r"(?:please )?(?:stop|end|quit) (?:the |this )?(?:interview|survey|conversation|chat|call)",
    r"let'?s stop(?: here)?", r"can we stop", r"i'?m done", r"i am done", r"i(?:'ve| have) had enough",
    r"i(?:'ve| have)? got to (?:go|run|leave)", r"i gotta go", r"i(?:'m| am) leaving", r"good ?bye",
    r"quiero (?:parar|terminar|dejarlo|acabar|salir)", r"(?:tengo|me tengo) que ir(?:me)?", r"me voy",
    r"(?:podemos|prefiero) (?:parar|terminar|dejarlo)", r"dejemoslo(?: aqui)?", r"ya termine",
    r"(?:termina|terminar|para|acaba) la (?:entrevista|encuesta)", r"no quiero (?:seguir|continuar)",
    r"i don'?t want to (?:continue|go on|carry on)", r"adios", r"hasta luego",
)  # fmt: skip
_SKIP = _pattern(
    r"skip", r"skip (?:it|this|that|this one|that one|please)", r"pass", r"i'?ll pass",
    r"next(?: one| question)?(?: please)?", r"leave (?:this|that) one(?: out)?(?: too)?",
    r"move on", r"can we (?:skip|move on)", r"can i (?:skip|leave|pass on) (?:this|that|it)(?: one)?(?: too)?",
    r"saltar(?:la|me)?", r"salta(?:la)?", r"la salto", r"paso(?: palabra)?", r"siguiente(?: pregunta)?",
    r"otra pregunta", r"(?:puedo|podemos) (?:saltar(?:la|nos|me)?|dejar|pasar)(?: esta| esa| la)?",
)  # fmt: skip
_REFUSAL = _pattern(
    r"(?:i'?d|i would) (?:rather|prefer) not(?: to)?", r"(?:i'?d|i would) prefer to keep",
    r"prefer not to (?:say|answer|share|tell)", r"none of your (?:business|concern)",
    r"is my (?:own )?business", r"i (?:don'?t|do not) (?:want|wish|care) to (?:say|answer|share|tell|talk|discuss)",
    r"i (?:won'?t|will not|refuse to|'m not going to|am not going to) (?:say|answer|share|tell|discuss)",
    r"no comment", r"that'?s (?:private|personal|confidential)", r"too personal",
    r"not comfortable (?:saying|answering|sharing|with)",
    r"prefiero no (?:decir|contestar|responder|contar|hablar)\w*", r"no quiero (?:decir|contestar|responder|contar|hablar)\w*",
    r"no (?:le|te|os|les) importa", r"es (?:privado|personal|confidencial|asunto mio)", r"es cosa mia",
    r"me lo (?:guardo|reservo)", r"sin comentarios", r"no pienso (?:decir|contestar|responder)\w*",
)  # fmt: skip
_CORRECTION = _pattern(
    r"(?:that'?s|that is|it'?s) not what i (?:said|meant)", r"i (?:didn'?t|never|did not) (?:say|said) that",
    r"not what i (?:said|meant)", r"you (?:misunderstood|got (?:it|that|me) wrong|misheard)",
    r"that'?s (?:wrong|incorrect|not right|not correct)", r"let me correct", r"i meant", r"correction",
    r"(?:sorry|no|wait|actually) i (?:meant|mean)", r"i misspoke",
    r"(?:eso )?no es (?:eso )?lo que (?:he dicho|dije|queria decir)", r"yo no (?:dije|he dicho) eso",
    r"no (?:dije|he dicho) eso", r"(?:me )?(?:has|ha) entendido mal", r"me (?:entendio|entendiste) mal",
    r"queria decir", r"quise decir", r"me (?:equivoque|he equivocado)", r"corrijo", r"correccion",
    r"(?:eso|asi) no es (?:asi|correcto)", r"esta mal",
)  # fmt: skip
_ASIDES: tuple[tuple[Aside, re.Pattern[str]], ...] = (
    (Aside.PAY, _pattern(
        r"how much (?:do|will|would|can|am) i (?:get|be|earn|make|paid|receive|getting|being)",
        r"(?:do|will|am) i (?:get|getting|be|being)? ?paid", r"when (?:do|will) i (?:get|be) paid",
        r"how much (?:is|does) (?:it|this) pay", r"what(?:'s| is) the (?:pay|payment|reward)",
        r"where(?:'s| is) my money", r"cuanto (?:me )?(?:pagan|paga|pagas|cobro|gano|voy a cobrar|recibo)",
        r"cuando (?:me )?(?:pagan|cobro|pagas)", r"me (?:van|vais|vas) a pagar", r"cual es (?:el pago|la recompensa)",
    )),
    (Aside.WHO, _pattern(
        r"are you (?:a |an )?(?:real |actual )?(?:person|human|bot|robot|ai|machine|computer|chatbot)",
        r"am i (?:talking|speaking|chatting) (?:to|with) (?:a |an )?(?:real )?(?:person|human|bot|robot|machine|ai)",
        r"who are you", r"what are you", r"is this (?:a |an )?(?:bot|robot|ai|person|human)",
        r"(?:eres|es usted|sos) (?:un |una )?(?:robot|bot|persona|humano|humana|maquina|ia)",
        r"quien (?:eres|es usted)", r"hablo con (?:un |una )?(?:persona|maquina|robot|humano)",
    )),
    (Aside.PRIVACY, _pattern(
        r"(?:is|are) (?:this|it|you) (?:being )?record(?:ed|ing)(?: this)?", r"who (?:will )?(?:sees?|reads?|gets?|hears?) (?:this|my|it|these)",
        r"is (?:this|it) (?:anonymous|private|confidential|safe)", r"what (?:do|will) you do with (?:this|my|it|the)",
        r"do you (?:store|keep|save|sell) (?:this|my|it)", r"(?:se )?(?:esta|estan) grabando", r"quien (?:ve|lee|vera|leera|escucha) (?:esto|mis)",
        r"es (?:esto )?anonim[oa]", r"que (?:hacen|haceis|haces) con (?:mis|esto|los)",
    )),
    (Aside.WHY_ASK, _pattern(
        r"why (?:do|are|would|did) you (?:ask|asking|want|need)(?: that| this| to know| me)?", r"why is that (?:important|relevant)",
        r"what(?:'s| is) (?:this|it|that) for", r"(?:por que|para que) (?:me )?(?:lo )?(?:pregunta|preguntas|preguntan|quiere|quieres|quieren)",
        r"para que es esto", r"para que sirve (?:esto|eso)",
    )),
    (Aside.LEFT, _pattern(
        r"how (?:many|much) (?:more )?(?:questions?|longer|time)(?: are| is)?(?: there)?(?: left| more| to go)?",
        r"how long (?:is|will|does) (?:this|it)(?: going to)?(?: take| be)?", r"are we (?:nearly |almost )?(?:done|finished)",
        r"cuant[oa]s (?:preguntas )?(?:quedan|faltan|mas)(?: preguntas)?", r"cuanto (?:falta|queda|dura|tarda)",
        r"(?:queda|falta) mucho",
    )),
    (Aside.REPEAT, _pattern(
        r"(?:can|could|would) you (?:please )?(?:repeat|say|ask)(?: that| it| this| the question)?(?: again)?(?: please)?",
        r"repeat(?: that| it| the question)?(?: please)?", r"say (?:that|it) again", r"what was the question",
        r"come again", r"what did you (?:say|ask)", r"(?:i )?(?:didn'?t|did not) (?:hear|catch)(?: that| you| it)?", r"pardon",
        r"(?:puede|puedes|podria|podrias) repetir\w*", r"repit[ea](?:lo|la|melo)?", r"(?:me lo|me la|lo) repite[s]?",
        r"otra vez por favor", r"como dice[s]?", r"cual era la pregunta", r"no (?:te|le|lo) (?:oi|he oido|escuche)",
    )),
    (Aside.MEANING, _pattern(
        r"what do you mean(?: by \w+(?: \w+)?)?", r"(?:i )?(?:don'?t|do not) understand(?: the question| that| you)?",
        r"what does (?:that|this|it) mean", r"(?:can|could) you (?:please )?(?:explain|clarify|rephrase)(?: that| it| the question)?",
        r"(?:i'm )?not sure what you(?:'re| are) asking", r"in what (?:way|sense)",
        r"que (?:quiere|quieres) decir", r"no (?:le |te |lo |la )?entiendo(?: la pregunta| bien)?", r"a que (?:se refiere|te refieres)",
        r"(?:puede|puedes|podria|podrias) (?:explicar|aclarar)\w*", r"en que sentido", r"no entendi\w*(?: la pregunta)?",
    )),
    (Aside.WAIT, _pattern(
        r"(?:wait|hold on|hang on|one (?:moment|second|minute|sec)|just a (?:moment|second|minute|sec)|give me a (?:moment|second|minute|sec))",
        r"let me think", r"(?:un|deme un|dame un|espere un|espera un) (?:momento|segundo|minuto)", r"espere", r"espera",
        r"(?:deja|deje|dejame|dejeme) (?:que )?pens(?:ar|arlo|e)",
    )),
)  # fmt: skip
_UNKNOWN = _pattern(
    r"i (?:really |just |honestly )?(?:don'?t|do not|dunno|couldn'?t|can'?t|cannot)(?: really| quite)? (?:know|remember|recall|say|think of (?:any|one|anything)\w*)",
    r"i'?m not (?:really )?sure", r"not sure", r"no idea", r"no clue", r"dunno", r"idk", r"hard to say",
    r"(?:i )?can'?t think of (?:any|one|anything)\w*", r"nothing comes to mind",
    r"no (?:lo )?(?:se|recuerdo|me acuerdo|sabria)(?: decirle| decirte| decir)?", r"ni idea", r"no tengo (?:ni )?idea",
    r"no estoy segur[oa]", r"no se me ocurre(?: nada)?", r"quien sabe",
)  # fmt: skip
_NOTHING_MORE = _pattern(
    r"(?:no )?(?:that'?s|that is|thats) (?:it|all|everything|about it)", r"nothing (?:else|more|to add)", r"i(?:'ve| have)? (?:already )?(?:said|told) (?:you )?(?:it )?(?:all|everything|already)",
    r"as i (?:already )?said", r"i (?:already|just) (?:said|told|answered|explained)(?: that| it| you)?", r"no more", r"not really", r"nope",
    r"(?:eso|y eso|esto) es todo", r"nada mas", r"(?:ya )?(?:lo|te lo|se lo) (?:he dicho|dije)(?: ya)?", r"ya esta", r"no (?:hay )?nada que (?:anadir|agregar)",
    r"no la verdad", r"la verdad (?:es )?que no",
)  # fmt: skip
_READY = frozenset(
    """
    hi hello hey ok okay k sure ready yes yeah yep alright right fine go ahead start begin lets let's
    good morning afternoon evening please thanks thank you cool great hola buenas buenos dias tardes
    noches vale si listo lista claro adelante empecemos empezar bueno gracias de acuerdo perfecto
    i'm im am i estoy dale mhm mm hm hmm uh um er test testing prueba
    """.split()
)
_TASK_FOR_AGENT = _pattern(
    r"(?:please )?(?:tell|give|write|show|sing|make|send|find|translate|recommend|generate|calculate)(?: me| us)? (?:a|an|the|some|your) (?:joke|poem|story|song|recipe|code|list|essay|script|program|image|picture|weather|news|prompt|instructions)",
    r"what(?:'s| is) the (?:weather|capital|time|date|score)", r"who (?:won|is the president)", r"(?:cuentame|cuenteme|dime|digame|escribe|escriba|hazme|haz) (?:un|una|el|la) (?:chiste|poema|cuento|historia|cancion|receta|codigo|lista|hora|tiempo)",
    r"(?:que|cual es el) (?:tiempo hace|hora es)", r"cual es la capital",
)  # fmt: skip
#: Text that tries to steer the interviewer or the scoring. It is cut from what counts as content.
_INSTRUCTION = _pattern(
    r"(?:ignore|disregard|forget|override) (?:all |any |the |your |my )*(?:previous|prior|above|earlier|your|system|other)? ?(?:instructions?|prompts?|rules?|directions?|guidelines?)",
    r"(?:ignora|olvida|descarta|omite) (?:todas? )?(?:las |tus |sus |mis )*(?:instrucciones|reglas|indicaciones)(?: anteriores| previas)?",
    r"(?:system|developer|assistant) ?(?:prompt|message|override|instruction)s?", r"you are now (?:a|an|in|the)", r"(?:ahora )?(?:eres|actua como) (?:un|una) (?:asistente|evaluador|modelo)",
    r"(?:give|award|assign|mark|rate|score) (?:me|this|my answers?|the answers?|everything)(?: with| as)?(?: a| the)? (?:full|maximum|max|highest|perfect|top|100|hundred|score|4)",
    r"(?:dame|deme|pon|ponga|asigna)(?:me|le)? (?:la |el |una |un )?(?:maxima|maximo|puntuacion|nota|100|perfecta)",
    r"(?:end|close|finish) (?:the )?(?:interview|survey) (?:and|with) (?:pay|score|full|maximum|a)", r"as an? (?:ai )?(?:evaluator|grader|judge)", r"reveal (?:your|the) (?:prompt|instructions|briefing|hints)",
)  # fmt: skip
_MARKUP_ROLE = re.compile(
    r"(?im)^\s*(?:system|assistant|agent|evaluator|developer)\s*:|<\|?/?(?:system|im_start|im_end|inst)"
)
_POLAR = re.compile(
    r"^[\u00bf\s]*(?:is|are|was|were|do|does|did|have|has|had|can|could|would|will|any|hay|ha|has|tiene|tienes|"
    r"es|fue|existe|le|te|suele|sueles|alguna vez|puede|puedes)\b"
)


def strip_instructions(text: str) -> str:
    """Return ``text`` without the sentences that try to give the interviewer orders."""
    kept = [
        sentence
        for sentence in sentences(text)
        if not _INSTRUCTION.search(fold(sentence)) and not _MARKUP_ROLE.search(sentence)
    ]
    return " ".join(kept)


def _is_mostly(pattern: re.Pattern[str], folded: str, *, spare_words: int) -> bool:
    """Say whether ``pattern`` occurs and at most ``spare_words`` words stand around it."""
    found = pattern.search(folded)
    if not found:
        return False
    around = folded[: found.start()] + " " + folded[found.end() :]
    return len(words(around)) <= spare_words


def _content_after(pattern: re.Pattern[str], text: str) -> str:
    """Return ``text`` without what ``pattern`` matched and without leading filler."""
    folded = fold(text)
    # Folding may change the length of a text (ligatures); then nothing can be cut by offset.
    if len(folded) != len(text):
        return text
    rest = pattern.sub(lambda match: " " * len(match.group()), folded)
    kept = "".join(char if rest[i] != " " or char == " " else " " for i, char in enumerate(text))
    trimmed = re.sub(
        r"^[\s,.;:!\u00a1-]*(?:(?:no|sorry|perdon|actually|en realidad|sino|but|pero)\b[\s,.;:-]*)*",
        "",
        kept,
        flags=re.IGNORECASE,
    )
    return re.sub(r"\s+", " ", trimmed).strip(" ,;:")


def _read_aside(text: str, folded: str) -> Aside | None:
    pieces = sentences(text)
    last = fold(pieces[-1]) if pieces else folded
    for aside, pattern in _ASIDES:
        limit = 3 if aside in {Aside.WAIT, Aside.LEFT, Aside.PRIVACY} else 6
        if _is_mostly(pattern, folded, spare_words=limit):
            return aside
    ends_in_question = text.rstrip().endswith("?")
    if ends_in_question and len(pieces) == 1 and len(words(text)) <= 14:
        starts = ("what", "why", "who", "when", "where", "how", "can you", "could you", "do you",
                  "are you", "will you", "is this", "is there", "que ", "por que", "quien", "cuando",
                  "donde", "como ", "puede", "podria", "esto es", "hay ")  # fmt: skip
        if last.lstrip("\u00bf ").startswith(starts):
            return Aside.GENERAL
    if not words(text) and "?" in text:
        return Aside.MEANING
    return None


def _read_closed(text: str, question: Question) -> bool | None:
    """Say whether a closed question got its value; None when the question is open."""
    if question.kind is QuestionKind.RATING:
        return parse_rating(text, rating_scale(question)) is not None
    if question.kind is QuestionKind.CHOICE:
        return bool(parse_choices(text, question.choices))
    if question.kind is QuestionKind.YES_NO:
        return parse_yes_no(text) is not None
    return None


def _read_manners(
    content: str, folded: str, count: int, question: Question, *, has_answer: bool
) -> Reading | None:
    """Recognise the short turns that steer the conversation instead of answering."""
    if count <= 14 and _is_mostly(_STOP, folded, spare_words=5):
        return Reading(TurnKind.STOP)
    if count <= 10 and _is_mostly(_SKIP, folded, spare_words=3):
        return Reading(TurnKind.SKIP)
    pieces = sentences(content)
    if pieces and _REFUSAL.search(fold(pieces[0])):
        rest = " ".join(pieces[1:])
        if len(words(rest)) <= 15 and _is_mostly(_REFUSAL, fold(pieces[0]), spare_words=14):
            return Reading(TurnKind.REFUSAL, content=rest)
    correction = _CORRECTION.search(folded)
    # A correction announces itself; the same words deep inside a story are part of the story.
    if correction and len(words(folded[: correction.start()])) <= 4:
        return Reading(TurnKind.CORRECTION, content=_content_after(_CORRECTION, content))
    if _is_mostly(_TASK_FOR_AGENT, folded, spare_words=8):
        return Reading(TurnKind.OFF_TOPIC)
    aside = _read_aside(content, folded)
    if aside:
        return Reading(TurnKind.ASIDE, aside=aside)
    if (
        has_answer
        and count <= 8
        and (
            _is_mostly(_NOTHING_MORE, folded, spare_words=3)
            or folded.strip(" .!") in {"no", "nada"}
        )
    ):
        return Reading(TurnKind.NOTHING_MORE, content=content)
    del question
    return None


def read_turn(text: str, question: Question, *, has_answer: bool) -> Reading:
    """Classify one visitor turn.

    Args:
        text: what was said, as it came.
        question: the question that stands.
        has_answer: whether the question already has an answer, so that this replies to a probe.

    Returns:
        The kind of turn with the part that may count as an answer. Time is linear in the text,
        of which at most the first 6,000 characters decide.
    """
    head = text[:6000]
    content = strip_instructions(head)
    if not words(content):
        was_instruction = bool(words(head))
        if was_instruction:
            return Reading(TurnKind.OFF_TOPIC)
        return Reading(
            TurnKind.ASIDE if "?" in head else TurnKind.UNCLEAR,
            aside=Aside.MEANING if "?" in head else None,
        )
    folded = fold(content)
    spoken = words(content)
    count = len(spoken)
    closed = _read_closed(content, question)
    if closed and count <= 3:
        return Reading(
            TurnKind.ANSWER, content, features=read_features(content), has_closed_value=True
        )
    manners = _read_manners(content, folded, count, question, has_answer=has_answer)
    if manners:
        return manners
    features = read_features(content)
    if closed:
        return Reading(TurnKind.ANSWER, content, features=features, has_closed_value=True)
    if {fold(word) for word in spoken} <= _READY and count <= 6:
        is_polar = question.kind is QuestionKind.OPEN and _POLAR.match(fold(question.text))
        says_yes_or_no = fold(spoken[0]) in {"yes", "yeah", "yep", "si"}
        if has_answer:
            return Reading(TurnKind.NOTHING_MORE, content)
        if not (is_polar and says_yes_or_no):
            return Reading(TurnKind.READY)
    if looks_like_gibberish(content):
        return Reading(TurnKind.UNCLEAR)
    if _is_mostly(_UNKNOWN, folded, spare_words=6):
        return Reading(TurnKind.UNKNOWN, content, features=features)
    return Reading(TurnKind.ANSWER, content, features=features)


def is_bare_no(content: str, question: Question) -> bool:
    """Say whether ``content`` is a plain "no" or "none" to a question that allows it."""
    spoken = [fold(word) for word in words(content)]
    negative = {"no", "none", "never", "nothing", "nope", "nunca", "ninguno", "ninguna", "nada"}
    return (
        len(spoken) <= 4
        and bool(spoken)
        and spoken[0] in negative
        and bool(_POLAR.match(fold(question.text)))
    )
