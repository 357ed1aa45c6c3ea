"""What a server process loads before its port opens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROBE = (
    "import sys, config.asgi; "
    "print([name for name in ('openai', 'stripe', 'boto3', 'livekit.agents') "
    "if name in sys.modules])"
)


@pytest.mark.parametrize(("llm", "loaded"), [("", "[]"), ("http://127.0.0.1:9/v1", "['openai']")])
def test_heavy_libraries_load_only_where_they_are_switched_on(tmp_path, llm, loaded):
    environment = {
        **os.environ,
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "OPENAI_BASE_URL": llm,
        "OPENAI_API_KEY": "",
    }

    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == loaded
