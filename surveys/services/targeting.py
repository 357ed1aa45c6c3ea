"""Where and to whom a survey's widget shows: reading the rules, and the part the server holds.

The page-side rules (URL, percentage, cooldown, device) can only be followed by the widget; the
server checks what it can know: the visitor's attributes and whether the device is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.errors import ConflictError

AUDIENCES = ("all", "new", "returning")
DEVICES = ("all", "mobile", "desktop")
MAX_RULES = 20
MAX_TEXT = 200

TARGETING_KEYS = ("url_contains", "audience", "percent", "cooldown_days", "device", "attributes")


class _Problems(dict[str, str]):
    """Field name to what is wrong with it."""


def _whole_number(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _short_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value.strip()) <= MAX_TEXT


def read_targeting(raw: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the rules in their stored form, and field name to message for what is wrong.

    Args:
        raw: ``url_contains`` (list of text), ``audience`` (all, new, returning), ``percent``
            (1 to 100), ``cooldown_days`` (0 to 365), ``device`` (all, mobile, desktop),
            ``attributes`` (name to the accepted value or list of values). All optional.
    """
    problems = _Problems()
    clean: dict[str, Any] = {}
    for key in raw:
        if key not in TARGETING_KEYS:
            problems[f"targeting.{key}"] = f"Unknown rule. Use {', '.join(TARGETING_KEYS)}."
    urls = raw.get("url_contains")
    if urls is not None:
        listed = [urls] if isinstance(urls, str) else urls
        if (
            not isinstance(listed, list)
            or len(listed) > MAX_RULES
            or not all(_short_text(item) for item in listed)
        ):
            problems["targeting.url_contains"] = (
                f"Give a list of at most {MAX_RULES} texts of at most {MAX_TEXT} characters."
            )
        else:
            clean["url_contains"] = [item.strip() for item in listed]
    for key, accepted in (("audience", AUDIENCES), ("device", DEVICES)):
        value = raw.get(key)
        if value is None:
            continue
        if value not in accepted:
            problems[f"targeting.{key}"] = f"Use one of {', '.join(accepted)}."
        else:
            clean[key] = value
    for key, low, high in (("percent", 1, 100), ("cooldown_days", 0, 365)):
        value = raw.get(key)
        if value is None:
            continue
        if not _whole_number(value, low, high):
            problems[f"targeting.{key}"] = f"Give a whole number from {low} to {high}."
        else:
            clean[key] = value
    if raw.get("attributes") is not None:
        _read_attributes(raw["attributes"], clean, problems)
    return clean, dict(problems)


def _read_attributes(raw: object, clean: dict[str, Any], problems: _Problems) -> None:
    message = (
        f"Give at most {MAX_RULES} attribute names, each with the value, or the list of values, "
        "that a visitor may have."
    )
    if not isinstance(raw, Mapping) or len(raw) > MAX_RULES:
        problems["targeting.attributes"] = message
        return
    attributes: dict[str, list[str]] = {}
    for name, value in raw.items():
        values = [value] if isinstance(value, str) else value
        if (
            not _short_text(name)
            or not isinstance(values, list)
            or not values
            or len(values) > MAX_RULES
            or not all(_short_text(item) for item in values)
        ):
            problems["targeting.attributes"] = message
            return
        attributes[name.strip()] = [item.strip() for item in values]
    clean["attributes"] = attributes


def check_eligible(
    targeting: Mapping[str, Any], *, attributes: Mapping[str, str], is_returning: bool
) -> None:
    """Refuse a visitor the survey is not for.

    Args:
        targeting: the stored rules of the survey.
        attributes: what is known of the visitor.
        is_returning: the device has met a survey of this company before.

    Raises:
        ConflictError: the visitor is outside the audience (code ``not_eligible``).
    """
    audience = targeting.get("audience", "all")
    fits = audience == "all" or (audience == "returning") == is_returning
    for name, accepted in targeting.get("attributes", {}).items():
        if attributes.get(name) not in accepted:
            fits = False
    if not fits:
        raise ConflictError(
            "not_eligible", "This survey is for another group of visitors. Thank you all the same."
        )
