"""The words of a page in English and Spanish, from one source for its template and its script.

Generic part only: each app that has such pages keeps its words in a package of its own
(`workflows.page_texts`, `sessions.page_texts`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.utils.translation import get_language_from_request

LANGUAGES: Final = ("en", "es")

#: What `core` and `js/http.js` say in English on any page: a pattern, and the same in Spanish.
_COMMON_PHRASES: Final = {
    "en": (),
    "es": (
        (
            r"The server could not be reached\. Check the connection and try again\.",
            "No se puede conectar con el servidor. Comprueba la conexión e inténtalo de nuevo.",
        ),
        (
            r"Too many requests\. Wait as long as Retry-After says, then try again\.",
            "Demasiadas peticiones seguidas. Espera un poco e inténtalo de nuevo.",
        ),
        (
            r"This is not available right now\. Try again later\.",
            "Ahora mismo no está disponible. Inténtalo más tarde.",
        ),
    ),
}


def choose_language(request: HttpRequest, *wanted: str | None) -> str:
    """Return the language of a page: the first wanted one it has, else what the browser asks."""
    for language in (*wanted, get_language_from_request(request)):
        family = (language or "").partition("-")[0].lower()
        if family in LANGUAGES:
            return family
    return "en"


def keep_language(request: HttpRequest, address: str) -> str:
    """Return the address of another page, with the `?lang=` this one was asked for, if any."""
    family = request.GET.get("lang", "").partition("-")[0].lower()
    if family not in LANGUAGES:
        return address
    return f"{address}{'&' if '?' in address else '?'}lang={family}"


@dataclass(frozen=True, slots=True)
class PageTexts:
    """The words of an app's pages.

    Args:
        texts: by language, the same keys in each; places are written ``{name}``.
        phrases: by language, what services say in English as a pattern, and the same in that
            language. Read by Python and by JavaScript alike, so only what both understand:
            groups are put in by their number.
    """

    texts: Mapping[str, Mapping[str, str]]
    phrases: Mapping[str, Sequence[tuple[str, str]]]

    def say_from_server(self, text: str, language: str) -> str:
        """Return an English sentence of a service in `language`; as it is where none is known."""
        for pattern, words in self._phrases_of(language):
            found = re.fullmatch(pattern, text)
            if found:
                return words.format("", *found.groups())
        return text

    def context(self, language: str) -> dict[str, Any]:
        """Return what the templates and `js/texts.js` read."""
        return {
            "t": self.texts[language],
            "language": language,
            "other_language": "en" if language == "es" else "es",
            "page_texts": {
                "language": language,
                "texts": self.texts[language],
                "phrases": self._phrases_of(language),
            },
        }

    def _phrases_of(self, language: str) -> list[tuple[str, str]]:
        return [*self.phrases[language], *_COMMON_PHRASES[language]]
