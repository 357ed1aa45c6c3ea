"""Reads what a company sends as a survey into a checked definition, field by field.

Owns every rule about what a survey may be. Touches no row: `surveys.services.surveys` writes what
comes out of here. The API and the console both come through `read_definition`, so one set of
rules and messages serves both.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from agents.interview.types import Question, QuestionKind
from core import money
from core.errors import InvalidInputError
from core.ids import new_id
from core.text import clean_text
from surveys.models import SurveyStatus
from surveys.services.targeting import read_targeting

TITLE_MAX = 200
TEXT_MAX = 4000
QUESTION_MAX = 500
QUESTIONS_MAX = 30
PROBES_MAX = 2
CHOICES_MAX = 20
CHOICE_MAX = 120
MINUTES_MAX = 60
RESPONSES_MAX = 100_000
ORIGINS_MAX = 50
LANGUAGES_MAX = 10
RETENTION_MAX_DAYS = 3650
PAYMENT_MAX_MINOR = 1_000_000
"""10,000 of a currency with hundredths: a pay above it is a slip of the keyboard."""
CREATE_STATUSES = (SurveyStatus.ACTIVE, SurveyStatus.DRAFT)

DEFAULT_CONSENT = {
    "en": (
        "Your written answers are stored and scored automatically, and {company} reads them "
        "without your name. You may stop at any time, ask for a copy, or have them erased; what "
        "then remains is a coded fingerprint that stops the same answer from being paid twice. "
        "Please do not give personal details of yourself or others."
    ),
    "es": (
        "Tus respuestas se guardan y se puntúan automáticamente, y {company} las lee sin tu "
        "nombre. Puedes parar cuando quieras, pedir una copia o hacer que se borren; entonces "
        "solo queda una huella cifrada que impide cobrar dos veces la misma respuesta. No des "
        "datos personales tuyos ni de otras personas, por favor."
    ),
}


@dataclass(frozen=True, slots=True)
class SurveyDefinition:
    """A checked survey. Amounts in minor units of ``currency``."""

    title: str
    questions: tuple[Question, ...]
    payment_min_minor: int
    payment_max_minor: int
    budget_minor: int
    currency: str = "USD"
    description: str = ""
    objective: str = ""
    languages: tuple[str, ...] = ("en",)
    max_minutes: int = 10
    max_responses: int = 100
    targeting: dict[str, Any] = field(default_factory=dict)
    allowed_origins: tuple[str, ...] = ()
    consent_text: str = ""
    accept_client_transcript: bool = False
    retention_days: int | None = None
    status: SurveyStatus = SurveyStatus.ACTIVE

    def judged_part(self) -> dict[str, Any]:
        """Return what an answer is judged and paid by: a change of it makes a new version."""
        return {
            "title": self.title,
            "description": self.description,
            "objective": self.objective,
            "questions": [question_json(question) for question in self.questions],
            "languages": list(self.languages),
            "payment_min_minor": self.payment_min_minor,
            "payment_max_minor": self.payment_max_minor,
            "max_minutes": self.max_minutes,
            "consent_text": self.consent_text,
        }


def question_json(question: Question) -> dict[str, Any]:
    """Return a question as plain JSON."""
    return {**asdict(question), "kind": question.kind.value, "choices": list(question.choices)}


class _Fields:
    """Takes fields out of the raw input one by one and gathers what is wrong with them."""

    def __init__(self, raw: Mapping[str, Any], base: Mapping[str, Any]) -> None:
        self.raw = raw
        self.base = base
        self.problems: dict[str, str] = {}
        self.known: set[str] = set()

    def given(self, name: str) -> bool:
        self.known.add(name)
        return name in self.raw

    def fail(self, name: str, message: str) -> None:
        self.problems.setdefault(name, message)

    def text(self, name: str, *, limit: int, default: str = "", required: bool = False) -> str:
        if not self.given(name):
            if required and name not in self.base:
                self.fail(name, "This field is required.")
            return str(self.base.get(name, default))
        value = self.raw[name]
        if not isinstance(value, str):
            self.fail(name, "Give text.")
            return default
        cleaned = clean_text(value, limit + 1).text.strip()
        if required and not cleaned:
            self.fail(name, "This field may not be empty.")
        if len(cleaned) > limit:
            self.fail(name, f"Give at most {limit} characters.")
        return cleaned

    def number(self, name: str, *, low: int, high: int, default: int | None) -> int | None:
        if not self.given(name):
            kept: int | None = self.base.get(name, default)
            return kept
        value = self.raw[name]
        if value is None and default is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fail(name, f"Give a whole number from {low} to {high}.")
            return default
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        if not self.given(name):
            return bool(self.base.get(name, default))
        value = self.raw[name]
        if not isinstance(value, bool):
            self.fail(name, "Give true or false.")
            return default
        return value

    def amount(self, name: str, currency: str, *, required: bool, high: int) -> int | None:
        """Return an amount in minor units; without one, the base's, else None."""
        if not self.given(name) or (self.raw[name] is None and not required):
            kept: int | None = self.base.get(f"{name}_minor")
            if kept is None and required:
                self.fail(name, "This field is required.")
            return kept
        value = self.raw[name]
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            self.fail(name, "Give an amount such as 5.00.")
            return None
        try:
            minor = money.to_minor(
                value if isinstance(value, Decimal) else str(value).strip(), currency
            )
        except ValueError:
            digits = money.exponent(currency)
            self.fail(name, f"Give an amount such as 5 with at most {digits} decimals.")
            return None
        if not 0 <= minor <= high:
            self.fail(name, f"Give an amount from 0 to {money.from_minor(high, currency)}.")
            return None
        return minor

    def refuse_mistyped(self) -> None:
        """Fail each field whose name is nearly that of a field which was left out.

        Others that nobody asked for are ignored: who changes a survey sends back what was read.
        """
        left_out = sorted(self.known - set(self.raw))
        for name in self.raw:
            if name in self.known:
                continue
            for meant in difflib.get_close_matches(name[:60], left_out, n=1, cutoff=0.82):
                self.fail(name[:60], f"There is no such field. Did you mean {meant}?")

    def raise_problems(self) -> None:
        if self.problems:
            raise InvalidInputError(
                "invalid_survey",
                "Some fields cannot be used; 'errors' says which and why.",
                extra={
                    "errors": [
                        {"pointer": _pointer(name), "code": "invalid", "detail": message}
                        for name, message in self.problems.items()
                    ]
                },
            )


