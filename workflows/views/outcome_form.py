"""The form a result is given in, shared by the pages that log one and correct one."""

from __future__ import annotations

from typing import Any, cast

from core import money
from core.errors import ParleyError
from workflows import units
from workflows.models import MetricType
from workflows.services.outcomes import Measure, read_measure
from workflows.storage.inspection import ACCEPTED_ENDINGS

#: The field of the form in which each metric's unit is given.
UNIT_FIELDS = {
    MetricType.REVENUE: "currency",
    MetricType.TIME_SAVED: "time_unit",
    MetricType.CUSTOM: "label",
}
METRICS = [
    (MetricType.REVENUE, "coin"),
    (MetricType.TIME_SAVED, "clock"),
    (MetricType.CUSTOMERS, "users"),
    (MetricType.CUSTOM, "pencil"),
]


def empty_form() -> dict[str, str]:
    """Return the fields of a result nobody has typed yet."""
    return {
        "metric_type": MetricType.REVENUE.value,
        "value": "",
        "currency": "USD",
        "time_unit": "hours",
        "label": "",
    }


def unit_field(form: dict[str, str]) -> str:
    """Return the field the chosen metric's unit is in; empty when it has but one."""
    return UNIT_FIELDS.get(cast(MetricType, form["metric_type"]), "")


def read_form(form: dict[str, str]) -> Measure:
    """Return the result a form says.

    Raises:
        InvalidInputError: a member cannot be used.
    """
    field = unit_field(form)
    return read_measure(
        metric_type=form["metric_type"],
        value=form["value"],
        currency=form[field] if field else "",
    )


def form_context(form: dict[str, str], error: ParleyError | None) -> dict[str, Any]:
    """Return what `workflows/outcome_measure.html` and the notice above it show."""
    errors = _errors_by_field(error, form) if error else {}
    return {
        "form": form,
        "errors": errors,
        "general_error": error.detail if error and not errors else "",
        "metrics": METRICS,
        "common_currencies": units.COMMON_CURRENCIES,
        "other_currencies": sorted(money.CURRENCIES - set(units.COMMON_CURRENCIES)),
        "accept": ",".join(f".{ending}" for ending in ACCEPTED_ENDINGS),
    }


def _errors_by_field(error: ParleyError, form: dict[str, str]) -> dict[str, str]:
    """Return what is wrong by the form's own field names."""
    found: dict[str, str] = {}
    for fault in cast(list[dict[str, Any]], error.extra.get("errors", [])):
        name = str(fault["pointer"]).removeprefix("/")
        if name == "currency":
            name = unit_field(form) or "metric_type"
        found[name] = fault["detail"]
    return found
