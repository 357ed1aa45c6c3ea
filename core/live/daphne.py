"""Lets Daphne send every close code that RFC 6455 gives to servers.

Daphne closes through an interface of autobahn that is meant for applications and refuses codes
such as 1008 and 1009: the socket then ends with 1011 and a traceback in the log (measured with
daphne 4.2.3, autobahn 26.10). Knows nothing of our sockets.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import Any


@cache
def allow_server_close_codes() -> None:
    """Patch Daphne's socket when it is the server of this process; once."""
    ws_protocol: Any = sys.modules.get("daphne.ws_protocol")
    if ws_protocol is not None:
        ws_protocol.WebSocketProtocol.serverClose = _close


def _close(protocol: Any, code: int | None = None) -> None:
    # What the refusing interface ends up calling too, after its check.
    protocol.sendCloseFrame(code=1000 if code is None else code)
