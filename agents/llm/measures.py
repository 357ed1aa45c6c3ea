"""What calls to a model cost, as Prometheus counters labelled by model and outcome.

Owns the counters. The model's name is a setting, so the labels stay few.
"""

from __future__ import annotations

from prometheus_client import Counter, Histogram

llm_calls_total = Counter(
    "parley_llm_calls_total", "Calls to a language model.", ["model", "outcome"]
)
llm_tokens_total = Counter("parley_llm_tokens_total", "Tokens paid for.", ["model", "direction"])
llm_call_seconds = Histogram(
    "parley_llm_call_seconds",
    "Time of one call, retry included.",
    ["model"],
    buckets=(0.25, 0.5, 1, 2, 3, 5, 8, 15, 30, 60),
)


def count_call(model: str, outcome: str) -> None:
    """Count one call: answered, bad_answer, failed, or skipped by the circuit breaker."""
    llm_calls_total.labels(model, outcome).inc()


def count_tokens(model: str, prompt_tokens: int, completion_tokens: int) -> None:
    """Add the tokens of one answer."""
    llm_tokens_total.labels(model, "prompt").inc(prompt_tokens)
    llm_tokens_total.labels(model, "completion").inc(completion_tokens)


def observe_seconds(model: str, seconds: float) -> None:
    """Add the time of one call."""
    llm_call_seconds.labels(model).observe(seconds)
