"""The words of the executor and the outcome logger, in English and Spanish.

One source for the templates and for their scripts. A workflow's own title and steps stay in the
language they were written in.
"""

from __future__ import annotations

import re
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import get_language_from_request

from accounts.models import Profile
from workflows.page_texts import en, es

LANGUAGES: Final = ("en", "es")
_TEXTS = {"en": en.TEXTS, "es": es.TEXTS}
_PHRASES = {"en": en.PHRASES, "es": es.PHRASES}


def language_for(request: HttpRequest) -> str:
    """Return the language somebody reads: what their profile says, else what the browser asks."""
    wanted = None
    if request.user.is_authenticated:
        wanted = (
            Profile.objects.filter(user=request.user).values_list("language", flat=True).first()
        )
    family = (wanted or get_language_from_request(request)).partition("-")[0]
    return family if family in LANGUAGES else "en"


def say_from_server(text: str, language: str) -> str:
    """Return an English sentence of a service in `language`; as it is where none is known."""
    for pattern, words in _PHRASES[language]:
        found = re.fullmatch(pattern, text)
        if found:
            return words.format("", *found.groups())
    return text


def texts_context(language: str) -> dict[str, Any]:
    """Return what the templates and `js/workflows/texts.js` read."""
    return {
        "t": _TEXTS[language],
        "language": language,
        "other_language": "en" if language == "es" else "es",
        "page_texts": {
            "language": language,
            "texts": _TEXTS[language],
            "phrases": _PHRASES[language],
        },
    }
