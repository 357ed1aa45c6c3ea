"""Which sounds of a listener are no turn: "mhm" while the agent speaks, a cough, a burst of noise.

Owns the words and the rule, in English and Spanish. Knows nothing of how they were heard. Without
it, agents of this kind fall silent at every "yeah" and never go on.
"""

from __future__ import annotations

import re
from typing import Final

SHORT_SPEECH_SECONDS: Final = 0.5
"""A sound this short over the agent's voice is a turn only if it is a command."""

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BACKCHANNELS: Final = frozenset(
    "mhm mm mmm hm hmm hmmm uh huh uh-huh mm-hmm mhmm um umm uhm er erm ah aha ahah oh ooh "
    "yeah yep yup ok okay right sure well so and the a "
    "ajá aja ajam sí si ya claro vale bueno eh em este pues oh ah mmm".split()
)
_COMMANDS: Final = frozenset(
    "stop wait no yes pause hold hang sorry repeat again what skip next done finish help hello "
    "one two three four five six seven eight nine ten "
    "para pare alto espera espere no sí si pausa perdón perdon repite repita otra qué que salta "
    "siguiente listo terminar ayuda hola "
    "uno dos tres cuatro cinco seis siete ocho nueve diez".split()
)


def split_words(text: str) -> list[str]:
    """Return the words of a text in lower case, hyphens and apostrophes inside words kept."""
    return _WORD.findall(text.lower())


def is_turn(text: str, *, speech_seconds: float | None, is_over_agent: bool) -> bool:
    """Tell whether what was heard is something to answer.

    Args:
        text: the final words; may be empty.
        speech_seconds: how long the sound was; None where it is not known.
        is_over_agent: whether the agent was speaking meanwhile.
    """
    found = split_words(text)
    if not found:
        return False
    if not is_over_agent:
        return True
    if all(word in _BACKCHANNELS for word in found):
        return False
    is_short = speech_seconds is not None and speech_seconds < SHORT_SPEECH_SECONDS
    return not is_short or any(word in _COMMANDS for word in found)
