"""Tables that leave the product, streamed: CSV safe to open in a spreadsheet, and JSON lines.

Knows no table: callers bring rows from a selector, best from `.iterator()`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse

from core.text import neutralise_cell

UTF8_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
CHUNK_ROWS = 200


def iter_csv(
    header: Sequence[str], rows: Iterable[Sequence[object]], *, bom: bool = False
) -> Iterator[str]:
    """Yield CSV text (RFC 4180) in chunks of rows, every cell neutralised.

    Args:
        header: column names.
        rows: cells in the order of the header.
        bom: start with a byte order mark, which Excel needs to read UTF-8.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if bom:
        buffer.write(UTF8_BOM)
    writer.writerow([neutralise_cell(name) for name in header])
    for count, row in enumerate(rows, start=1):
        writer.writerow([neutralise_cell(cell) for cell in row])
        if count % CHUNK_ROWS == 0:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def iter_jsonl(
    rows: Iterable[Mapping[str, Any]], *, default: Callable[[Any], Any] = str
) -> Iterator[str]:
    """Yield one JSON object a line, in chunks of rows.

    `default` turns what JSON has no form for into something it has.
    """
    lines: list[str] = []
    for row in rows:
        lines.append(json.dumps(row, ensure_ascii=False, default=default))
        if len(lines) == CHUNK_ROWS:
            yield "\n".join(lines) + "\n"
            lines.clear()
    if lines:
        yield "\n".join(lines) + "\n"


async def _async_chunks(chunks: Iterator[str]) -> AsyncIterator[str]:
    # Each chunk reads rows, so it is made in the thread that may touch the database.
    def take() -> str | None:
        return next(chunks, None)

    take_in_thread = sync_to_async(take, thread_sensitive=True)
    while (chunk := await take_in_thread()) is not None:
        yield chunk


def stream_download(
    request: HttpRequest, chunks: Iterator[str], *, filename: str, content_type: str
) -> StreamingHttpResponse:
    """Return the chunks as a download that never stands in memory as a whole.

    Args:
        request: decides how chunks are taken: ASGI would otherwise read all of them first.
        chunks: from `iter_csv` or `iter_jsonl`.
        filename: ASCII name the browser saves under.
        content_type: such as ``text/csv``; the charset is added.
    """
    body: Any = _async_chunks(chunks) if isinstance(request, ASGIRequest) else chunks
    response = StreamingHttpResponse(body, content_type=f"{content_type}; charset=utf-8")
    safe = "".join(c for c in filename if c.isascii() and (c.isalnum() or c in "-_."))
    response["Content-Disposition"] = f'attachment; filename="{safe or "export"}"'
    response["Cache-Control"] = "no-store"
    return response
