"""How much an open answer already holds, and what a follow-up could still bring.

Owns surface features of one answer in English and Spanish. They steer probes only; marks for pay
are the evaluation agent's and are made another way. Knows nothing of the conversation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from agents.interview.language import content_words, fold, sentence_spans, words
from agents.interview.types import ProbeKind, Question

_SPECIFIC = re.compile(
    r"\d|[$\u20ac\u00a3%]|\b(?:two|three|four|five|six|seven|eight|nine|ten|twenty|thirty|"
    r"forty|fifty|hundred|twice|half an hour|one (?:month|week|year|night|morning|afternoon)|"
    r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|april|june|"
    r"july|august|september|october|november|december|yesterday|last (?:week|month|year|night|"
    r"time|summer|winter)|this (?:morning|week|afternoon)|once|one (?:day|time)|the other day|"
    r"when i|dos|tres|cuatro|cinco|seis|siete|ocho|nueve|diez|veinte|treinta|cien|media hora|"
    r"dos veces|un (?:mes|ano)|una (?:semana|noche|tarde|manana)|lunes|martes|miercoles|"
    r"jueves|viernes|sabado|domingo|enero|febrero|abril|junio|julio|agosto|septiembre|octubre|"
    r"noviembre|diciembre|ayer|anteayer|anoche|la semana pasada|el (?:mes|ano|"
    r"otro dia) ?(?:pasado)?|una vez|un dia|esta manana|hace (?:un|una|poco)|cuando (?:fui|"
    r"llame|llegue|pedi|intente|quise|estaba))\b"
)
_REASON = re.compile(
    r"\b(?:because|cause|cos|since|due to|so that|that'?s why|which is why|as a result|the reason|"
    r"therefore|otherwise|so i|so we|so it|in order to|if (?:i|you|they|it)|makes? (?:me|it)|made "
    r"(?:me|it)|porque|ya que|puesto que|por eso|debido|asi que|por lo que|para que|como no|"
    r"la razon|pues|si no|de modo que|me hizo|hizo que)\b"
)
_OPINION = re.compile(
    r"\b(?:good|bad|great|nice|lovely|wonderful|dreadful|terrible|awful|horrible|excellent|amazing|perfect|poor|slow|fast|"
    r"quick|easy|hard|difficult|expensive|cheap|pricey|confusing|clear|annoying|frustrating|useful|"
    r"useless|love|loved|hate|hated|like|liked|enjoy|enjoyed|prefer|dislike|better|worse|best|worst|"
    r"happy|unhappy|disappointed|disappointing|comfortable|boring|helpful|rude|friendly|safe|unsafe|"
    r"convenient|inconvenient|fine|okay|reliable|unreliable|buen[oa]?s?|mal[oa]?s?|genial|pesim[oa]|"
    r"horrible|excelente|perfect[oa]|lent[oa]s?|rapid[oa]s?|facil(?:es)?|dificil(?:es)?|car[oa]s?|"
    r"barat[oa]s?|confus[oa]|clar[oa]|molest[oa]|util(?:es)?|inutil|encanta|encanto|odio|gusta|"
    r"gusto|prefiero|mejor|peor|content[oa]|decepcionad[oa]|comod[oa]|incomod[oa]|aburrid[oa]|amable|"
    r"segur[oa]|fiable)\b"
)
_VAGUE_WORDS = """
fine ok okay good bad nice great normal usual stuff things thing whatever something alright
cool interesting average decent bien mal normal bueno buena regular cosas algo genial vale
"""
_VAGUE = frozenset(_VAGUE_WORDS.split())
#: A capital letter inside a sentence: after a small letter or a comma and one space.
_PROPER_NOUN = re.compile(
    r"(?<=[a-z\u00e1\u00e9\u00ed\u00f3\u00fa\u00f1,] )"
    r"[A-Z\u00c1\u00c9\u00cd\u00d3\u00da\u00d1][a-z\u00e1\u00e9\u00ed\u00f3\u00fa\u00f1]{2,}"
)
_ASKS_FACT = re.compile(
    r"\b(?:how (?:many|much|long|often|old)|when|which|where|who|what (?:age|year|time|day|brand|"
    r"model|kind|type)|cuant[oa]s?|cuando|donde|quien|cual|que (?:edad|ano|hora|dia|marca|"
    r"modelo|tipo))\b"
)
_ASKS_REASON = re.compile(r"\b(?:why|what makes|reason|por que|que hace que|razon|motivo)\b")
_ASKS_EVENT = re.compile(
    r"\b(?:a time|last time|an occasion|an example|una vez|ultima vez|un ejemplo|una ocasion|"
    r"describe|walk me|tell me about|cuente\w*|cuenta\w*|describa)\b"
)
_HABIT = re.compile(
    r"\b(?:always|usually|often|sometimes|never|every (?:day|week|month|time)|normally|generally|"
    r"most of the time|tend to|whenever|siempre|normalmente|a veces|nunca|"
    r"cada (?:dia|semana|mes|vez)|"
    r"todos los|suelo|suele|suelen|generalmente|casi siempre)\b"
)
_ASKS_WISH = re.compile(
    r"\b(?:would|should|could we|improve|wish|cambiarias?|mejorarias?|gustaria|deberia\w*|"
    r"tendria que|anadirias?|quitarias?)\b"
)
#: Keys side by side, six consonants in a row, or one letter five times.
_ODD_RUN = re.compile(
    r"asdf|sdfg|dfgh|fghj|ghjk|hjkl|qwer|wert|erty|rtyu|tyui|uiop|zxcv|xcvb|cvbn|vbnm|"
    r"[bcdfghjklmnpqrstvwxz]{6}|(.)\1{4}"
)
_VOWELS = frozenset("aeiouy")
_CLAUSE_END = re.compile(r"[,;:\u2014()]| - | (?:and|but|because|so|y|pero|porque|aunque) ")


@dataclass(frozen=True, slots=True)
class AnswerFeatures:
    """What one answer, or all turns of one answer together, holds."""

    word_count: int = 0
    content_count: int = 0
    is_specific: bool = False
    """Names a number, a time, a place, a name or one event."""
    has_reason: bool = False
    has_opinion: bool = False
    is_vague: bool = False
    """Nothing but words that could stand for anything."""
    is_habit: bool = False
    """Tells what usually happens, not what once happened."""


def read_features(text: str) -> AnswerFeatures:
    """Return the features of an open answer, of which the first 6,000 characters count."""
    head = text[:6000]
    folded = fold(head)
    spoken = words(head)
    telling = content_words_set(head)
    content = [word for word in spoken if word in telling]
    solid = [word for word in content if fold(word) not in _VAGUE]
    return AnswerFeatures(
        word_count=len(spoken),
        content_count=len(content),
        is_specific=bool(_SPECIFIC.search(folded) or _PROPER_NOUN.search(head)),
        has_reason=bool(_REASON.search(folded)),
        has_opinion=bool(_OPINION.search(folded)),
        is_vague=not solid,
        is_habit=bool(_HABIT.search(folded)),
    )


def content_words_set(text: str) -> frozenset[str]:
    """Return the words of ``text`` that are stop words in neither language."""
    return frozenset(content_words(text, "en")) & frozenset(content_words(text, "es"))


def looks_like_gibberish(text: str) -> bool:
    """Say whether most words of a short text are no words at all.

    Only Latin letters are judged, so that other scripts are never called gibberish.
    """
    tokens = [word for word in (fold(token) for token in words(text[:600])) if len(word) >= 4]
    latin = [word for word in tokens if word.isascii() and word.isalpha()]
    if not latin or len(latin) < len(tokens):
        return False
    odd = sum(1 for word in latin if _VOWELS.isdisjoint(word) or _ODD_RUN.search(word))
    return odd / len(latin) >= 0.6


def asks_for_wish(question: Question) -> bool:
    """Say whether a question asks what should be, rather than what was."""
    return bool(_ASKS_WISH.search(fold(question.text)))


def missing_probes(
    features: AnswerFeatures, question: Question, *, preferred: tuple[ProbeKind, ...]
) -> tuple[ProbeKind, ...]:
    """Return the follow-ups that could still bring something, most useful first.

    Args:
        features: of all that was said on the question so far.
        question: what was asked; a question for a plain fact is content with the fact.
        preferred: kinds the briefing would like, used to order what is missing.
    """
    asked = fold(question.text)
    asks_reason = bool(_ASKS_REASON.search(asked))
    asks_plain_fact = bool(_ASKS_FACT.search(asked)) and not asks_reason
    is_told = features.word_count >= 12 or not _ASKS_EVENT.search(asked)
    if features.is_specific and asks_plain_fact and is_told:
        return ()
    if features.is_vague:
        return (ProbeKind.DESCRIBE, ProbeKind.WHY)
    wanted: list[ProbeKind] = []
    count = features.word_count
    is_wish = asks_for_wish(question)
    # A few concrete words ("the total") want their reason, not a description.
    calls_for_reason = features.has_opinion or asks_reason or is_wish or count < 6
    if calls_for_reason and not features.has_reason and count < 25:
        wanted.append(ProbeKind.WHY)
    # There is no example of what has not happened yet, nor of one thing that happened once.
    speaks_generally = features.is_habit or features.has_opinion
    if speaks_generally and not is_wish and not features.is_specific and count < 45:
        wanted.append(ProbeKind.EXAMPLE)
    enough = 12 if features.has_reason else 18
    if count < enough and not features.is_specific:
        wanted.append(ProbeKind.DESCRIBE)
    return tuple(sorted(wanted, key=lambda kind: _rank(kind, wanted, preferred)))


def _rank(
    kind: ProbeKind, wanted: list[ProbeKind], preferred: tuple[ProbeKind, ...]
) -> tuple[int, int]:
    place = preferred.index(kind) if kind in preferred else len(preferred)
    return place, wanted.index(kind)


def holds_opinion(text: str) -> bool:
    """Say whether ``text`` judges anything."""
    return bool(_OPINION.search(fold(text)))


def telling_fragment(text: str, *, max_words: int = 7) -> str:
    """Return a short piece of ``text``, word for word, that a follow-up can point at.

    It is the clause with the visitor's judgement in it, or the first one with something in it;
    empty when no clause is short enough to quote.
    """
    best = ""
    for start, end in sentence_spans(text[:2000]):
        for clause in _clauses(text[start:end]):
            size = len(words(clause))
            if not 1 <= size <= max_words or not content_words_set(clause):
                continue
            if _OPINION.search(fold(clause)):
                return clause
            best = best or clause
    return best


def _clauses(sentence: str) -> list[str]:
    parts, start = [], 0
    for match in _CLAUSE_END.finditer(sentence):
        parts.append(sentence[start : match.start()])
        start = match.end()
    parts.append(sentence[start:])
    return [part.strip(" .!?\u2026\"'\u201c\u201d\u00ab\u00bb\u00bf\u00a1,;:") for part in parts]