def _pointer(name: str) -> str:
    """Return ``questions[0].text`` as the JSON pointer ``/questions/0/text``."""
    return "/" + name.replace("[", "/").replace("]", "").replace(".", "/")


def read_definition(
    raw: Mapping[str, Any], *, company_name: str, base: SurveyDefinition | None = None
) -> SurveyDefinition:
    """Return the definition in ``raw``, every field checked.

    Args:
        raw: the fields of ``POST /survey/create``; amounts as decimals of the currency.
        company_name: goes into the standing consent text.
        base: the present definition when only changes are sent; fields left out keep its values.

    Raises:
        InvalidInputError: with ``errors``, one entry a wrong field.
    """
    fields = _Fields(raw, _base_fields(base))
    currency = _read_currency(fields, base)
    payment_min = fields.amount("payment_min", currency, required=True, high=PAYMENT_MAX_MINOR)
    payment_max = fields.amount("payment_max", currency, required=True, high=PAYMENT_MAX_MINOR)
    if payment_min is not None and payment_max is not None and payment_max < payment_min:
        fields.fail("payment_max", "The highest pay may not be below the lowest.")
    max_responses = fields.number("max_responses", low=1, high=RESPONSES_MAX, default=100) or 1
    budget = fields.amount("budget", currency, required=False, high=money.MAX_MINOR // 1000)
    if budget is None:
        budget = max_responses * (payment_max or 0)
    if payment_max is not None and budget < payment_max:
        fields.fail("budget", "The budget must cover one response at the highest pay.")
    languages = _read_languages(fields)
    definition = SurveyDefinition(
        title=fields.text("title", limit=TITLE_MAX, required=True),
        description=fields.text("description", limit=TEXT_MAX),
        objective=fields.text("objective", limit=TEXT_MAX),
        questions=_read_questions(fields, base),
        payment_min_minor=payment_min or 0,
        payment_max_minor=payment_max or 0,
        budget_minor=budget,
        currency=currency,
        languages=languages,
        max_minutes=fields.number("max_minutes", low=1, high=MINUTES_MAX, default=10) or 10,
        max_responses=max_responses,
        targeting=_read_targeting(fields, base),
        allowed_origins=_read_origins(fields),
        consent_text=fields.text("consent_text", limit=TEXT_MAX)
        or default_consent(languages, company_name),
        accept_client_transcript=fields.flag("accept_client_transcript", default=False),
        retention_days=fields.number(
            "retention_days", low=1, high=RETENTION_MAX_DAYS, default=None
        ),
        status=_read_status(fields, base),
    )
    fields.refuse_mistyped()
    fields.raise_problems()
    return definition


def default_consent(languages: Sequence[str], company_name: str) -> str:
    """Return the standing consent text in the survey's first language (English otherwise)."""
    first = languages[0].partition("-")[0] if languages else "en"
    return DEFAULT_CONSENT.get(first, DEFAULT_CONSENT["en"]).format(company=company_name)


def _base_fields(base: SurveyDefinition | None) -> dict[str, Any]:
    if base is None:
        return {}
    names = [
        "title",
        "description",
        "objective",
        "payment_min_minor",
        "payment_max_minor",
        "budget_minor",
        "max_minutes",
        "max_responses",
        "consent_text",
        "accept_client_transcript",
        "retention_days",
    ]
    return {name: getattr(base, name) for name in names} | {
        "languages": base.languages,
        "allowed_origins": base.allowed_origins,
    }


def _read_currency(fields: _Fields, base: SurveyDefinition | None) -> str:
    kept = base.currency if base else "USD"
    value = fields.raw["currency"] if fields.given("currency") else kept
    if not isinstance(value, str) or value.upper() not in money.CURRENCIES:
        fields.fail("currency", "Give an ISO 4217 code such as USD or EUR.")
        return kept
    if base is not None and value.upper() != kept:
        fields.fail("currency", "The currency of a survey cannot change; duplicate it instead.")
        return kept
    return value.upper()


def _read_status(fields: _Fields, base: SurveyDefinition | None) -> SurveyStatus:
    if base is not None:
        # A running survey changes its status by pausing, resuming and closing, not by a field.
        if fields.given("status") and fields.raw["status"] != base.status:
            fields.fail("status", "Use the pause, resume and close calls to change the status.")
        return base.status
    value = fields.raw["status"] if fields.given("status") else SurveyStatus.ACTIVE
    if value not in CREATE_STATUSES:
        fields.fail("status", "A new survey is active or draft.")
        return SurveyStatus.ACTIVE
    return SurveyStatus(value)


def _read_list(
    fields: _Fields, name: str, *, limit: int, read: Callable[[str], str | None], message: str
) -> tuple[str, ...]:
    kept: tuple[str, ...] = tuple(fields.base.get(name, ()))
    if not fields.given(name):
        return kept
    value = fields.raw[name]
    if not isinstance(value, list | tuple) or len(value) > limit:
        fields.fail(name, f"Give a list of at most {limit}. {message}")
        return kept
    found: list[str] = []
    for position, item in enumerate(value):
        clean = read(item.strip()) if isinstance(item, str) else None
        if clean is None:
            fields.fail(f"{name}[{position}]", message)
        elif clean not in found:
            found.append(clean)
    return tuple(found)


def _read_languages(fields: _Fields) -> tuple[str, ...]:
    found = _read_list(
        fields,
        "languages",
        limit=LANGUAGES_MAX,
        read=_language_tag,
        message="Use language codes such as en or es.",
    )
    return found or ("en",)


def _language_tag(value: str) -> str | None:
    """Return a BCP 47 tag of a language and perhaps a region, or None."""
    language, _, region = value.replace("_", "-").partition("-")
    if not (language.isascii() and language.isalpha() and 2 <= len(language) <= 3):
        return None
    if not region:
        return language.lower()
    if not (region.isascii() and region.isalnum() and 2 <= len(region) <= 4):
        return None
    return f"{language.lower()}-{region.upper()}"


def _read_origins(fields: _Fields) -> tuple[str, ...]:
    return _read_list(
        fields,
        "allowed_origins",
        limit=ORIGINS_MAX,
        read=normalise_origin,
        message="Use exact origins such as https://shop.example.com, without a path.",
    )


def normalise_origin(value: str) -> str | None:
    """Return an origin as browsers send it (lower case, no default port), or None."""
    if len(value) > 255:
        return None
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), parts.hostname
    clean = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username)
    if scheme not in ("http", "https") or not host or not clean or "*" in host or " " in host:
        return None
    try:
        host = host.encode("idna").decode("ascii") if ":" not in host else f"[{host}]"
    except UnicodeError:
        return None
    if port is None or port == {"http": 80, "https": 443}[scheme]:
        return f"{scheme}://{host}"
    return f"{scheme}://{host}:{port}"


