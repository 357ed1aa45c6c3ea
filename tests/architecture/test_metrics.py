"""`docs/metrics.md` and the alert rules name what the product tells, and nothing else."""

from __future__ import annotations

import re
from importlib import import_module

import pytest
import yaml
from django.utils.module_loading import autodiscover_modules
from prometheus_client import REGISTRY

from core import metrics
from tests.architecture.sources import ROOT

# Modules that make counters and that a process loads only when it needs them.
LOADED_LATER = (
    "agents.llm.measures",
    "agents.voice.measures",
    "core.live.hub",
    "core.live.outbox",
    "core.live.publishing",
    "sessions.voice.sink",
)
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def told() -> dict[str, tuple[str, str]]:
    """Return name, with what Prometheus shows of it, to kind and labels."""
    autodiscover_modules("tasks")
    for name in LOADED_LATER:
        import_module(name)
    found = {}
    for collector in set(REGISTRY._collector_to_names):
        kind = getattr(collector, "_type", "")
        name = getattr(collector, "_name", "")
        if name.startswith("parley_"):
            labels = ", ".join(collector._labelnames)
            found[name + ("_total" if kind == "counter" else "")] = (kind, labels)
    for reader in metrics._readers.values():
        for gauge in reader():
            found[gauge.name] = ("gauge", ", ".join(gauge.labels))
    found["parley_metrics_reader_up"] = ("gauge", "reader")
    return found


@pytest.mark.django_db
def test_the_page_lists_every_metric_with_its_labels():
    text = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(parley_\w+)` \| (\w+) \|([^|]*)\|", text, re.M)

    listed = {name: (kind, labels.replace("`", "").strip()) for name, kind, labels in rows}

    assert listed == told()


@pytest.mark.django_db
def test_the_alert_rules_ask_for_metrics_that_exist():
    rules = yaml.safe_load((ROOT / "docs" / "alerts.yaml").read_text(encoding="utf-8"))
    known = {
        name.removesuffix("_total" if kind == "counter" else "") + suffix
        for name, (kind, _) in told().items()
        for suffix in SUFFIXES[kind]
    }

    for group in rules["groups"]:
        for rule in group["rules"]:
            asked = set(re.findall(r"\bparley_\w+", rule["expr"]))
            assert asked, rule["alert"]
            assert asked <= known, rule["alert"]
            assert rule["annotations"]["summary"], rule["alert"]
            assert rule["labels"]["severity"] in ("page", "ticket"), rule["alert"]
