"""The words of the chat page, the history and a replay, in English and Spanish.

What is said in a conversation keeps the language of that conversation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from accounts.selectors import chosen_language
from core.page_texts import PageTexts, choose_language
from sessions.page_texts import en, es, history_en, history_es

_PAGES: Final = PageTexts(
    texts={"en": en.TEXTS, "es": es.TEXTS}, phrases={"en": en.PHRASES, "es": es.PHRASES}
)
_HISTORY: Final = PageTexts(
    texts={"en": history_en.TEXTS, "es": history_es.TEXTS},
    phrases={"en": history_en.PHRASES, "es": history_es.PHRASES},
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


def history_texts(language: str) -> HistoryTexts:
    """Return the words of the history and of a replay."""
    return HistoryTexts(language, _HISTORY.texts[language])


@dataclass(frozen=True, slots=True)
class HistoryTexts:
    """The words of one language, and how codes and figures are said in it."""

    language: str
    words: Mapping[str, str]

    def name(self, family: str, code: str) -> str:
        """Return the name of a code of a row, such as of a status."""
        return self.words[f"{family}_{code}"]

    def say_cost(self, micros: int | None) -> str:
        """Return millionths of a dollar for a person; None is not known."""
        if micros is None:
            return self.words["cost_unknown"]
        return self.words["cost_free"] if micros == 0 else f"${micros / 1_000_000:.4f}"

    def say_source(self, source: str) -> str:
        """Return where prices are from; as the administrator wrote it where no words are known."""
        return _HISTORY.say_from_server(source, self.language)

    def context(self) -> dict[str, Any]:
        """Return what the templates read."""
        return _HISTORY.context(self.language)
