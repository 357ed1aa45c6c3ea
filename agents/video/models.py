"""Rows of the video app: scripts, runs, where each agent stands, what it cost. No I/O.

Knows people and companies, no survey and no workflow: those above hand their scenes down.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models

from accounts.models import Company
from core.fields import PublicIdField
from core.lease import LeasedModel
from core.models import AppendOnlyModel

STALLED_AFTER = timedelta(seconds=30)
"""How long a run may stand without a worker before a page says so."""


class SceneKind(models.TextChoices):
    """What a scene shows."""

    TITLE = "title", "Title"
    CHART = "chart", "Chart"
    QUOTE = "quote", "Quote"
    FIGURE = "figure", "Key figure"
    LIST = "list", "List"
    CLOSING = "closing", "Closing"


class Origin(models.TextChoices):
    """Where a script came from; the row it came from is named by ``origin_ref``."""

    STUDIO = "studio", "Written in the studio"
    API = "api", "Sent by a program"
    SURVEY = "survey", "A survey's findings"
    WORKFLOW = "workflow", "A workflow"


class VideoSession(models.Model):
    """A script of scenes that runs turn into videos."""

    public_id = PublicIdField(prefix="video")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="video_sessions",
    )
    """The one person who changes and starts it. Of a company's survey, colleagues watch it too."""
    company = models.ForeignKey(
        Company, on_delete=models.SET_NULL, null=True, blank=True, related_name="video_sessions"
    )
    title = models.CharField(max_length=120)
    scenes = models.JSONField(default=list)
    """List of objects as `agents.video.script_rules` checks them."""
    language = models.CharField(max_length=16, default="en")
    voice = models.CharField(max_length=64, blank=True)
    """A voice of the speech provider; empty means its own choice for the language."""
    storage_prefix = models.CharField(max_length=160)
    """Folder of all its files, ending in a slash; stays when the owner's row goes."""
    revision = models.PositiveIntegerField(default=1)
    """Raised by each change of the script; a run remembers which one it shows."""
    last_attempt = models.PositiveIntegerField(default=0)
    """Counts the attempts of all runs, so that no two ever write below one key."""
    origin = models.CharField(max_length=16, choices=Origin.choices, default=Origin.STUDIO)
    origin_ref = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    erased_at = models.DateTimeField(null=True, blank=True)
    """Set when its person deleted it: the words are gone, the ledger's lines stay."""
    files_erased_at = models.DateTimeField(null=True, blank=True)
    """After that: when nothing of it was left in the storage."""

    class Meta:
        db_table = "video_session"
        verbose_name = "video"
        indexes: ClassVar = [
            models.Index(fields=["owner", "-created_at"]),
            models.Index(fields=["origin", "origin_ref"]),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def stream_name(self) -> str:
        """The live event stream of its status messages."""
        return f"video_session.{self.public_id}"


class RunState(models.TextChoices):
    """Where a run stands; the last three are final."""

    QUEUED = "queued", "Waiting for a worker"
    RUNNING = "running", "Running"
    FINISHED = "finished", "Finished"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


RUN_TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.RUNNING, RunState.FAILED, RunState.CANCELLED}),
    RunState.RUNNING: frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED}),
    RunState.FINISHED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}
OPEN_STATES = (RunState.QUEUED, RunState.RUNNING)


