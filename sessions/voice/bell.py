"""A room that wants its agent rings; whoever runs rooms need not wait for the next look.

A nudge and no more: the row says that an agent is wanted, and what did not ring, or rang while
the channel layer was away, is found by looking.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Final

from channels.layers import get_channel_layer

from core.live.publishing import group_name, use_loop
from sessions.services.voices import WAITING_ROOMS

logger = logging.getLogger(__name__)

_GROUP: Final = group_name(WAITING_ROOMS)
RENEW_SECONDS: Final = 3600.0
"""Layers forget their members after a day."""
RETRY_SECONDS: Final = 2.0


class Bell:
    """What one process hears; `listen` runs until it is cancelled."""

    def __init__(self) -> None:
        self._has_rung = asyncio.Event()

    async def wait(self, seconds: float) -> bool:
        """Wait until it rings, at most so long; tell whether it did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_rung.wait(), max(0.0, seconds))
        has_rung = self._has_rung.is_set()
        self._has_rung.clear()
        return has_rung

    async def listen(self) -> None:
        """Hear every ring from now on, through failures of the channel layer."""
        use_loop(asyncio.get_running_loop())
        while (layer := get_channel_layer()) is not None:
            channel = ""
            try:
                channel = await layer.new_channel()
                await layer.group_add(_GROUP, channel)
                async with asyncio.timeout(RENEW_SECONDS):
                    while True:
                        await layer.receive(channel)
                        self._has_rung.set()
            except TimeoutError:
                # A new channel keeps the membership fresh.
                continue
            except Exception as error:  # noqa: BLE001 - whatever the layer's client raises
                logger.warning("voice.bell_failed", extra={"error": type(error).__name__})
                await asyncio.sleep(RETRY_SECONDS)
            finally:
                if channel:
                    with contextlib.suppress(Exception):
                        # Gone with its process or its server anyway.
                        await layer.group_discard(_GROUP, channel)
