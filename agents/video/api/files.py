"""Signed files of the local storage, with ranges, because players ask for them (RFC 9110, 14).

Django's own file answers know no ranges: Safari then refuses to play, and no browser can seek.
The link is the permission: it was signed for its owner and opens one file for a while.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import IO, Any, Final

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.utils.http import http_date
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from agents.video import storage
from core.errors import ForbiddenError, GoneError, NotFoundError
from core.errors_http import problem_response

CHUNK_BYTES: Final = 256 * 1024
_RANGE: Final = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))")


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Bytes from `start` up to and with `end`."""

    start: int
    end: int

    @property
    def length(self) -> int:
        """How many bytes these are."""
        return self.end - self.start + 1


class RangeUnsatisfiableError(Exception):
    """A well-formed range that names no byte of the file."""


def read_range(header: str | None, size: int) -> ByteRange | None:
    """Return the one range a header asks for; None for the whole file.

    A malformed header and several ranges count as none, which a server is free to do.

    Raises:
        RangeUnsatisfiableError: it lies past the end, or is the last 0 bytes.
    """
    match = _RANGE.fullmatch(header) if header else None
    if match is None:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        length = min(int(suffix), size)
        if length == 0:
            raise RangeUnsatisfiableError
        return ByteRange(size - length, size - 1)
    start = int(first)
    if last and int(last) < start:
        return None
    if start >= size:
        raise RangeUnsatisfiableError
    return ByteRange(start, min(int(last), size - 1) if last else size - 1)


def range_still_fits(header: str | None, *, etag: str, modified: float) -> bool:
    """Tell whether an If-Range header names the file as it is now; without one it does."""
    if header is None:
        return True
    if header.startswith('"'):
        return header == etag
    try:
        # Only the exact date counts (RFC 9110, 13.1.5).
        return int(parsedate_to_datetime(header).timestamp()) == int(modified)
    except (TypeError, ValueError, OverflowError):
        return False


class VideoFile(APIView):
    """``/api/video-files/{token}``."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="video_file",
        summary="Read a file by its signed link",
        description="Answers Range with 206 or 416, and If-Range. The link expires.",
        parameters=[
            OpenApiParameter("Range", str, OpenApiParameter.HEADER),
            OpenApiParameter("If-Range", str, OpenApiParameter.HEADER),
        ],
        responses={
            (200, "video/mp4"): OpenApiResponse(OpenApiTypes.BINARY),
            (206, "video/mp4"): OpenApiResponse(OpenApiTypes.BINARY),
            416: OpenApiResponse(description="The range names no byte of the file."),
        },
    )
    def get(self, request: Request, token: str) -> HttpResponse | StreamingHttpResponse:
        """Answer with the file or a part of it."""
        named = _open_token(token)
        try:
            handle = storage.open_file(named.key)
        except (FileNotFoundError, IsADirectoryError):
            raise NotFoundError(
                "file_not_found", "This file is gone. Make the video again."
            ) from None
        size = handle.seek(0, 2)
        modified = storage.modified_at(named.key)
        etag = f'"{size:x}-{int(modified * 1000):x}"'
        header = request.headers.get("Range")
        if not range_still_fits(request.headers.get("If-Range"), etag=etag, modified=modified):
            header = None
        try:
            wanted = read_range(header, size)
        except RangeUnsatisfiableError:
            handle.close()
            return problem_response(
                status=416,
                code="range_unsatisfiable",
                detail=f"The file has {size} bytes. Ask for some of them.",
                headers={"Content-Range": f"bytes */{size}"},
            )
        part = wanted or ByteRange(0, size - 1)
        disposition = "attachment" if named.as_download else "inline"
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Length": str(part.length),
            "Content-Disposition": f'{disposition}; filename="{named.filename}"',
            "Cache-Control": "private, max-age=300",
            "ETag": etag,
            "Last-Modified": http_date(modified),
        }
        if wanted is not None:
            headers["Content-Range"] = f"bytes {part.start}-{part.end}/{size}"
        content_type = storage.content_type_of(named.key)
        status = 206 if wanted else 200
        if request.method == "HEAD":
            handle.close()
            return HttpResponse(status=status, headers=headers, content_type=content_type)
        return StreamingHttpResponse(
            _stream(request._request, handle, part),
            status=status,
            headers=headers,
            content_type=content_type,
        )

    @extend_schema(exclude=True)
    def head(self, request: Request, token: str) -> HttpResponse | StreamingHttpResponse:
        """Answer as GET does, without the bytes."""
        return self.get(request, token)


def _open_token(token: str) -> storage.SignedFile:
    try:
        return storage.read_token(token)
    except storage.LinkRefusedError as error:
        if error.is_expired:
            raise GoneError(
                "link_expired", "This link has expired. Load the page again for a new one."
            ) from None
        raise ForbiddenError(
            "link_invalid", "This link was not made here, or was changed."
        ) from None


def _stream(request: HttpRequest, handle: IO[bytes], part: ByteRange) -> Any:
    # ASGI would read a synchronous iterator to its end before it sends the first byte.
    chunks = _chunks(handle, part)
    return _async_chunks(chunks) if isinstance(request, ASGIRequest) else chunks


def _chunks(handle: IO[bytes], part: ByteRange) -> Iterator[bytes]:
    with handle:
        handle.seek(part.start)
        left = part.length
        while left > 0:
            chunk = handle.read(min(CHUNK_BYTES, left))
            if not chunk:
                return
            left -= len(chunk)
            yield chunk


async def _async_chunks(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    def take() -> bytes | None:
        return next(chunks, None)

    take_in_thread = sync_to_async(take, thread_sensitive=False)
    try:
        while (chunk := await take_in_thread()) is not None:
            yield chunk
    finally:
        # A player that jumps drops the connection in the middle.
        close: Any = chunks
        close.close()
