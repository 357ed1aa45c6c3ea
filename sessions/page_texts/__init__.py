"""The words of the chat page, in English and Spanish.

What is said in a conversation keeps the language of that conversation.
"""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest

from accounts.selectors import chosen_language
from core.page_texts import PageTexts, choose_language
from sessions.page_texts import en, es

_PAGES: Final = PageTexts(
    texts={"en": en.TEXTS, "es": es.TEXTS}, phrases={"en": en.PHRASES, "es": es.PHRASES}
)


def language_for(request: HttpRequest) -> str:
    """Return the language of the page: of its address (`?lang=`), the profile, or the browser."""
    return choose_language(request, request.GET.get("lang"), chosen_language(request.user))


def say_from_server(text: str, language: str) -> str:
    """Return an English sentence of a service in `language`; as it is where none is known."""
    return _PAGES.say_from_server(text, language)


def texts_context(language: str) -> dict[str, Any]:
    """Return what the template and `js/texts.js` read."""
    return _PAGES.context(language)
