from __future__ import annotations

import asyncio
import subprocess
import sys
import time

import pytest

from agents.video.pipeline.processes import (
    describe_exit,
    module_command,
    program_command,
    record_owner,
    run_process,
)
from agents.video.pipeline.slots import count_slots, hold_slot
from agents.video.tests.pipeline_stage import none_left, processes_in, until_busy


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "run-1"
    folder.mkdir()
    record_owner(folder)
    return folder


def shell(script):
    return program_command("/bin/sh", "-c", script)


async def run(scratch, script, **fields):
    lines = []

    async def read(line):
        lines.append(line)

    code, said = await run_process(shell(script), scratch=scratch, on_line=read, **fields)
    return code, said, lines


async def test_a_process_is_read_to_its_end(scratch):
    code, said, lines = await run(scratch, "cat; echo out; echo err >&2; exit 4", stdin=b"in\n")

    assert (code, said, lines) == (4, "err\n", ["in", "out"])
    assert list((scratch / "processes").iterdir()) == []


async def test_much_said_on_every_pipe_stops_nothing_and_only_the_end_is_kept(scratch):
    script = "yes error | head -c 3000000 >&2; yes line | head -n 20000; echo last >&2"

    code, said, lines = await run(scratch, script, stdin=b"x" * 3_000_000)

    assert (code, len(lines)) == (0, 20_000)
    assert said.endswith("last\n")
    assert len(said) <= 4000


async def test_a_child_gets_no_secret_of_the_environment(scratch, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "canary-key")

    _, _, lines = await run(scratch, "env")

    assert not any("canary" in line or "DATABASE" in line for line in lines)


async def test_a_program_that_is_not_there_is_an_exit_code(scratch):
    async def read(line):
        raise AssertionError(line)

    code, said = await run_process(
        program_command("/nowhere/program"), scratch=scratch, on_line=read
    )

    assert code != 0
    assert "No such file" in said


async def test_cancelling_ends_the_whole_family(scratch):
    # A grandchild that ignores the request to end and has no pipe of its own.
    family = "(trap '' TERM; sleep 60) >/dev/null 2>&1 & (trap '' TERM; sleep 60) & wait"
    running = asyncio.create_task(run(scratch, family))
    await until_busy(scratch)
    await asyncio.sleep(0.2)
    assert len(processes_in(scratch)) >= 3

    started = time.monotonic()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    # They would sleep for a minute.
    assert time.monotonic() - started < 30
    assert none_left(scratch)


async def test_a_reader_that_fails_ends_the_process(scratch):
    async def read(line):
        raise ValueError("unreadable")

    with pytest.raises(ExceptionGroup):
        await run_process(shell("echo one; sleep 60"), scratch=scratch, on_line=read)

    assert none_left(scratch)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a signal of Linux")
def test_a_child_whose_parent_is_another_ends_at_once(tmp_path):
    command = module_command("this")
    command[3] = "1"

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)

    assert (ended.returncode, ended.stdout) == (113, b"")


def test_exits_are_told_in_words():
    assert describe_exit(3) == "it ended with code 3"
    assert "out of memory" in describe_exit(-9)
    assert describe_exit(-11) == "it was ended by signal 11"


async def test_only_as_many_compose_at_once_as_there_are_slots(tmp_path):
    inside, most = [], []

    async def compose(number):
        async with hold_slot(tmp_path, slots=2):
            inside.append(number)
            most.append(len(inside))
            await asyncio.sleep(0.05)
            inside.remove(number)

    await asyncio.gather(*(compose(number) for number in range(5)))

    assert max(most) == 2
    assert len(most) == 5


def start_holder(folder):
    program = (
        "import asyncio, pathlib, sys\n"
        "from agents.video.pipeline.slots import hold_slot\n"
        "async def main():\n"
        "    async with hold_slot(pathlib.Path(sys.argv[1]), slots=1):\n"
        "        print('held', flush=True)\n"
        "        await asyncio.sleep(60)\n"
        "asyncio.run(main())\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    return holder


async def test_a_slot_comes_back_when_its_holder_is_killed(tmp_path):
    holder = start_holder(tmp_path)
    with holder.stdout:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3), hold_slot(tmp_path, slots=1):
                raise AssertionError("it was held")
        holder.kill()
        holder.wait()

    async with asyncio.timeout(2), hold_slot(tmp_path, slots=1):
        pass


def test_there_is_at_least_one_slot():
    assert count_slots() >= 1
