"""Prometheus figures of spoken conversations. Labels are kinds, never ids."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

agents_running = Gauge(
    "parley_voice_agents", "Live agents of this process.", multiprocess_mode="livesum"
)
first_audio_seconds = Histogram(
    "parley_voice_first_audio_seconds",
    "End of speech to first audio of the reply.",
    ["engine"],
    buckets=(0.3, 0.5, 0.8, 1.0, 1.2, 1.6, 2.0, 2.5, 3.5, 5, 10),
)
barge_in_seconds = Histogram(
    "parley_voice_barge_in_seconds",
    "Start of an interruption to silence.",
    buckets=(0.1, 0.2, 0.35, 0.5, 0.6, 0.7, 0.8, 1.0, 1.5, 3),
)
ended_total = Counter("parley_voice_ended_total", "Live agents that ended.", ["reason"])
faults_total = Counter("parley_voice_faults_total", "Failures people were told of.", ["code"])
