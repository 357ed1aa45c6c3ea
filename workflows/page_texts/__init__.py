"""The words of the pages people follow workflows on, in English and Spanish.

Two sets: the executor's and the logger's, which their scripts get as well, and those of the pages
around them, whose templates read both. A workflow's own title and steps are in its version
(`WorkflowVersion.guide`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest

from accounts.selectors import chosen_language
from core import money
from core.page_texts import PageTexts, choose_language
from workflows import units
from workflows.page_texts import en, es, figures_en, figures_es, people_en, people_es

_PAGES: Final = PageTexts(
    texts={"en": en.TEXTS, "es": es.TEXTS}, phrases={"en": en.PHRASES, "es": es.PHRASES}
)
_AROUND: Final = PageTexts(
    texts={
        "en": en.TEXTS | people_en.TEXTS | figures_en.TEXTS,
        "es": es.TEXTS | people_es.TEXTS | figures_es.TEXTS,
    },
    phrases={
        "en": [*en.PHRASES, *people_en.PHRASES, *figures_en.PHRASES],
        "es": [*es.PHRASES, *people_es.PHRASES, *figures_es.PHRASES],
    },
)


@dataclass(frozen=True, slots=True)
class Words:
    """One language, for sentences that are put together in Python."""

    language: str

    def say(self, key: str, **values: object) -> str:
        """Return the text of a key with its places filled."""
        return _AROUND.texts[self.language][key].format(**values)

    def say_from_server(self, text: str) -> str:
        """Return an English label, value or sentence in this language."""
        return _AROUND.say_from_server(text, self.language)

    def say_value(self, value_minor: int, metric_type: str, unit: str, label: str = "") -> str:
        """Return a stored value as its reader writes one: ``3.5 hours``, ``3,5 h``."""
        value = units.format_value(value_minor, metric_type, unit, label, language=self.language)
        return value if metric_type == units.CUSTOM else self.say_from_server(value)

    def say_price(self, amount_minor: int, currency: str) -> str:
        """Return an amount of money as its reader writes one."""
        return money.format_money(amount_minor, currency, self.language)

    def say_number(self, number: float, decimals: int = 0) -> str:
        """Return a number with the separators of the language."""
        return units.write_number(f"{number:,.{decimals}f}", self.language)


ENGLISH: Final = Words("en")


def language_for(request: HttpRequest) -> str:
    """Return the language of the page: of its address (`?lang=`), the profile, or the browser."""
    return choose_language(request, request.GET.get("lang"), chosen_language(request.user))


def say_from_server(text: str, language: str) -> str:
    """Return an English sentence of a service in `language`; as it is where none is known."""
    return _AROUND.say_from_server(text, language)


def texts_context(language: str) -> dict[str, Any]:
    """Return what the templates of executor and logger and `js/texts.js` read."""
    return _PAGES.context(language)


def words_context(language: str) -> dict[str, Any]:
    """Return what the templates of the pages around them read."""
    return {**_AROUND.context(language), "words": Words(language)}
