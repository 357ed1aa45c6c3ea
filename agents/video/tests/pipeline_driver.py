"""A worker process for the tests that kill it: makes one attempt and writes down what is said.

Arguments: folder, number of the attempt, number of scenes, and earlier attempts that may be used.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from django.conf import settings


async def main() -> None:
    from agents.video.tests.pipeline_stage import Fence, Stage, long_scenes, make_script

    folder, attempt, scenes, *earlier = sys.argv[1:]
    stage = Stage(
        Path(folder),
        script=make_script(long_scenes(int(scenes), sentences=1)),
        fence=Fence(int(attempt), tuple(map(int, earlier))),
    )

    async def write(update):
        line = {
            "agent": update.agent,
            "status": update.status,
            "step": update.info.get("step"),
            "reused": update.info.get("reused"),
            "key": update.video_key,
        }
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    stage.on_update = write
    await stage.run()


if __name__ == "__main__":
    settings.configure(DEBUG=False, USE_TZ=True)
    asyncio.run(main())
