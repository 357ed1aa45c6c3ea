"""Prometheus metrics with low-cardinality labels.

Owns the request metrics and the exposition; other modules make their own counters with
prometheus_client, named ``parley_<noun>_<unit>_total`` and labelled by kinds, never by ids. What
rows say (how many payouts are held, how old the queue is) is read when it is asked for: an app
registers a reader, and every process answers the same.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

logger = logging.getLogger(__name__)

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

http_requests_total = Counter(
    "parley_http_requests_total", "HTTP requests answered.", ["method", "route", "status"]
)
http_request_seconds = Histogram(
    "parley_http_request_seconds",
    "Time from request to answer.",
    ["route"],
    buckets=(0.005, 0.015, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
rate_limited_total = Counter("parley_rate_limited_total", "Requests refused by a limit.", ["scope"])


@dataclass(frozen=True, slots=True)
class Gauge:
    """One figure read from rows, for each combination of its labels."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: Mapping[tuple[str, ...], float]
    """Label values in the order of ``labels`` to the figure."""


Reader = Callable[[], Iterable[Gauge]]
_readers: dict[str, Reader] = {}


def register_reader(name: str, reader: Reader) -> None:
    """Have a reader asked whenever the metrics are. Registering a name again replaces it.

    Args:
        name: of the app or part, as the label ``reader`` of ``parley_metrics_reader_up``.
        reader: a few indexed queries; runs inside the request for ``/metrics``.
    """
    _readers[name] = reader


class _RowCollector:
    """Asks every reader; one that fails is named and hides none of the others."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: registering must not ask the database."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Yield what the readers find, then which of them answered."""
        up = GaugeMetricFamily(
            "parley_metrics_reader_up",
            "1 when the part's figures could be read.",
            labels=["reader"],
        )
        for name, reader in sorted(_readers.items()):
            try:
                found = list(reader())
            except Exception:
                logger.exception("metrics.reader_failed", extra={"reader": name})
                up.add_metric([name], 0)
                continue
            up.add_metric([name], 1)
            for gauge in found:
                family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
                for labels, value in gauge.values.items():
                    family.add_metric(labels, value)
                yield family
        yield up


_rows = _RowCollector()
REGISTRY.register(_rows)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request; a method nobody knows is counted as OTHER."""
    http_requests_total.labels(
        method if method in METHODS else "OTHER", route, f"{status // 100}xx"
    ).inc()
    http_request_seconds.labels(route).observe(seconds)


def render_metrics() -> tuple[bytes, str]:
    """Return the exposition and its content type.

    With PROMETHEUS_MULTIPROC_DIR set (by prometheus_client's own convention) the figures of all
    worker processes are added up.
    """
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        registry.register(_rows)
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # library without types
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
