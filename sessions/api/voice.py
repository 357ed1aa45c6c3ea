"""The routes of voice: switch it on, read its figures, hear its recordings, LiveKit's webhook."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import BinaryIO, Final, cast

from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from core import clock
from core.errors import AuthenticationFailedError, NotFoundError
from core.live.threads import in_thread
from sessions import selectors, voice_figures
from sessions.api import serializers
from sessions.api.views import TranscriptView, checked, refuse_foreign_origin
from sessions.links import recording_path
from sessions.livekit.rooms import WebhookRefusedError, read_webhook
from sessions.livekit.tokens import is_configured
from sessions.models import SessionRecording, Transport, VoiceSession
from sessions.services import room_events, rooms, voices
from sessions.transports import describe_engine, list_transports

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PIECE: Final = 256 * 1024
PART_BYTES: Final = 2_000_000


class SessionVoice(TranscriptView):
    """``/session/{id}/voice``: switch it on or off, read its figures."""

    @extend_schema(
        operation_id="session_voice_read",
        summary="Read recordings, waits, use and cost of a conversation",
        responses=serializers.VoiceReportSerializer,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Answer with what voice left behind."""
        row = self.find(request, session_id)
        usage = voice_figures.list_usage(row)
        return Response(
            {
                "session_id": row.public_id,
                "mode": row.mode,
                "transport": row.transport,
                "recordings": [
                    recording_shape(recording) for recording in voice_figures.list_recordings(row)
                ],
                "usage": [
                    {
                        "part": used.part,
                        "provider": used.provider,
                        "model": used.model,
                        "input_tokens": used.input_tokens,
                        "output_tokens": used.output_tokens,
                        "character_count": used.character_count,
                        "audio_seconds": round(used.audio_seconds, 3),
                        "cost_usd": in_dollars(used.cost_micros),
                    }
                    for used in usage
                ],
                "cost_usd": in_dollars(voice_figures.sum_cost_micros(usage)),
                "latencies": [
                    {
                        "kind": one.kind,
                        "count": one.count,
                        "p50_ms": one.p50_ms,
                        "p95_ms": one.p95_ms,
                    }
                    for one in voice_figures.summarise_latencies(row)
                ],
            },
            headers={"Cache-Control": "no-store"},
        )

    @extend_schema(
        operation_id="session_voice_switch",
        summary="Go on by voice, or by typing again",
        description=(
            "Browser audio begins with the first binary frame on the socket; a room with joining "
            "it. What was said before stays, whatever carries what comes next."
        ),
        request=serializers.VoiceInput,
        responses=serializers.VoiceSerializer,
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Switch; repeating it changes nothing."""
        if not isinstance(request.auth, VoiceSession):
            # Watching is one thing; whose microphone is on is the participant's to say.
            raise selectors.SessionTokenError
        voice_session = selectors.find_for_token(request.auth, session_id)
        refuse_foreign_origin(request, voice_session)
        fields = checked(serializers.VoiceInput(data=request.data))
        row = voices.switch_transport(
            voice_session=voice_session, transport=fields.get("transport", voices.AUTO)
        )
        is_room = row.transport == Transport.LIVEKIT
        token = rooms.grant_room_token(voice_session=row) if is_room else None
        return Response(
            {
                "mode": row.mode,
                "transport": row.transport,
                "transports": [str(known) for known in list_transports(row.language)],
                "voice": describe_engine(row.language) if row.mode == "voice" else "",
                "room_name": row.room_name,
                "livekit_url": token.url if token else None,
                "livekit_token": token.jwt if token else None,
            },
            headers={"Cache-Control": "no-store"},
        )


class RecordingFile(TranscriptView):
    """``/session/{id}/recordings/{recording_id}``."""

    @extend_schema(
        operation_id="session_recording_read",
        summary="Hear a recording",
        description="WAV. Takes a Range header, so that a player can jump.",
        responses={
            (200, "audio/wav"): OpenApiResponse(OpenApiTypes.BINARY),
            (206, "audio/wav"): OpenApiResponse(OpenApiTypes.BINARY),
        },
    )
    def get(self, request: Request, session_id: str, recording_id: str) -> HttpResponseBase:
        """Answer with the file or the part asked for."""
        row = self.find(request, session_id)
        recording = voice_figures.find_recording(row, recording_id)
        try:
            content = cast(BinaryIO, default_storage.open(recording.storage_key, "rb"))
        except FileNotFoundError:
            raise NotFoundError(
                "recording_lost", "The file of this recording is not in the storage any more."
            ) from None
        return _serve(content, recording, request.headers.get("Range", ""))


def _serve(content: BinaryIO, recording: SessionRecording, wanted: str) -> HttpResponseBase:
    size = recording.byte_count
    first, last = 0, size - 1
    status = 200
    found = _RANGE.fullmatch(wanted.strip())
    if found and any(found.groups()):
        start, end = found.groups()
        first = int(start) if start else max(0, size - int(end))
        last = min(size - 1, int(end)) if start and end else size - 1
        status = 206
        if first > last:
            content.close()
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'inline; filename="{recording.public_id}.wav"',
        "Cache-Control": "private, no-store",
    }
    if status == 200:
        headers["Content-Length"] = str(size)
        return StreamingHttpResponse(_read_all(content), content_type="audio/wav", headers=headers)
    # A server may answer with less than was asked for; a player asks for the rest by itself.
    last = min(last, first + PART_BYTES - 1)
    headers["Content-Range"] = f"bytes {first}-{last}/{size}"
    with content:
        content.seek(first)
        part = content.read(last - first + 1)
    return HttpResponse(part, status=206, content_type="audio/wav", headers=headers)


async def _read_all(content: BinaryIO) -> AsyncIterator[bytes]:
    read = in_thread(content.read)
    try:
        while piece := await read(_PIECE):
            yield piece
    finally:
        await in_thread(content.close)()


def recording_shape(recording: SessionRecording) -> dict[str, object]:
    """Return what is told of a recording."""
    return {
        "recording_id": recording.public_id,
        "url": recording_path(recording),
        "started_at": clock.rfc3339(recording.started_at),
        "duration_seconds": round(recording.duration_seconds, 3),
        "byte_count": recording.byte_count,
    }


def in_dollars(micros: int | None) -> str | None:
    """Return millionths of a dollar as dollars."""
    return None if micros is None else f"{Decimal(micros) / 1_000_000:.6f}"


@method_decorator(csrf_exempt, name="dispatch")
class LiveKitWebhook(APIView):
    """``/webhook/livekit``: what the LiveKit server tells. No parser of ours takes it."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(
        operation_id="livekit_webhook",
        summary="Take an event of the LiveKit server",
        description="Signed by the server's key over the raw body; the same event twice is one.",
        request=OpenApiTypes.BINARY,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        """Take the event once its signature was checked."""
        if not is_configured():
            raise rooms.LiveKitNotConfiguredError
        plain: HttpRequest = request._request
        try:
            notice = read_webhook(plain.body, plain.headers.get("Authorization", ""))
        except WebhookRefusedError:
            raise AuthenticationFailedError(
                "webhook_signature_invalid",
                "This event is not signed by the LiveKit server's key. Check its webhook api_key.",
            ) from None
        room_events.take_notice(notice=notice)
        return Response(status=204)
