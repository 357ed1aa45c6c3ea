"""Bases and small tools for REST views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from core.idempotency import StoredAnswer, hash_body, read_key, run_idempotent


def answer_idempotently(
    request: Request, *, tenant: str, call: Callable[[], StoredAnswer]
) -> Response:
    """Answer once for an Idempotency-Key, at every turn without one.

    Args:
        request: read `request.body` before `request.data`, or the raw body is gone.
        tenant: public id of whoever's credential was checked.
        call: does the work (see `core.idempotency.run_idempotent`).

    Raises:
        InvalidInputError, ConflictError, UnprocessableError: about the key.
    """
    key = read_key(request.headers)
    if not key:
        return _respond(call())
    answer = run_idempotent(
        tenant=tenant,
        key=key,
        method=request.method or "",
        path=request.path,
        body_sha256=hash_body(_raw_body(request)),
        call=call,
    )
    return _respond(answer)


def _raw_body(request: Request) -> bytes:
    body: bytes = request._request.body
    return body


def _respond(answer: StoredAnswer) -> Response:
    headers: dict[str, Any] = {"Idempotency-Replayed": "true"} if answer.replayed else {}
    return Response(answer.body, status=answer.status, headers=headers)
