"""Themes as phrases: which few phrases cover most of what people said.

Owns the method. A phrase is one stem, or two stems close together in a sentence. Its support is
the number of sessions that use it. Phrases are taken greedily by how many sessions they add that
no theme covers yet (the classic approximation of set cover), and phrases that say nearly the same
join one theme. Deterministic; knows neither labels nor quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.interview.insights.documents import EMPTY_WORDS, Sentence
from agents.interview.language import stem

_EMPTY_STEMS = frozenset(stem(word, code) for word in EMPTY_WORDS for code in ("en", "es"))

Phrase = tuple[str, ...]

MIN_SUPPORT = 3
MAX_GAP = 2
"""Words that may stand between the two stems of a phrase ("wait for the rider")."""
PAIR_WEIGHT = 1.6
"""Two words say more than one: what a pair covers counts this much."""
MERGE_OVERLAP = 0.6
MIN_FORM = 6
"""Letters two stems must share to count as forms of one word."""
MIN_NEW_SHARE = 0.4
"""A phrase opens a theme only if this share of its sessions is not covered yet."""


@dataclass(slots=True)
class Group:
    """Phrases that make up one theme, the first one the most telling."""

    phrases: list[Phrase]
    sessions: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """The phrases as text: stems joined by a blank, phrases by a bar."""
        return "|".join(" ".join(phrase) for phrase in self.phrases)


def parse_key(key: str) -> list[Phrase]:
    """Return the phrases of a stored key."""
    return [tuple(part.split()) for part in key.split("|") if part.split()]


def phrases_of(sentence: Sentence) -> set[Phrase]:
    """Return the phrases a sentence uses. A pair is kept in alphabetical order."""
    tokens = sentence.tokens
    found: set[Phrase] = {
        (token.stem,) for token in tokens if len(token.stem) > 2 and token.stem not in _EMPTY_STEMS
    }
    for index, first in enumerate(tokens):
        for second in tokens[index + 1 : index + 3]:
            if second.place - first.place > MAX_GAP + 1 or first.stem == second.stem:
                continue
            if first.stem in _EMPTY_STEMS and second.stem in _EMPTY_STEMS:
                continue
            low, high = sorted((first.stem, second.stem))
            found.add((low, high))
    return found


def index_phrases(sentences: Iterable[Sentence]) -> dict[Phrase, set[str]]:
    """Return each phrase with the sessions that use it."""
    index: dict[Phrase, set[str]] = {}
    for sentence in sentences:
        for phrase in phrases_of(sentence):
            index.setdefault(phrase, set()).add(sentence.session_id)
    return index


def find_groups(
    index: Mapping[Phrase, set[str]],
    *,
    known: Sequence[Group] = (),
    max_groups: int,
    min_support: int = MIN_SUPPORT,
) -> list[Group]:
    """Return the themes: the known ones that still have a session, then new ones.

    Args:
        index: phrases with their sessions.
        known: themes found before; their sessions are counted anew, near-same ones merge into
            the earlier, and they keep their place.
        max_groups: how many themes to return at most, known ones included.
        min_support: sessions a new theme needs.
    """
    groups = _merge_known([_recount(group, index) for group in known])
    covered: set[str] = set().union(*(group.sessions for group in groups))
    taken = {phrase for group in groups for phrase in group.phrases}
    candidates = {
        phrase: sessions
        for phrase, sessions in index.items()
        if len(sessions) >= min_support and phrase not in taken
    }
    while candidates and len(groups) < max_groups:
        best = min(candidates, key=lambda phrase: _rank(phrase, candidates[phrase], covered))
        sessions = candidates.pop(best)
        fresh = sessions - covered
        if not fresh:
            break
        home = _near_same(best, sessions, groups)
        if home is not None:
            home.phrases.append(best)
            home.sessions |= sessions
        elif len(fresh) >= max(min_support * MIN_NEW_SHARE, len(sessions) * MIN_NEW_SHARE):
            groups.append(Group([best], set(sessions)))
        else:
            continue
        covered |= sessions
    return groups


def _rank(phrase: Phrase, sessions: set[str], covered: set[str]) -> tuple[float, int, Phrase]:
    gain = len(sessions - covered) * (PAIR_WEIGHT if len(phrase) == 2 else 1.0)
    return -gain, -len(sessions), phrase


def _near_same(phrase: Phrase, sessions: set[str], groups: Sequence[Group]) -> Group | None:
    """Return the theme ``phrase`` only says again: it shares a stem and most sessions."""
    for group in groups:
        if any(_is_other_form(phrase, member) for member in group.phrases):
            return group
        stems = {part for member in group.phrases for part in member}
        if not stems & set(phrase):
            continue
        overlap = len(sessions & group.sessions)
        if overlap / min(len(sessions), len(group.sessions)) >= MERGE_OVERLAP:
            return group
    return None


def _is_other_form(first: Phrase, second: Phrase) -> bool:
    """Say whether two single stems are one word in two forms that stemming kept apart."""
    if len(first) != 1 or len(second) != 1:
        return False
    short, long = sorted((first[0], second[0]), key=len)
    return len(short) >= MIN_FORM and len(long) - len(short) <= 4 and long.startswith(short)


def _recount(group: Group, index: Mapping[Phrase, set[str]]) -> Group:
    sessions: set[str] = set()
    for phrase in group.phrases:
        sessions |= index.get(phrase, set())
    return Group(list(group.phrases), sessions)


def _merge_known(groups: Sequence[Group]) -> list[Group]:
    kept: list[Group] = []
    for group in groups:
        if not group.sessions:
            continue
        same = _find_same(group, kept)
        if same is None:
            kept.append(group)
            continue
        same.phrases.extend(phrase for phrase in group.phrases if phrase not in same.phrases)
        same.sessions |= group.sessions
    return kept


def _find_same(group: Group, kept: Sequence[Group]) -> Group | None:
    for phrase in group.phrases:
        home = _near_same(phrase, group.sessions, kept)
        if home is not None:
            return home
    return None
