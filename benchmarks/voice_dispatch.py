"""LiveKit's own way to bring an agent into a room: workers and explicit dispatch.

The peer of `voice_pickup`, which starts it; `python -m benchmarks.voice_dispatch process|thread
NAME` is one worker. Its job joins the room and does nothing else, so that what is measured is the
least an agent by dispatch needs. Four idle executors wait ready. The worker always says that it
is idle: the server drops a dispatch for which every worker reports a load above its `target_load`
(0.7), answers it as made all the same, and never tries it again; on two cores the start of the
executors is load enough for that.
"""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from livekit.agents import JobContext

    from tests.services.stack import Stack

IDLE: Final = 4
REGISTERED: Final = "registered with"


async def join(ctx: JobContext) -> None:
    """Do the job: be in the room until it ends."""
    await ctx.connect()


def serve(executor: str, agent_name: str) -> None:
    """Run one worker until it is ended."""
    from livekit.agents import AgentServer, JobExecutorType

    server = AgentServer(
        job_executor_type=JobExecutorType(executor),
        num_idle_processes=IDLE,
        load_fnc=lambda: 0.0,
        host="127.0.0.1",
        port=0,
    )
    server.rtc_session(join, agent_name=agent_name)
    server.on("worker_registered", lambda *_: print(REGISTERED, "livekit", flush=True))
    asyncio.run(server.run())


def start_peer(stack: Stack, name: str, executor: str, agent_name: str) -> None:
    """Start a worker beside ours, in the same environment; end it with the stack."""
    stack.start(name, [sys.executable, "-m", "benchmarks.voice_dispatch", executor, agent_name], {})


def main() -> None:
    """Be one worker."""
    # By its own name: executors that are processes import where the job comes from.
    from benchmarks import voice_dispatch

    voice_dispatch.serve(sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
