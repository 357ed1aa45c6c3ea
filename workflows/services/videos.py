"""A run of a workflow as the script of a video: what was done, what came of it.

Owns what of a run is handed down to `agents.video`, which knows no workflow. Notes are somebody's
own and stay out of it.
"""

from __future__ import annotations

import re
from typing import Any

from accounts.models import User
from agents.video.models import Origin, VideoSession
from agents.video.services.scripts import create_video_session
from core.errors import ConflictError
from workflows.models import Execution, Outcome
from workflows.selectors.outcomes import outcomes_of_execution
from workflows.units import format_value

STEPS_MAX = 12
OUTCOMES_MAX = 4
HEADING_MAX = 150
ITEM_MAX = 150
POINTS_MAX = 3
SPOKEN_MAX = 1000


class RunNotFinishedError(ConflictError):
    """There is nothing to tell yet."""

    def __init__(self) -> None:
        super().__init__("run_not_finished", "Finish the workflow first; then there is a story.")


def create_run_video(*, execution: Execution, owner: User) -> VideoSession:
    """Draft a video of a finished run; its owner edits it before anything is rendered.

    Not idempotent.

    Args:
        execution: completed, the owner's own; the caller has checked that.
        owner: whose video it becomes.

    Raises:
        RunNotFinishedError: it is not completed.
        RateLimitedError: too many videos in an hour.
        UnprocessableError: the person has as many videos as one may have.
    """
    if execution.state != "completed":
        raise RunNotFinishedError
    return create_video_session(
        owner=owner,
        company=None,
        title=execution.version.title[:120],
        scenes=list(_scenes(execution, owner)),
        origin=Origin.WORKFLOW,
        origin_ref=execution.public_id,
    )


def _scenes(execution: Execution, owner: User) -> list[dict[str, Any]]:
    version = execution.version
    done = [step for step in version.steps if step["number"] in execution.done_steps][:STEPS_MAX]
    scenes: list[dict[str, Any]] = [
        {
            "kind": "title",
            "heading": version.title[:HEADING_MAX],
            "text": f"{len(done)} steps, one after the other",
            "narration": f"{version.title}. {version.description}"[:SPOKEN_MAX],
        }
    ]
    scenes += [
        {
            "kind": "list",
            "heading": f"{step['number']}. {step['title']}"[:HEADING_MAX],
            "items": _points(step.get("tips", "")) or [str(step["title"])[:ITEM_MAX]],
            "narration": f"{step['title']}. {step['description']}"[:SPOKEN_MAX],
        }
        for step in done
    ]
    scenes += [
        {
            "kind": "figure",
            "heading": "What came of it",
            "text": _words(outcome),
            "narration": f"What came of it: {_words(outcome)}.",
        }
        for outcome in outcomes_of_execution(owner, execution)[:OUTCOMES_MAX]
    ]
    scenes.append(
        {
            "kind": "closing",
            "heading": "Your turn",
            "text": version.title[:HEADING_MAX],
            "narration": "That was all of it. Now it is your turn.",
        }
    )
    return scenes


def _points(tips: str) -> list[str]:
    """Return the tips sentence by sentence, as a slide shows them."""
    sentences = re.split(r"(?<=[.!?])\s+", tips.strip())
    return [sentence[:ITEM_MAX] for sentence in sentences if sentence][:POINTS_MAX]


def _words(outcome: Outcome) -> str:
    return format_value(outcome.value_minor, outcome.metric_type, outcome.unit, outcome.unit_label)
