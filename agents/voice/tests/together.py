"""Run the conversations of a module side by side: they mostly wait, for sound takes its time.

`@together` turns an async test into one that reads its own outcome. The first of a module's tests
runs all those that were collected, a few at a time on one loop, each with a manager of its own;
at the end not one task may be left of any.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from agents.voice.options import VoiceOptions
from agents.voice.tests.talks import OPTIONS, Scene, tasks_left, threads_of_ours

AT_A_TIME = 12

_scenes: dict[str, dict[str, tuple[Callable[..., Any], VoiceOptions]]] = {}
_outcomes: dict[str, dict[str, BaseException | None]] = {}


def together(test: Callable[..., Any] | None = None, *, options: VoiceOptions = OPTIONS) -> Any:
    """Make a test of an async function that takes any of start_talk, engine, manager, options,
    detector."""
    if test is None:
        return partial(together, options=options)
    module, name = test.__module__, test.__name__
    _scenes.setdefault(module, {})[name] = test, options

    def read_outcome(detector, request):
        if module not in _outcomes:
            wanted = {item.name for item in request.session.items if item.module.__name__ == module}
            _outcomes[module] = asyncio.run(_run(module, wanted, detector))
        if (error := _outcomes[module][name]) is not None:
            raise error

    read_outcome.__name__, read_outcome.__module__ = name, module
    read_outcome.__doc__ = test.__doc__
    return read_outcome


async def _run(module: str, wanted: set[str], detector: Any) -> dict[str, BaseException | None]:
    places = asyncio.Semaphore(AT_A_TIME)
    before = {id(task) for task in asyncio.all_tasks()}
    found: dict[str, BaseException | None] = {}

    async def run_one(name: str, test: Callable[..., Any], options: VoiceOptions) -> None:
        async with places:
            scene = Scene(detector, options)
            names = inspect.signature(test).parameters
            try:
                await test(**{given: getattr(scene, given) for given in names})
                found[name] = None
            except BaseException as error:  # noqa: BLE001 - raised again by its own test
                found[name] = error
            finally:
                await scene.manager.aclose()

    tests = [(name, *scene) for name, scene in _scenes[module].items() if name in wanted]
    await asyncio.gather(*(run_one(*test) for test in tests))
    gc.collect()
    left = await tasks_left(before) + threads_of_ours()
    for name, error in found.items():
        if error is None and left:
            found[name] = AssertionError(f"left behind by the conversations: {left}")
    return found