def _read_targeting(fields: _Fields, base: SurveyDefinition | None) -> dict[str, Any]:
    kept = dict(base.targeting) if base else {}
    if not fields.given("targeting"):
        return kept
    value = fields.raw["targeting"]
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        fields.fail("targeting", "Give an object of rules.")
        return kept
    clean, problems = read_targeting(value)
    for name, message in problems.items():
        fields.fail(name, message)
    return clean


def _read_questions(fields: _Fields, base: SurveyDefinition | None) -> tuple[Question, ...]:
    if not fields.given("questions"):
        if base is None:
            fields.fail("questions", "This field is required.")
            return ()
        return base.questions
    value = fields.raw["questions"]
    if not isinstance(value, list | tuple) or not 1 <= len(value) <= QUESTIONS_MAX:
        fields.fail("questions", f"Give a list of 1 to {QUESTIONS_MAX} questions.")
        return ()
    known = {question.id for question in base.questions} if base else set()
    found: list[Question] = []
    seen: set[str] = set()
    for position, item in enumerate(value):
        question = _read_question(fields, f"questions[{position}]", item, known - seen)
        if question is not None:
            seen.add(question.id)
            found.append(question)
    if found and not any(question.required for question in found):
        fields.fail("questions", "At least one question must be required: pay depends on it.")
    return tuple(found)


