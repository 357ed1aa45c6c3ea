"""The one detector of all tests, and a scene for those that run alone."""

from __future__ import annotations

import asyncio
import gc

import pytest
import pytest_asyncio

from agents.voice.tests.talks import OPTIONS, Scene, tasks_left, threads_of_ours


@pytest.fixture(scope="session")
def detector():
    """Return silero's detector, loaded once, on the main thread as in a server."""
    from agents.voice.detector import load_detector, load_plugins

    load_plugins()
    # What is loaded now stays: the collections after each scene need not walk through it.
    gc.collect()
    gc.freeze()
    return load_detector()


@pytest.fixture(scope="session", autouse=True)
def _watch_closely():
    """Look for silence and limits more often, so that tests need not wait for the next look."""
    from agents.voice import live

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live, "WATCH_SECONDS", 0.1)
        yield


@pytest.fixture
def options():
    return OPTIONS


@pytest_asyncio.fixture
async def scene(detector):
    """Return a manager; afterwards not one task and not one thread of it may be left."""
    before = {id(task) for task in asyncio.all_tasks()}
    made = Scene(detector)
    yield made
    await made.manager.aclose()
    gc.collect()
    assert await tasks_left(before) == []
    assert threads_of_ours() == []


@pytest.fixture
def manager(scene):
    return scene.manager


@pytest.fixture
def engine(scene):
    return scene.engine


@pytest.fixture
def start_talk(scene):
    return scene.start_talk
