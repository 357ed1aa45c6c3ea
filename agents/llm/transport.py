"""An HTTP transport that never takes in more than it was told to.

Owns the limit on response bodies, whatever their status. A server that answers with ten
megabytes, or never stops, must not cost memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2


class BodyTooLargeError(httpx2.TransportError):
    """The response is larger than the limit."""


class _CappedStream(httpx2.AsyncByteStream):
    def __init__(self, inner: httpx2.AsyncByteStream, limit: int) -> None:
        self._inner = inner
        self._limit = limit

    async def __aiter__(self) -> AsyncIterator[bytes]:
        taken = 0
        async for chunk in self._inner:
            taken += len(chunk)
            if taken > self._limit:
                raise BodyTooLargeError("the response body is larger than the limit")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class CappedTransport(httpx2.AsyncHTTPTransport):
    """The ordinary transport, with bodies cut off by an error at `max_body_bytes`."""

    def __init__(self, *, max_body_bytes: int) -> None:
        """Create the transport; the limit is on bytes as they come over the wire."""
        super().__init__()
        self._max_body_bytes = max_body_bytes

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send the request and wrap the body that comes back."""
        # A compressed body could be small on the wire and huge in memory.
        request.headers["accept-encoding"] = "identity"
        response = await super().handle_async_request(request)
        if isinstance(response.stream, httpx2.AsyncByteStream):
            response.stream = _CappedStream(response.stream, self._max_body_bytes)
        return response
