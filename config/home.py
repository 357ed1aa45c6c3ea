"""What the home page shows: the parts of the product, the demo's entrances, an example of pay.

Owns the order and the words of that page. Must not write anything, and must work on an empty
database, since it is the first page a new installation serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import Resolver404, resolve
from django.utils.translation import get_language

from accounts.models import Company, Role
from accounts.selectors import list_members
from agents.interview.evaluation.pay import pay_minor
from core.charts import Plot, Point, build_line_chart
from core.money import format_money
from core.templatetags.parley import nav_url
from surveys.demo.content import OPERATOR, VISITOR
from surveys.selectors.surveys import open_survey_for

DEMO_COMPANY_SLUG = "demo"
EXAMPLE_MIN_MINOR = 500
EXAMPLE_MAX_MINOR = 2000
EXAMPLE_CURRENCY = "USD"
EXAMPLE_SCORE = 85


@dataclass(frozen=True)
class Capability:
    """One of the five parts of the product."""

    name: str
    icon: str
    text: str
    joint: str
    """How this part hands on to another."""
    url: str
    """Where to open it; empty while it does not exist."""
    action: str
    limit: str = ""
    """What this installation cannot do of it."""


def home_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context of the home page; costs at most three queries beside the login's."""
    company = Company.objects.filter(is_demo=True, slug=DEMO_COMPANY_SLUG).first()
    # In the page's own language: a visitor must not be led from English into Spanish.
    survey = open_survey_for(company, get_language() or "en") if company else None
    survey_url = existing_path(f"/s/{survey.public_id}") if survey else ""
    return {
        "is_demo": settings.DEMO,
        "demo_login": find_demo_login(company) if company and settings.DEMO else None,
        "operator_login": OPERATOR.email if company and settings.DEMO else None,
        "visitor_login": VISITOR.email if company and settings.DEMO else None,
        "survey_url": survey_url,
        "signup_url": nav_url("account_signup"),
        "widget_url": nav_url("widget_demo") if survey else "",
        "docs_url": nav_url("api_docs"),
        "capabilities": list_capabilities(survey_url),
        "pay_curve": build_pay_curve(),
        "example_score": EXAMPLE_SCORE,
        "example_pay": format_money(_example_pay(EXAMPLE_SCORE), EXAMPLE_CURRENCY),
        "example_min": format_money(EXAMPLE_MIN_MINOR, EXAMPLE_CURRENCY),
        "example_max": format_money(EXAMPLE_MAX_MINOR, EXAMPLE_CURRENCY),
    }


def find_demo_login(company: Company) -> str:
    """Return the e-mail address of the demo company's first owner, '' when it has none.

    Only for a demo, whose server answers on loopback alone: elsewhere an address is private.
    """
    owner = list_members(company).filter(role=Role.OWNER).first()
    return owner.user.email if owner else ""


def existing_path(path: str) -> str:
    """Return a path the design fixes, or '' while nothing answers there."""
    try:
        resolve(path)
    except Resolver404:
        return ""
    return path


def list_capabilities(survey_url: str) -> list[Capability]:
    """Return the five parts in the order of the thread that joins them."""
    return [
        Capability(
            name="Paid surveys",
            icon="list",
            text=(
                "Write questions, set a pay range, paste one line into your site. The "
                "interviewer asks one thing at a time, follows up where an answer is thin, and "
                "the pay is there when the person presses Done."
            ),
            joint="Hands its findings to video.",
            url=survey_url or nav_url("console:home"),
            action="Answer one" if survey_url else "Open the console",
        ),
        Capability(
            name="Voice",
            icon="mic",
            text=(
                "The same conversation spoken: captions while you talk, interruptions welcome. "
                "Whoever would rather type can always type."
            ),
            joint="Carries surveys by microphone.",
            url=nav_url("chat"),
            action="Start a conversation",
            limit="" if settings.VOICE_IN_PROCESS or settings.LIVEKIT_URL else "Typing only here",
        ),
        Capability(
            name="Messaging",
            icon="phone",
            text=(
                "Customers write on WhatsApp for information, orders or help. A person can take "
                "a conversation over, answer, and give it back."
            ),
            joint="Carries surveys by chat.",
            url=nav_url("simulator"),
            action="Open the simulator",
        ),
        Capability(
            name="Workflows",
            icon="workflow",
            text=(
                "Guides followed step by step. People log what they achieved, and the next "
                "person gets a recommendation built on it."
            ),
            joint="A finished guide can offer a paid interview about it.",
            url=nav_url("workflow_list"),
            action="Browse workflows",
        ),
        Capability(
            name="Video",
            icon="video",
            text=(
                "Findings turned into a short narrated film by a line of agents, with a light "
                "for each step while it is made."
            ),
            joint="Shows what the surveys found.",
            url=nav_url("studio_home"),
            action="Open the studio",
        ),
    ]


def build_pay_curve() -> Plot:
    """Return pay over score for the example range, computed by the function that pays."""
    scores = [0, 25, *range(50, 101, 5)]
    return build_line_chart(
        title=(
            f"Pay by score, in a survey that pays "
            f"{format_money(EXAMPLE_MIN_MINOR, EXAMPLE_CURRENCY)} to "
            f"{format_money(EXAMPLE_MAX_MINOR, EXAMPLE_CURRENCY)}"
        ),
        points=[
            Point(
                label=str(score),
                value=_example_pay(score) / 100,
                display=format_money(_example_pay(score), EXAMPLE_CURRENCY),
                position=float(score),
                is_marked=score == EXAMPLE_SCORE,
            )
            for score in scores
        ],
        label_heading="Score from",
        value_heading="Pay",
        format_value=lambda amount: f"${amount:.0f}",
        is_stepped=True,
        show_dots=False,
        axis=("0", "25", "50", "75", "100"),
    )


def _example_pay(score: int) -> int:
    return pay_minor(
        score=score,
        payment_min_minor=EXAMPLE_MIN_MINOR,
        payment_max_minor=EXAMPLE_MAX_MINOR,
        has_required_evidence=True,
    )