def _read_question(fields: _Fields, path: str, item: object, known: set[str]) -> Question | None:
    # The seed's example shows questions as plain texts too.
    raw: Mapping[str, Any]
    if isinstance(item, str):
        raw = {"text": item}
    elif isinstance(item, Mapping):
        raw = item
    else:
        fields.fail(path, "Give an object with a text.")
        return None
    inner = _Fields(raw, {})
    text = inner.text("text", limit=QUESTION_MAX, required=True)
    kind = raw.get("kind", QuestionKind.OPEN)
    if kind not in tuple(QuestionKind):
        inner.fail("kind", f"Use one of {', '.join(QuestionKind)}.")
        kind = QuestionKind.OPEN
    required = inner.flag("required", default=True)
    probes = inner.number("max_probes", low=0, high=PROBES_MAX, default=PROBES_MAX)
    choices = _read_choices(inner, QuestionKind(kind))
    for name, message in inner.problems.items():
        fields.fail(f"{path}.{name}", message)
    if inner.problems:
        return None
    # An id is kept only when it names a question of this survey: ids are ours to give.
    given = raw.get("id")
    question_id = given if isinstance(given, str) and given in known else new_id("q")
    return Question(
        id=question_id,
        text=text,
        kind=QuestionKind(kind),
        required=required,
        max_probes=PROBES_MAX if probes is None else probes,
        choices=choices,
    )


def _read_choices(inner: _Fields, kind: QuestionKind) -> tuple[str, ...]:
    choices = _read_list(
        inner,
        "choices",
        limit=CHOICES_MAX,
        read=lambda text: text if 0 < len(text) <= CHOICE_MAX else None,
        message=f"A choice is a text of at most {CHOICE_MAX} characters.",
    )
    if kind is QuestionKind.CHOICE and len(choices) < 2 and "choices" not in inner.problems:
        inner.fail("choices", "A choice question needs at least two different choices.")
    if kind is not QuestionKind.CHOICE and choices:
        inner.fail("choices", "Only a question of kind choice has choices.")
    return choices
