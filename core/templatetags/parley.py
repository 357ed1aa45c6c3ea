"""Template tags of the design system: addresses, icons, money, times, charts.

Owns how values become text and markup on a page. Must not know any app's models; every piece of
markup goes through format_html or a component template, so escaping always holds.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.http import HttpRequest
from django.template.defaultfilters import date as format_date
from django.templatetags.static import static
from django.urls import NoReverseMatch, Resolver404, resolve, reverse
from django.utils.html import format_html
from django.utils.translation import get_language

from core.charts import BarChart, FunnelChart, Plot, Sparkline
from core.frame_texts import FRAME
from core.money import format_money
from core.page_texts import LANGUAGES

register = template.Library()

_TIME_FORMATS = {
    "datetime": "j M Y, H:i",
    "date": "j M Y",
    "time": "H:i",
    "relative": "j M Y, H:i",
}

_TONES = {
    "good": "active approved complete completed confirmed done finished paid posted ready "
    "released ok settled success succeeded verified",
    "info": "created evaluating in_progress invited pending processing queued scheduled sending "
    "started",
    "live": "live recording running talking",
    "warn": "appealed degraded draft early expired expiring held partial paused review unclaimed",
    "bad": "error failed rejected reversed revoked",
}
_TONE_OF_STATUS = {word: tone for tone, words in _TONES.items() for word in words.split()}


@register.simple_tag
def nav_url(name: str, *args: object, **kwargs: object) -> str:
    """Return the address of a URL name, or '' while no app provides that name.

    Navigation lists every part of the product; a part lights up once its URLs exist.
    """
    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def open_url(context: template.Context, name: str) -> str:
    """Return the address of a page, or '' when it is not there or not for this person's role.

    A page says itself who may open it, by ``allowed_roles`` on its view. Who has no role at all,
    a visitor, gets the address: the page asks them to log in.
    """
    url = nav_url(name)
    roles = _roles_of(url) if url else None
    role = context.get("nav_role")
    return url if roles is None or role is None or role in roles else ""


@lru_cache(maxsize=200)
def _roles_of(url: str) -> frozenset[str] | None:
    try:
        return getattr(resolve(url).func, "allowed_roles", None)
    except Resolver404:
        return None


@register.simple_tag(takes_context=True)
def frame_texts(context: template.Context) -> dict[str, str]:
    """Return the words around a page in the page's language, and `query`, which keeps it.

    A page that was asked for in a language (``?lang=``) is left for others in the same one.
    """
    own = str(context.get("language") or "").partition("-")[0]
    language = own if own in LANGUAGES else "en"
    words = FRAME.texts[language]
    role = context.get("nav_role") or ""
    request = context.get("request")
    is_asked = own and isinstance(request, HttpRequest) and request.GET.get("lang")
    return {
        **words,
        "language": language,
        "role": words.get(f"role_{role}", role),
        "query": f"?lang={language}" if is_asked else "",
    }


@register.simple_tag(takes_context=True)
def is_current(context: template.Context, url: str, exact: bool = False) -> bool:
    """Tell whether the request is at `url` or, unless `exact`, somewhere below it."""
    request = context.get("request")
    if not isinstance(request, HttpRequest) or not url:
        return False
    return request.path == url or (not exact and request.path.startswith(url))


@register.simple_tag
def icon(name: str, label: str = "") -> str:
    """Return an icon of the sprite; hidden from assistive technology unless it has a label."""
    sprite = static("img/icons.svg")
    if label:
        return format_html(
            '<svg class="icon icon--{}" role="img" aria-label="{}"><use href="{}#{}"/></svg>',
            name,
            label,
            sprite,
            name,
        )
    return format_html(
        '<svg class="icon icon--{}" aria-hidden="true" focusable="false"><use href="{}#{}"/></svg>',
        name,
        sprite,
        name,
    )


@register.simple_tag
def money(amount_minor: int | None, currency: str) -> str:
    """Return an amount of minor units in the page's language; a dash when there is none.

    Raises:
        UnknownCurrencyError: the currency is not in the table of `core.money`.
    """
    if amount_minor is None:
        return "–"
    return format_money(amount_minor, currency, language=get_language() or "en")


@register.simple_tag
def local_time(moment: datetime | None, style: str = "datetime") -> str:
    """Return a `<time>` in UTC that `ui/local-time.js` rewrites to the reader's own zone.

    Args:
        moment: an aware datetime; a dash is shown for None.
        style: `datetime`, `date`, `time` or `relative`.

    Raises:
        KeyError: the style is none of these.
    """
    if not moment:
        return "–"
    in_utc = moment.astimezone(UTC)
    text = format_date(in_utc, _TIME_FORMATS[style])
    return format_html(
        '<time datetime="{}" data-local-time="{}">{}{}</time>',
        in_utc.isoformat(timespec="seconds").replace("+00:00", "Z"),
        style,
        text,
        "" if style == "date" else " UTC",
    )


@register.filter
def duration(seconds: float | None) -> str:
    """Return seconds as people say them: `45 s`, `4 min 05 s`, `1 h 02 min`."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


@register.filter
def initials(name: str) -> str:
    """Return one or two capital letters for an avatar, `?` for a name without letters."""
    words = [word for word in str(name).replace("@", " ").split() if word[0].isalnum()]
    if not words:
        return "?"
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "")
    return letters.upper()


@register.filter
def tone(status: object) -> str:
    """Return the tone of a status word: good, info, live, warn, bad, or neutral if unknown."""
    return _TONE_OF_STATUS.get(str(status).lower(), "neutral")


@register.filter
def status_label(status: object) -> str:
    """Return a status word for people: `in_progress` becomes `In progress`."""
    words = str(status).replace("_", " ").strip()
    return words[:1].upper() + words[1:]


@register.inclusion_tag("components/chart_bars.html")
def bar_chart(chart: BarChart) -> dict[str, Any]:
    """Render horizontal bars in a table."""
    return {"chart": chart}


@register.inclusion_tag("components/chart_funnel.html")
def funnel_chart(chart: FunnelChart) -> dict[str, Any]:
    """Render the steps of a funnel in a table."""
    return {"chart": chart}


@register.inclusion_tag("components/chart_plot.html")
def line_chart(chart: Plot) -> dict[str, Any]:
    """Render a line with its table."""
    return {"chart": chart}


@register.inclusion_tag("components/chart_plot.html")
def histogram(chart: Plot) -> dict[str, Any]:
    """Render columns with their table."""
    return {"chart": chart}


@register.inclusion_tag("components/chart_sparkline.html")
def sparkline(chart: Sparkline) -> dict[str, Any]:
    """Render a line in a table cell."""
    return {"chart": chart}
