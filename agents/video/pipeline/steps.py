"""What the agents' steps have in common: limits of time, workers, the fence, work done before.

Knows no agent.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from agents.video.pipeline.context import RunContext
from agents.video.pipeline.processes import describe_exit, run_process
from agents.video.pipeline.types import PipelineError, Script, StoppedError, StopReason
from agents.video.pipeline.workspace import Manifest

OnMessage = Callable[[dict[str, Any]], Awaitable[None]]


def refuse_empty(script: Script) -> None:
    """Refuse a script without scenes.

    Raises:
        PipelineError: ``script_empty``.
    """
    if not script.scenes:
        raise PipelineError("script_empty", "The script has no scene. Add one and start again.")


def hash_script(script: Script) -> str:
    """Return a digest of everything in the script: two agents that saw the same one agree on it."""
    content = {
        "title": script.title,
        "language": script.language,
        "voice": script.voice,
        "scenes": [scene.to_json() for scene in script.scenes],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@asynccontextmanager
async def limit_time(what: str, seconds: float) -> AsyncIterator[None]:
    """Stop what runs inside after so many seconds.

    Raises:
        PipelineError: ``timed_out``.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise PipelineError(
            "timed_out", f"{what} took longer than {seconds:.0f} seconds and was stopped."
        ) from error


async def run_worker(
    command: Sequence[str],
    *,
    scratch: Path,
    order: dict[str, Any],
    on_message: OnMessage,
    error: str,
    what: str,
) -> None:
    """Run a worker of ours to its end; it takes JSON and answers with JSON lines.

    Args:
        command: of `processes.module_command`.
        scratch: the run's folder.
        order: what it is to do.
        on_message: awaited with each object it writes, but for its own error.
        error: code used when it fails without giving one.
        what: its work, as the beginning of a sentence.

    Raises:
        PipelineError: the worker's own error, or `error`.
    """
    refusals: list[PipelineError] = []
    ended = False

    async def read(line: str) -> None:
        nonlocal ended
        try:
            message = json.loads(line)
        except ValueError:
            # A library may print something of its own.
            return
        if not isinstance(message, dict):
            return
        if "error" in message:
            refusals.append(PipelineError(message["error"], message["reason"]))
            return
        ended = ended or "end" in message
        await on_message(message)

    try:
        code, last_words = await run_process(
            command, scratch=scratch, stdin=json.dumps(order).encode(), on_line=read
        )
    except BaseExceptionGroup as group:
        raise first_cause(group) from group
    if refusals:
        raise refusals[0]
    if code != 0 or not ended:
        words = last_words.strip().rpartition("\n")[2][-200:]
        detail = f" ({words})" if words else ""
        raise PipelineError(error, f"{what} failed: {describe_exit(code)}{detail}.")


def first_cause(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the first error in a group that is no group itself."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


async def hold_fence(context: RunContext) -> None:
    """Make sure this attempt still owns the run.

    Raises:
        StoppedError: another one does.
    """
    if not await context.fence.holds():
        raise StoppedError(StopReason.FENCED, "another attempt has taken the run over")


async def reuse(
    context: RunContext, agent: str, input_hash: str, script_hash: str
) -> Manifest | None:
    """Take an earlier attempt's work for this one when it was made of the same input.

    The files stay where they are; this attempt's own manifest names them.
    """
    earlier = context.fence.reusable_attempts
    if not earlier:
        return None
    for manifest in await context.workspace.scan(agent, earlier):
        if manifest.input_hash == input_hash and await context.workspace.is_complete(manifest):
            await hold_fence(context)
            return await context.workspace.write_manifest(
                agent,
                input_hash=input_hash,
                script_hash=script_hash,
                files=manifest.files,
                info=manifest.info,
            )
    return None
