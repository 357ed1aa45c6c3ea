"""From an utterance to what a router can weigh: words as people meant them, their classes, pairs.

Owns spelling (accents, chat shorthand, misspellings by ear, one slip of the finger) and negation.
Pure and linear in the text; reads at most the first `MAX_TOKENS` words and the last few. Knows no
lane and no weight.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from agents.interview.language import fold
from agents.interview.stopwords import STOP_WORDS
from messaging.router.lexicon import WORD_CLASSES

MAX_TOKENS = 80
MAX_CHARS = 1200
ORDER_MARK = "#order"
TICKET_MARK = "#ticket"
EMOJI_MARK = "#emoji"
_TAIL_TOKENS = 30
_NEGATION_REACH = 3
_FUZZY_MIN_LENGTH = 6

_TOKEN = re.compile(r"[a-z]-?\d{3,}|[^\W\d_]+(?:'[^\W\d_]+)?|\d+(?:[.,:]\d+)*|[^\w\s]")
_REPEATED = re.compile(r"(.)\1{2,}")
_CODE = re.compile(r"([a-z])-?\d{3,}\Z")
_EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")

_SPEAKING_EMOJI = {"\U0001f44b": "hola", "\U0001f44d": "gracias", "\U0001f64f": "gracias"}

#: How people write in a hurry. Single letters stand for words of one language only.
_SHORTHAND = {
    "q": "que", "k": "que", "ke": "que", "xq": "porque", "pq": "porque", "x": "por", "d": "de",
    "pa": "para", "tb": "tambien", "tmb": "tambien", "toy": "estoy", "ta": "esta", "bn": "bien",
    "porfis": "porfa", "xfa": "porfa", "xfavor": "porfa", "msj": "mensaje", "tel": "telefono",
    "u": "you", "r": "are", "ur": "your", "pls": "please", "plz": "please", "wat": "what",
    "wut": "what", "w": "with", "bc": "because", "abt": "about", "n": "and", "smth": "something",
    "gonna": "going", "gotta": "need", "b4": "before", "thru": "through", "yall": "you",
    "m": "me", "deme": "deme", "info": "info", "dond": "donde", "cdo": "cuando", "kuando": "cuando",
    "aki": "aqui", "kiere": "quiere", "ase": "hace", "ay": "hay", "aber": "haber",
}  # fmt: skip

#: Function words are never misspellings of something else.
_PLAIN_WORDS = STOP_WORDS["es"] | STOP_WORDS["en"]

#: Classes that say what somebody wants: behind a "no" they say the opposite.
_WISHES = frozenset({"want", "buy", "add", "search", "order", "cart", "bot", "again", "finish"})


def read_tokens(text: str) -> list[str]:
    """Return the words and marks of an utterance, spelled as meant; codes and numbers by kind."""
    if len(text) > MAX_CHARS:
        # What somebody comes to say stands at the beginning or at the end of a long message.
        text = f"{text[: MAX_CHARS // 2]} {text[-MAX_CHARS // 2 :]}"
    folded = fold(text)
    tokens: list[str] = []
    for token in _TOKEN.findall(_REPEATED.sub(r"\1", folded)):
        code = _CODE.match(token)
        if code:
            tokens.append({"t": TICKET_MARK, "p": ORDER_MARK}.get(code[1], "#code"))
        elif token[0].isdigit():
            tokens.append("#number" if len(token) < 5 else "#code")
        elif _EMOJI.match(token):
            tokens.append(_SPEAKING_EMOJI.get(token, EMOJI_MARK))
        else:
            tokens.append(_SHORTHAND.get(token, token))
    if len(tokens) > MAX_TOKENS:
        tokens = tokens[: MAX_TOKENS - _TAIL_TOKENS] + tokens[-_TAIL_TOKENS:]
    return tokens


def extract_features(text: str) -> dict[str, float]:
    """Return the features of an utterance with their weights before training."""
    return features_of(read_tokens(text))


def features_of(tokens: list[str]) -> dict[str, float]:
    """Return the features of words already read; see `extract_features`."""
    features: dict[str, float] = {}
    found = _classes_in_order(tokens)
    present = sorted(set(found))
    for name in present:
        features[f"c:{name}"] = 1.0
    for index, first in enumerate(present):
        for second in present[index + 1 :]:
            features[f"p:{first}+{second}"] = 0.6
    if found:
        features[f"f:{found[0]}"] = 0.4
        features[f"l:{found[-1]}"] = 0.3
    words = [token for token in tokens if token.isalpha() or token[0] == "#" or "'" in token]
    for word in words:
        features[f"w:{word}"] = 0.5
    for first, second in pairwise(["^", *words, "$"]):
        features[f"b:{first} {second}"] = 0.4
    features[f"n:{min(len(words), 12) // 3}"] = 0.3
    if "?" in tokens:
        features["?"] = 0.5
    if not found:
        features["none"] = 1.0
    return features


def _classes_in_order(tokens: list[str]) -> list[str]:
    """Return the classes met, in order; a wish behind a negation becomes its opposite."""
    found: list[str] = []
    denied_until = -1
    works_denied_until = -1
    for index, token in enumerate(tokens):
        for name in _classes_at(tokens, index):
            if name == "neg":
                denied_until = index + _NEGATION_REACH
                works_denied_until = index + _NEGATION_REACH + 1
                found.append(name)
            elif name == "works" and index <= works_denied_until:
                found.append("broken")
            elif name in _WISHES and index <= denied_until:
                found.append(f"no_{name}")
            else:
                found.append(name)
        if token in {",", ".", ";", "!", "?", "pero", "but", "sino"}:
            denied_until = works_denied_until = -1
    return found


def _classes_at(tokens: list[str], index: int) -> Iterator[str]:
    _, _, phrases = _index()
    seen: set[str] = set()
    for size in (3, 2):
        if index + size <= len(tokens):
            for name in phrases.get("_".join(tokens[index : index + size]), ()):
                if name not in seen:
                    seen.add(name)
                    yield name
    token = tokens[index]
    if token == ORDER_MARK:
        yield "order"
        yield "order_code"
    elif token == TICKET_MARK:
        yield "ticket"
        yield "ticket_code"
    elif token[0] == "#":
        yield token[1:]
    elif token.isalpha() or "'" in token:
        for name in _classes_of(token):
            if name not in seen:
                seen.add(name)
                yield name


@lru_cache(maxsize=20_000)
def _classes_of(word: str) -> tuple[str, ...]:
    exact, prefixes, _ = _index()
    found = _look_up(word, exact, prefixes)
    if found or word in _PLAIN_WORDS:
        return tuple(sorted(found))
    found = _look_up(sound_of(word), *_sound_index())
    if not found and len(word) >= _FUZZY_MIN_LENGTH:
        found = {name for near in _slips(word) for name in exact.get(near, ())}
    return tuple(sorted(found))


def _look_up(word: str, exact: dict[str, set[str]], prefixes: dict[str, set[str]]) -> set[str]:
    found = set(exact.get(word, ()))
    for end in range(3, len(word) + 1):
        found |= prefixes.get(word[:end], set())
    return found


def sound_of(word: str) -> str:
    """Return how a word sounds to a Spanish ear, so that "kiero" meets "quiero"."""
    sound = word.replace("qu", "k").replace("ll", "y").replace("ch", "\u010d").replace("h", "")
    sound = re.sub("c(?=[ei])", "s", sound)
    sound = re.sub("g(?=[ei])", "j", sound)
    sound = sound.translate(str.maketrans("vzcqwx", "bskkus"))
    return re.sub(r"(.)\1+", r"\1", sound)


def _slips(word: str) -> Iterator[str]:
    """Yield the words one slip away that the lexicon could hold."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        # The first letter is hardly ever the wrong one, and changing it makes other words.
        if at:
            for letter in letters:
                yield word[:at] + letter + word[at + 1 :]
                yield word[:at] + letter + word[at:]


_Index = tuple[dict[str, set[str]], dict[str, set[str]], dict[str, set[str]]]


@lru_cache(maxsize=1)
def _index() -> _Index:
    exact: dict[str, set[str]] = {}
    prefixes: dict[str, set[str]] = {}
    phrases: dict[str, set[str]] = {}
    for name, listed in WORD_CLASSES.items():
        for entry in listed.split():
            if "_" in entry.strip("_"):
                phrases.setdefault(entry.rstrip("*"), set()).add(name)
            elif entry.endswith("*"):
                prefixes.setdefault(entry[:-1], set()).add(name)
            else:
                exact.setdefault(entry.strip("_"), set()).add(name)
    return exact, prefixes, phrases


@lru_cache(maxsize=1)
def _sound_index() -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    exact, prefixes, _ = _index()
    by_sound: dict[str, set[str]] = {}
    for word, names in exact.items():
        if len(word) > 3:
            by_sound.setdefault(sound_of(word), set()).update(names)
    prefix_sound: dict[str, set[str]] = {}
    for word, names in prefixes.items():
        if len(word) > 3:
            prefix_sound.setdefault(sound_of(word), set()).update(names)
    return by_sound, prefix_sound
