"""The words of the executor and the outcome logger, in English and Spanish.

A workflow's own title and steps stay in the language they were written in.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from accounts.selectors import chosen_language
from core.page_texts import PageTexts, choose_language
from workflows.page_texts import en, es

_PAGES: Final = PageTexts(
    texts={"en": en.TEXTS, "es": es.TEXTS}, phrases={"en": en.PHRASES, "es": es.PHRASES}
)


def language_for(request: HttpRequest) -> str:
    """Return the language somebody reads: what their profile says, else what the browser asks."""
    return choose_language(request, chosen_language(request.user))


def say_from_server(text: str, language: str) -> str:
    """Return an English sentence of a service in `language`; as it is where none is known."""
    return _PAGES.say_from_server(text, language)


def texts_context(language: str) -> dict[str, Any]:
    """Return what the templates and `js/texts.js` read."""
    return _PAGES.context(language)
