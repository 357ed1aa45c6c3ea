"""Prometheus metrics with low-cardinality labels, and who may read them.

Owns the request metrics and the exposition; other modules make their own counters with
prometheus_client, named ``parley_<noun>_<unit>_total`` and labelled by kinds, never by ids.
"""

from __future__ import annotations

import os

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

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
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # library without types
        return generate_latest(registry), CONTENT_TYPE_LATEST
    return generate_latest(REGISTRY), CONTENT_TYPE_LATEST
