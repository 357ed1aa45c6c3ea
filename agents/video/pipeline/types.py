"""The words the pipeline speaks, and what it asks of whoever runs it.

Owns frozen dataclasses and Protocols. Knows no row, no storage class and no vendor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol, Self


class SceneKind(StrEnum):
    """What a scene shows."""

    TITLE = "title"
    CHART = "chart"
    QUOTE = "quote"
    FIGURE = "figure"
    LIST = "list"
    CLOSING = "closing"


class AgentName(StrEnum):
    """Who reports, as the status message spells it."""

    ORCHESTRATOR = "Orchestrator"
    AGENT2 = "Agent2"
    AGENT4 = "Agent4"
    AGENT5 = "Agent5"


class AgentStatus(StrEnum):
    """What an agent says of itself; the last two are final within an attempt."""

    STARTING = "starting"
    PROCESSING = "processing"
    FINISHED = "finished"
    ERROR = "error"


class StopReason(StrEnum):
    """Why a run is stopped from outside."""

    CANCELLED = "cancelled"
    """A person asked for it. Agents and Orchestrator say so; the run is over."""
    FENCED = "fenced"
    """Another attempt owns the run. Nothing more is reported."""
    SHUTDOWN = "shutdown"
    """This process ends. Nothing final is reported: the next attempt goes on."""


class PipelineError(Exception):
    """A run, or a step of it, that cannot go on.

    Args:
        error: short and stable, such as ``ffmpeg_missing``; at most 200 characters.
        reason: one sentence for a person: what happened and what to do; at most 500.
        agent: who failed, set by the orchestrator where the step does not know.
    """

    def __init__(self, error: str, reason: str, *, agent: AgentName | None = None) -> None:
        super().__init__(f"{error}: {reason}")
        self.error = error[:200]
        self.reason = reason[:500]
        self.agent = agent


class RowError(PipelineError):
    """There is no such row, or it belongs to somebody else."""

    def __init__(self, reason: str = "There is no such video session of this person.") -> None:
        super().__init__("session_not_found", reason)


class StoppedError(PipelineError):
    """The run was stopped from outside; `stop_reason` says why."""

    def __init__(self, stop_reason: StopReason, reason: str) -> None:
        super().__init__(stop_reason.value, reason)
        self.stop_reason = stop_reason


@dataclass(frozen=True, slots=True)
class ChartValue:
    """One bar."""

    label: str
    value: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One slide and what the voice says over it."""

    kind: SceneKind
    heading: str
    narration: str
    text: str = ""
    """Subtitle, quoted words or the figure itself, by kind."""
    items: tuple[str, ...] = ()
    """The points of a list. Elsewhere small print: who said a quote, what a figure is of."""
    values: tuple[ChartValue, ...] = ()

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        return cls(
            kind=SceneKind(value["kind"]),
            heading=value["heading"],
            narration=value.get("narration", ""),
            text=value.get("text", ""),
            items=tuple(value.get("items", ())),
            values=tuple(
                ChartValue(item["label"], float(item["value"])) for item in value.get("values", ())
            ),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the object `from_json` takes, without the fields that are empty."""
        found: dict[str, Any] = {"kind": self.kind.value, "heading": self.heading}
        if self.text:
            found["text"] = self.text
        if self.items:
            found["items"] = list(self.items)
        if self.values:
            found["values"] = [{"label": one.label, "value": one.value} for one in self.values]
        return {**found, "narration": self.narration}


@dataclass(frozen=True, slots=True)
class Script:
    """One row of scripts as the agents see it."""

    id: str
    user_id: str
    title: str
    language: str
    scenes: tuple[Scene, ...]
    voice: str = ""
    """A voice of the speech provider; empty for its own choice."""


@dataclass(frozen=True, slots=True)
class Cost:
    """One line of what was spent. Offline work is a line of zero dollars."""

    provider: str
    unit: str
    """What is counted, such as ``characters``."""
    quantity: Decimal
    amount_usd: Decimal
    reference: str
    """The provider's id of the request, or a name unique within agent and attempt."""


@dataclass(frozen=True, slots=True)
class AgentUpdate:
    """What an agent or the orchestrator says; whoever receives it adds ids and time."""

    agent: AgentName
    status: AgentStatus
    error: str = ""
    """Stable code; set if and only if the status is ``error``."""
    reason: str = ""
    progress: float | None = None
    """0 to 100; never falls within an attempt."""
    file_count: int | None = None
    cost: Decimal | None = None
    """Dollars this agent has spent in this attempt; of the orchestrator: all agents together."""
    video_key: str = ""
    """Storage key of the video; in the finished messages of Agent5 and Orchestrator."""
    info: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON for whoever looks closer."""
    new_costs: tuple[Cost, ...] = ()
    """Ledger lines since this agent's last update."""


@dataclass(frozen=True, slots=True)
class VideoResult:
    """What a run that finished left in the storage."""

    video_key: str
    captions_key: str
    """WebVTT."""
    chapters_key: str
    """WebVTT of chapters."""
    duration_seconds: float
    size_bytes: int
    cost_usd: Decimal


class RowLoader(Protocol):
    """Reads the script of a session, anew each time it is asked."""

    async def __call__(self, user_id: str, session_id: str) -> Script:
        """Return the script whose id and user both match.

        Raises:
            RowError: no such row of this user.
        """
        ...


class Reporter(Protocol):
    """Takes every update, in order. Slow ones hold the agent up, so they should not be."""

    async def __call__(self, update: AgentUpdate) -> None:
        """Write the update down and publish it.

        Raises:
            StoppedError: with `StopReason.FENCED`, when another attempt owns the run by now.
        """
        ...


class Fence(Protocol):
    """Says whether this attempt still owns the run."""

    @property
    def attempt(self) -> int:
        """Number of this attempt, from 1; no two attempts of one session share one."""
        ...

    @property
    def reusable_attempts(self) -> tuple[int, ...]:
        """Earlier attempts of this same run whose finished work may be taken, newest first."""
        ...

    async def holds(self) -> bool:
        """Return False once another attempt has taken the run over."""
        ...
