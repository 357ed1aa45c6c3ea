"""WebSocket close codes of every live socket, and what a client does on each.

A refused handshake (bad origin, token or grant) is answered with HTTP 403 and has no code.
"""

from __future__ import annotations

from typing import Final

ENDED: Final = 1000
"""The stream is over. Do not reconnect; read the result over HTTP."""
TOO_LARGE: Final = 1009
"""A frame had more than 64 KiB. Do not repeat it."""
MISUSE: Final = 1008
"""A message outside the published set, or not JSON. A mistake in the client."""
WRONG_KIND: Final = 1003
"""A binary frame where this socket takes text."""
INTERNAL: Final = 1011
"""Something failed on the server. Reconnect with `after`."""
TRY_LATER: Final = 1013
"""The server cannot read the stream now. Reconnect with `after` in some seconds."""
GRANT_ENDED: Final = 4401
"""The token expired or was revoked. Do not reconnect with it."""
TOO_SLOW: Final = 4408
"""The client did not read fast enough. Reconnect with `after`."""
REPLACED: Final = 4409
"""Too many sockets of one grant; the oldest was closed. Do not reconnect by itself."""
TOO_MANY_MESSAGES: Final = 4429
"""The client sent too much too fast. Reconnect with `after` after a pause."""

ALL: Final[dict[int, str]] = {
    ENDED: "The stream is over.",
    TOO_LARGE: "A frame had more than 64 KiB.",
    MISUSE: "A message outside the published set.",
    WRONG_KIND: "A binary frame where text is due.",
    INTERNAL: "Something failed on the server; reconnect with after.",
    TRY_LATER: "The stream cannot be read now; reconnect with after in some seconds.",
    GRANT_ENDED: "The token expired or was revoked.",
    TOO_SLOW: "The client did not read fast enough; reconnect with after.",
    REPLACED: "Too many sockets of one grant; this was the oldest.",
    TOO_MANY_MESSAGES: "Too many messages; pause, then reconnect with after.",
}
