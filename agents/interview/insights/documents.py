"""From visitor turns to the sentences themes are looked for in.

Owns what counts as saying something: questions back, refusals, "don't know", gibberish and
attempts to give orders are left out before anything is counted. Knows no theme.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.interview.interviewer.reading import TurnKind, read_turn, strip_instructions
from agents.interview.language import (
    Language,
    content_words,
    detect_language,
    sentence_spans,
    stem,
    word_spans,
)
from agents.interview.stopwords import STOP_WORDS
from agents.interview.types import AnswerSample, Question

_TELLING_KINDS = frozenset({TurnKind.ANSWER, TurnKind.CORRECTION})
#: Words of talk about talking, and of judging without saying what. No theme of their own.
_EMPTY_WORDS = """
good bad great nice fine best better worse worst thing things lot always never big small new old
people person time times day days week way much many case example part point problem issue issues
problems happen happened happens need needed needs want wanted tell told use used using work works
worked working start started find found keep kept left give gave given try tried end ended whole
different important same long able easier easy love loved hate hated enjoy enjoyed wish hope
minutes minute hours hour months month years year weeks today yesterday morning afternoon evening
buen buena buenos buenas bueno mejor peor gran grande nuevo nueva cosa cosas gente persona personas
vez veces dia dias semana caso ejemplo parte punto problema problemas pasar paso pasa usar uso
funciona empezar encontrar dejar dar tratar intentar intente final diferente importante largo
gusta gusto gustaria encanta minutos minuto horas hora meses mes anos ano semanas hoy ayer manana
tarde noche necesito necesita quedo queda llevo lleva
honest honestly otherwise annoyed annoying annoys mad upset sad happy frustrating frustrated sorry
came come arrived asked said mire molesto molesta enfado enfada honestamente sincera sincero resto
llego llegar llegaron vino vinieron venia venian puso pusieron pidio pedi dije trajo trajeron
ultima ultimo primera primero two three four five six seven eight nine ten twenty thirty forty fifty
half twice dos tres cuatro cinco seis siete ocho nueve diez veinte treinta cuarenta cincuenta mitad
doble
"""
EMPTY_WORDS = frozenset(_EMPTY_WORDS.split())


@dataclass(frozen=True, slots=True)
class Token:
    """One content word of a sentence: its stem and where it stands in the turn's text."""

    stem: str
    start: int
    end: int
    place: int
    """Number of the word in its sentence, stop words counted."""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a visitor that may carry a theme."""

    session_id: str
    turn_id: str
    start: int
    end: int
    text: str
    """The whole turn; ``text[start:end]`` is the sentence."""
    tokens: tuple[Token, ...]


def read_sentences(
    question: Question, answers: Sequence[AnswerSample], *, language: Language
) -> list[Sentence]:
    """Return the sentences that answer ``question``, in the order of ``answers``.

    Args:
        question: its own words are taken out, because everybody repeats them.
        answers: samples of any question; others are left out.
        language: of the survey, for sessions too short to show their own.
    """
    mine = [answer for answer in answers if answer.question_id == question.id]
    spoken_in = _languages(mine, language)
    asked = {
        code: {stem(word, code) for word in content_words(question.text, code)}
        for code in ("en", "es")
    }
    found: list[Sentence] = []
    answered: set[str] = set()
    for answer in mine:
        reading = read_turn(answer.text, question, has_answer=answer.session_id in answered)
        if reading.kind not in _TELLING_KINDS:
            continue
        answered.add(answer.session_id)
        code = spoken_in[answer.session_id]
        found.extend(
            Sentence(
                session_id=answer.session_id,
                turn_id=answer.turn_id,
                start=start,
                end=end,
                text=answer.text,
                tokens=_tokens(answer.text, start, end, code, asked[code]),
            )
            for start, end in sentence_spans(answer.text)
            if strip_instructions(answer.text[start:end])
        )
    return found


def _languages(answers: Sequence[AnswerSample], default: Language) -> dict[str, Language]:
    texts: dict[str, list[str]] = {}
    for answer in answers:
        texts.setdefault(answer.session_id, []).append(answer.text)
    spoken: dict[str, Language] = {}
    for session_id, parts in texts.items():
        joined = " ".join(parts)
        has_signs = any(
            word in STOP_WORDS["en"] ^ STOP_WORDS["es"] for _, _, word in word_spans(joined)
        )
        spoken[session_id] = detect_language(joined) if has_signs else default
    return spoken


def _tokens(
    text: str, start: int, end: int, language: Language, asked: set[str]
) -> tuple[Token, ...]:
    telling = set(content_words(text[start:end], language))
    tokens = []
    for place, (left, right, word) in enumerate(word_spans(text[start:end])):
        stemmed = stem(word, language)
        if word in telling and not word.isdigit() and stemmed not in asked:
            tokens.append(Token(stemmed, start + left, start + right, place))
    return tuple(tokens)
