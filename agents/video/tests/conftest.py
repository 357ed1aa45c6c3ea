from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from agents.video import storage
from agents.video.pipeline.types import (
    AgentName,
    AgentStatus,
    AgentUpdate,
    Cost,
    PipelineError,
    StoppedError,
    StopReason,
    VideoResult,
)
from agents.video.services import rendering, scripts

SCENES = [
    {"kind": "title", "heading": "What people told us", "narration": "This is what we heard."},
    {
        "kind": "chart",
        "heading": "Why they left",
        "values": [{"label": "Price", "value": 12}, {"label": "Speed", "value": 30}],
        "narration": "Most of them left because it was slow.",
    },
    {"kind": "quote", "heading": "A customer", "text": "It took ages.", "narration": "Ages."},
    {"kind": "figure", "heading": "Would return", "text": "87 %", "narration": "Most return."},
    {"kind": "list", "heading": "Next", "items": ["Cache it", "Say so"], "narration": "Two steps."},
    {"kind": "closing", "heading": "Thank you", "narration": "Thank you for watching."},
]
VIDEO = bytes(range(256)) * 40


@pytest.fixture(autouse=True)
def video_folder(tmp_path, settings):
    """Keep the files of each test to itself."""
    folder = tmp_path / "videos"
    kept = storage.storages._storages
    before = kept.get(storage.ALIAS)
    kept[storage.ALIAS] = FileSystemStorage(location=folder, base_url=None, allow_overwrite=True)
    yield folder
    if before is None:
        kept.pop(storage.ALIAS, None)
    else:
        kept[storage.ALIAS] = before


@pytest.fixture
def make_video():
    """Return a function that writes a script for somebody."""

    def make(owner, company=None, **fields):
        wanted = {"title": "What we heard", "scenes": SCENES, **fields}
        return scripts.create_video_session(owner=owner, company=company, **wanted)

    return make


class StandInPipeline:
    """An orchestrator that says what the real one says, in its order, and renders nothing."""

    def __init__(self, plan, load_row, report, fence):
        self.plan = plan
        self.load_row = load_row
        self.report = report
        self.fence = fence
        self.stopped = None
        self.task = None

    async def say(self, agent, status, **fields):
        await self.report(AgentUpdate(AgentName(agent), AgentStatus(status), **fields))

    async def start_full_test_process(self, user_id, session_id):
        self.task = asyncio.current_task()
        try:
            return await self._run(user_id, session_id)
        except asyncio.CancelledError:
            if self.stopped is None:
                raise
            self.task.uncancel()
            if self.stopped is StopReason.CANCELLED:
                await self.say("Agent2", "error", error="cancelled", reason="cancelled")
                await self.say("Orchestrator", "error", error="cancelled", reason="cancelled")
            raise StoppedError(self.stopped, "stopped") from None

    async def _run(self, user_id, session_id):
        await self.say("Orchestrator", "starting", progress=0)
        script = await self.load_row(user_id, session_id)
        await self.say("Agent2", "starting")
        await self.say("Agent4", "starting")
        await self.say("Agent2", "processing", progress=50)
        self.plan.reached.set()
        if self.plan.hang:
            await asyncio.Event().wait()
        if self.plan.fail is not None:
            raise self.plan.fail
        if self.plan.error:
            await self.say("Agent4", "error", error=self.plan.error, reason="No voice is there.")
            stopped = "stopped because Agent4 failed"
            await self.say("Agent2", "error", error="stopped", reason=stopped)
            await self.say(
                "Orchestrator", "error", error=self.plan.error, reason="No voice is there."
            )
            raise PipelineError(self.plan.error, "No voice is there.")
        cost = Cost("openai", "characters", Decimal(200), Decimal("0.0024"), "req-1")
        await self.say("Agent2", "finished", file_count=len(script.scenes))
        await self.say("Agent4", "finished", file_count=7, new_costs=(cost,))
        await self.say("Agent5", "starting")
        await self.say("Agent5", "processing", progress=40, info={"step": "encoding"})
        prefix = storage.session_prefix(user_id, session_id)
        folder = f"{prefix}agent5/attempt-{self.fence.attempt}/"
        store = storage.video_storage()
        for name, content in (
            ("video.mp4", VIDEO),
            ("captions.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello\n"),
            ("chapters.vtt", b"WEBVTT\n\n00:00.000 --> 00:01.000\nTitle\n"),
        ):
            await asyncio.to_thread(store.save, folder + name, ContentFile(content))
        key = f"{folder}video.mp4"
        await self.say("Agent5", "finished", video_key=key)
        await self.say("Orchestrator", "finished", video_key=key)
        return VideoResult(
            video_key=key,
            captions_key=f"{folder}captions.vtt",
            chapters_key=f"{folder}chapters.vtt",
            duration_seconds=12.5,
            size_bytes=len(VIDEO),
            cost_usd=Decimal("0.0024"),
        )

    async def stop(self, reason):
        self.stopped = reason
        self.task.cancel()


class Plan:
    """What the stand-in does, and what it has done."""

    def __init__(self):
        import threading

        self.reached = threading.Event()
        self.hang = False
        self.error = ""
        self.fail = None
        self.made = []


@pytest.fixture
def pipeline(monkeypatch):
    """Put a stand-in in the place of the pipeline and return its plan."""
    plan = Plan()

    def build(*, load_row, report, fence):
        made = StandInPipeline(plan, load_row, report, fence)
        plan.made.append(made)
        return made

    monkeypatch.setattr(rendering, "build_orchestrator", build)
    return plan