class VideoRun(LeasedModel):
    """One rendering of a script, over as many attempts as workers die on the way."""

    public_id = PublicIdField(prefix="run")
    video_session = models.ForeignKey(VideoSession, on_delete=models.PROTECT, related_name="runs")
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.QUEUED)
    test = models.CharField(max_length=40, default="Full Test")
    """What the caller asked for; there is one kind of process."""
    revision = models.PositiveIntegerField()
    """Of the script it renders."""
    attempt = models.PositiveIntegerField(default=0)
    """Number of the present attempt within the whole video session; part of every storage key."""
    first_attempt = models.PositiveIntegerField(default=0)
    """Attempts of one session come one after the other, so those of a run are a range."""
    tries = models.PositiveSmallIntegerField(default=0)
    """How many attempts this run has had."""
    error = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=500, blank=True)
    video_key = models.CharField(max_length=300, blank=True)
    captions_key = models.CharField(max_length=300, blank=True)
    chapters_key = models.CharField(max_length=300, blank=True)
    """Storage keys. A link is signed whenever one is read."""
    duration_seconds = models.FloatField(null=True, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    """The worker's last sign of life."""
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    """When its video was taken back, because somebody in it had their words erased."""
    swept_at = models.DateTimeField(null=True, blank=True)
    """When the files nobody needs any more were removed."""

    class Meta:
        verbose_name = "video run"
        indexes: ClassVar = [
            models.Index(fields=["video_session", "-created_at"]),
            models.Index(fields=["state", "leased_until"]),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["video_session"],
                condition=models.Q(state__in=OPEN_STATES),
                name="video_run_one_open_a_session",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=OPEN_STATES, ended_at__isnull=True)
                | (~models.Q(state__in=OPEN_STATES) & models.Q(ended_at__isnull=False)),
                name="video_run_ended_says_when",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=RunState.FINISHED) | ~models.Q(video_key=""),
                name="video_run_finished_has_a_video",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=(RunState.FAILED, RunState.CANCELLED))
                | ~models.Q(reason=""),
                name="video_run_failed_says_why",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def is_stalled(self, now: datetime) -> bool:
        """Tell whether it is open and nobody has worked on it for half a minute."""
        if not self.is_open:
            return False
        seen = max(moment for moment in (self.created_at, self.heartbeat_at) if moment)
        return now - seen > STALLED_AFTER

    def may_become(self, state: RunState) -> bool:
        """Tell whether the state machine has this step."""
        return state in RUN_TRANSITIONS[RunState(self.state)]


class AgentName(models.TextChoices):
    """Who reports. The names are those of the status messages."""

    ORCHESTRATOR = "Orchestrator", "Orchestrator"
    AGENT2 = "Agent2", "Visuals"
    AGENT4 = "Agent4", "Narration"
    AGENT5 = "Agent5", "Composition"


class AgentStatus(models.TextChoices):
    """What an agent says of itself."""

    STARTING = "starting", "Starting"
    PROCESSING = "processing", "Working"
    FINISHED = "finished", "Finished"
    ERROR = "error", "Error"


AGENT_TRANSITIONS: dict[AgentStatus, frozenset[AgentStatus]] = {
    AgentStatus.STARTING: frozenset(
        {AgentStatus.PROCESSING, AgentStatus.FINISHED, AgentStatus.ERROR}
    ),
    AgentStatus.PROCESSING: frozenset(
        {AgentStatus.PROCESSING, AgentStatus.FINISHED, AgentStatus.ERROR}
    ),
    AgentStatus.FINISHED: frozenset(),
    AgentStatus.ERROR: frozenset(),
}
"""Within one attempt; the next attempt starts afresh."""


class RunAgent(models.Model):
    """The latest word of one agent in one run."""

    run = models.ForeignKey(VideoRun, on_delete=models.CASCADE, related_name="agents")
    agent = models.CharField(max_length=16, choices=AgentName.choices)
    attempt = models.PositiveIntegerField()
    status = models.CharField(max_length=12, choices=AgentStatus.choices)
    seq = models.PositiveBigIntegerField()
    """Number of the status event that said so."""
    message: models.JSONField[Any, Any] = models.JSONField()
    """The status message as stored: without ``seq`` and without a link."""
    updated_at = models.DateTimeField()

    class Meta:
        verbose_name = "agent of a run"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["run", "agent"], name="run_agent_once"),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {self.status}"


class AgentCost(AppendOnlyModel):
    """What one agent spent with one provider in one attempt. Never changed, never deleted."""

    # No way back from the run: its default manager only adds and reads, which confuses the stubs.
    run = models.ForeignKey(VideoRun, on_delete=models.PROTECT, related_name="+")
    attempt = models.PositiveIntegerField()
    agent = models.CharField(max_length=16, choices=AgentName.choices)
    provider = models.CharField(max_length=60)
    unit = models.CharField(max_length=40)
    """What is counted, such as ``characters``."""
    quantity = models.DecimalField(max_digits=14, decimal_places=3)
    amount_usd = models.DecimalField(max_digits=12, decimal_places=6)
    reference = models.CharField(max_length=120)
    """The provider's id of the request, or a number within the attempt: counts once."""
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "agent cost"
        default_permissions = ("view",)
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["run", "attempt", "agent", "reference"], name="agent_cost_counts_once"
            ),
            models.CheckConstraint(
                condition=models.Q(amount_usd__gte=0) & models.Q(quantity__gte=0),
                name="agent_cost_is_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {self.amount_usd}"
