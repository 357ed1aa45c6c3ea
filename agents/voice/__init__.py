"""Spoken conversations: the AgentManager, its transports and speech engines.

The only package that imports livekit.agents, and only in a process that speaks: importing this
module or `types`, or asking `engines` what there is, costs other processes nothing.

How an app uses it::

    preload()                                   # start-up, main thread, before the port opens
    manager = get_manager()                     # later, on the server's event loop
    voice = await manager.start(ticket, briefing, sink, host)
    voice.audio.push(pcm)                       # what the person does, see `types.LiveVoice`
    await manager.stop(session_id)              # nothing is left after it

`host` finds the agent's words and keeps the person's; `sink` shows and stores events. A turn goes
`InterimTranscript`… → `host.take_turn` → `host.reply` (or a tool of a survey) → sound with
`AgentCaption`… → `AgentSpoken`. `SpeechChanged(USER, True)` is when a player ducks,
`AudioCleared` when it drops what it has; after a cough the same segment goes on in a new
generation. The last event of all is `VoiceEnded`.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from agents.voice.types import VoiceUnavailableError

if TYPE_CHECKING:
    from livekit.agents import vad

    from agents.voice.agent_manager import AgentManager

_detector: vad.VAD | None = None
_manager: AgentManager | None = None


def preload() -> None:
    """Load the speech libraries and the detector: 1 to 3 seconds, about 150 MB.

    Raises:
        RuntimeError: not on the main thread, where alone livekit's plugins can be registered.
    """
    global _detector
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("speech libraries are loaded on the main thread, at start-up")
    if _detector is None:
        from agents.voice.detector import load_detector, load_plugins

        load_plugins()
        _detector = load_detector()


def is_loaded() -> bool:
    """Tell whether this process can speak."""
    return _detector is not None


def get_manager() -> AgentManager:
    """Return the one AgentManager of this process.

    Raises:
        VoiceUnavailableError: `preload` was not called here (``voice_not_loaded``).
    """
    global _manager
    if _detector is None:
        raise VoiceUnavailableError(
            "voice_not_loaded", "This server does not speak. Please go on by typing."
        )
    if _manager is None:
        from agents.voice.agent_manager import AgentManager
        from agents.voice.options import read_options

        _manager = AgentManager(read_options(), _detector)
    return _manager


async def close_manager() -> None:
    """Stop all agents of this process; the next `get_manager` makes a fresh one."""
    global _manager
    manager, _manager = _manager, None
    if manager is not None:
        await manager.aclose()
