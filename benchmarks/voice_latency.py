"""How much time a spoken turn costs beyond its pause, and how fast the agent falls silent.

    python -m benchmarks.voice_latency [--quick]

Speech and model are stubs that answer at once, so the figures are the pipeline's own. Ours is the
whole way: socket frames in, detection, turn, host, paced frames out. Beside it livekit-agents
alone, same stubs, same pauses. Aims: first audio 0.25 s beyond the pause (aim 0.15), ducked
0.35 s after speech begins (aim 0.2), silent after 0.5 s of speech.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from typing import Any

from benchmarks import voice_stage as stage
from benchmarks.machine import print_machine
from benchmarks.tables import print_table


async def measure(lane: Any, turns: int) -> dict[str, list[float]]:
    """Hold turns: one that is answered, then one that cuts the answer."""
    found: dict[str, list[float]] = {"first audio": [], "duck": [], "silent": []}
    asked, cut_in = stage.question(), stage.interruption()
    _, asked_ends = stage.voiced_span(asked)
    cut_begins, _ = stage.voiced_span(cut_in)
    await lane.start()
    await stage.feed([lane], stage.quiet(0.5))
    for _ in range(turns):
        sounds_before, cuts_before = len(lane.first_sounds), len(lane.cuts)
        began = await stage.feed([lane], asked + stage.quiet(1.2))
        while len(lane.first_sounds) == sounds_before:
            await stage.feed([lane], stage.quiet(0.1))
        ended = began + asked_ends
        found["first audio"].append(lane.first_sounds[sounds_before] - ended)
        ducks_before = len(lane.ducks)
        began = await stage.feed([lane], cut_in + stage.quiet(0.9))
        found["duck"].append(lane.ducks[ducks_before] - began - cut_begins)
        if len(lane.cuts) > cuts_before:
            found["silent"].append(lane.cuts[cuts_before] - began - cut_begins)
        # What answers the interruption is heard out, so that the next turn begins in quiet.
        await stage.feed([lane], stage.quiet(4.0))
    await lane.stop()
    return found


async def run(turns: int) -> None:
    """Measure both, one after the other, and print the table."""
    manager, engine = stage.make_manager()
    ours = await measure(stage.OurLane(manager, engine), turns)
    await manager.aclose()
    plain = await measure(stage.PlainLane(), turns)
    rows = []
    for name, base in (("first audio", stage.ENDPOINTING_SECONDS), ("duck", 0.0), ("silent", 0.0)):
        label = f"{name} beyond the pause" if base else name
        for who, values in (("ours", ours[name]), ("livekit-agents alone", plain[name])):
            beyond = sorted(value - base for value in values)
            p95 = beyond[min(len(beyond) - 1, round(len(beyond) * 0.95))] if beyond else None
            middle = statistics.median(beyond) if beyond else None
            rows.append((f"{label}: {who}", middle, p95, beyond[-1] if beyond else None))
    print_table(
        f"seconds, {turns} turns each, pause {stage.ENDPOINTING_SECONDS} s",
        ("what", "median", "p95", "worst"),
        rows,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three turns instead of fifteen")
    arguments = parser.parse_args()
    print_machine("livekit-agents", "livekit-plugins-silero")
    asyncio.run(run(3 if arguments.quick else 15))


if __name__ == "__main__":
    main()
