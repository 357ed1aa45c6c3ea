"""The routes of one conversation: start, join, talk, replay, pause, stop, read, enter the room."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.api.authentication import CompanyKeyAuthentication, KeyUser
from accounts.models import User
from core import audit, clock, ratelimit
from core.errors import ForbiddenError, InvalidInputError
from sessions import payloads, selectors
from sessions.api import serializers
from sessions.api.authentication import CookieAuthentication, SessionTokenAuthentication
from sessions.api.polling import wait_for_events
from sessions.links import socket_url
from sessions.models import EndReason, SessionKind, SessionMode, Transport, VoiceSession
from sessions.origins import is_origin_allowed
from sessions.services import chats, conversations, endings, rooms, turns
from sessions.transports import describe_engine, list_transports


def own_origin(request: Request) -> str:
    """Return scheme and host by which the client reached this server."""
    return f"{request.scheme}://{request.get_host()}"


def signed_in(request: Request) -> User:
    """Return the signed-in person.

    Raises:
        NotAuthenticated: a credential that is nobody's login came this far.
    """
    user: Any = request.user
    if not isinstance(user, User):
        raise NotAuthenticated
    return user


def checked(serializer: Serializer[Any]) -> dict[str, Any]:
    """Return the validated fields.

    Raises:
        ValidationError: some cannot be used.
    """
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


def refuse_foreign_origin(request: Request, voice_session: VoiceSession) -> None:
    """Refuse a web page the conversation does not admit, whatever token it holds.

    Raises:
        ForbiddenError: the Origin header names such a page.
    """
    origin = request.headers.get("Origin")
    if origin is None or is_origin_allowed(voice_session, origin, own_origin=own_origin(request)):
        return
    raise ForbiddenError(
        "origin_not_allowed",
        "This page may not use the conversation. Add its origin to the survey's allowed_origins.",
    )


def refuse_closed_survey(voice_session: VoiceSession) -> None:
    """Refuse a survey's participant everything but the stored answer once it is over.

    Raises:
        SessionEndedError: it is.
    """
    if voice_session.kind == SessionKind.SURVEY:
        conversations.refuse_if_ended(voice_session)


class ParticipantView(APIView):
    """A route only the participant's token opens: no cookie counts here, so no CSRF either."""

    authentication_classes = [SessionTokenAuthentication]

    def find(self, request: Request, session_id: str) -> VoiceSession:
        """Return the conversation of the path, if the token opens it."""
        held: Any = request.auth
        voice_session = selectors.find_for_token(held, session_id)
        refuse_foreign_origin(request, voice_session)
        return voice_session


def snapshot_answer(voice_session: VoiceSession) -> Response:
    """Return the snapshot as clients without a socket get it."""
    rows = selectors.read_snapshot(voice_session.pk)
    body = payloads.snapshot_payload(rows.voice_session, rows.segments, clock.now())
    return Response({"seq": rows.seq, **body})


class SessionCollection(APIView):
    """``/session``."""

    authentication_classes = [CookieAuthentication]
    permission_classes = [AllowAny]

    @extend_schema(
        operation_id="session_create",
        summary="Start a plain chat",
        description=(
            "For signed-in people, and for visitors where CHAT_PUBLIC is on. Surveys have their "
            "own start. Without a language model the built-in agent holds a practice interview."
        ),
        request=serializers.CreateSessionInput,
        responses={201: serializers.CreatedSessionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Start a chat and hand out its token."""
        fields = checked(serializers.CreateSessionInput(data=request.data))
        owner = request.user if isinstance(request.user, User) else None
        created = chats.start_chat(
            owner=owner,
            address=ratelimit.limit_key(ratelimit.client_ip(request._request)),
            language=fields.get("language") or "en",
            system_prompt=fields.get("system_prompt", ""),
            room_name=fields.get("room"),
            mode=SessionMode(fields.get("mode", SessionMode.TEXT)),
            transport=fields.get("transport", "auto"),
        )
        voice_session = created.session
        agent = chats.describe_agent()
        is_room = voice_session.transport == Transport.LIVEKIT
        token = rooms.grant_room_token(voice_session=voice_session) if is_room else None
        return Response(
            {
                "session_id": voice_session.public_id,
                "session_token": created.token_plain,
                "status": voice_session.status,
                "mode": voice_session.mode,
                "transport": voice_session.transport,
                "transports": [str(known) for known in list_transports(voice_session.language)],
                "language": voice_session.language,
                "room_name": voice_session.room_name,
                "livekit_url": rooms.room_server_url(),
                "livekit_token": token.jwt if token else None,
                "voice": describe_engine(voice_session.language)
                if voice_session.mode == SessionMode.VOICE
                else "",
                "ws_url": socket_url(voice_session, own_origin(request)),
                "expires_at": clock.rfc3339(voice_session.expires_at),
                "max_seconds": voice_session.max_seconds,
                "agent": {
                    "engine": agent.engine,
                    "description": agent.description,
                    "follows_system_prompt": agent.follows_system_prompt,
                },
            },
            status=201,
            headers={"Cache-Control": "no-store"},
        )


class SessionItem(APIView):
    """``/session/{id}``: look at it or stop it."""

    authentication_classes = [SessionTokenAuthentication, CookieAuthentication]

    def find(self, request: Request, session_id: str) -> VoiceSession:
        """Return the conversation for its participant or its owner."""
        if isinstance(request.auth, VoiceSession):
            voice_session = selectors.find_for_token(request.auth, session_id)
            refuse_foreign_origin(request, voice_session)
            return voice_session
        return selectors.find_for_owner(signed_in(request), session_id)

    @extend_schema(
        operation_id="session_read",
        summary="Look at a conversation without joining it",
        responses=serializers.SnapshotSerializer,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Answer with the snapshot; changes nothing."""
        voice_session = self.find(request, session_id)
        refuse_closed_survey(voice_session)
        return snapshot_answer(voice_session)

    @extend_schema(
        operation_id="session_stop",
        summary="Stop a conversation",
        description="Repeating it answers the same. A survey stopped this way is not paid.",
        responses={200: serializers.StoppedSerializer},
    )
    def delete(self, request: Request, session_id: str) -> Response:
        """Stop the conversation."""
        endings.request_stop(voice_session=self.find(request, session_id))
        return Response({"stopped": True})


class SessionJoin(ParticipantView):
    """``/session/{id}/join``: what a socket's connect does."""

    @extend_schema(
        operation_id="session_join",
        summary="Join a conversation without a socket",
        description="The first time the agent greets and the clock starts.",
        request=None,
        responses=serializers.SnapshotSerializer,
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Join and answer with the snapshot."""
        voice_session = self.find(request, session_id)
        conversations.open_conversation(voice_session=voice_session)
        return snapshot_answer(voice_session)


class SessionTurns(ParticipantView):
    """``/session/{id}/turns``: typing without a socket."""

    @extend_schema(
        operation_id="session_say",
        summary="Say something",
        description="The same client_id again is the same turn and gets the same answer.",
        request=serializers.TurnInput,
        responses=serializers.TurnAnswerSerializer,
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Take the turn and answer with the new segments."""
        voice_session = self.find(request, session_id)
        fields = checked(serializers.TurnInput(data=request.data))
        segments = turns.say(
            voice_session=voice_session,
            text=fields["text"],
            client_id=fields["client_id"],
            typing_seconds=fields.get("typing_seconds"),
        )
        voice_session.refresh_from_db()
        return Response(
            {
                "segments": [payloads.segment_payload(segment) for segment in segments],
                "progress": payloads.progress_payload(voice_session),
                "reply_pending": voice_session.reply_due_at is not None,
                **payloads.status_payload(voice_session, clock.now()),
            }
        )


class SessionEvents(ParticipantView):
    """``/session/{id}/events``: replay without a socket."""

    @extend_schema(
        operation_id="session_events",
        summary="Read the events after a number",
        description="With wait it answers as soon as there is one, at the latest after so long.",
        parameters=[serializers.EventsQuery],
        responses=serializers.EventsAnswerSerializer,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Answer with events, waiting a while for one if asked to."""
        voice_session = self.find(request, session_id)
        refuse_closed_survey(voice_session)
        fields = checked(serializers.EventsQuery(data=request.query_params))
        conversations.note_sign_of_life(voice_session=voice_session)
        page = wait_for_events(voice_session, after=fields["after"], wait_seconds=fields["wait"])
        voice_session.refresh_from_db()
        return Response(
            {
                "events": [event.as_message() for event in page.events],
                "last_seq": page.last_seq,
                "has_more": page.has_more,
                "agent_state": payloads.agent_state_payload(voice_session)["state"],
                **payloads.status_payload(voice_session, clock.now()),
            },
            headers={"Cache-Control": "no-store"},
        )


class SessionPause(ParticipantView):
    """``/session/{id}/pause``."""

    @extend_schema(
        operation_id="session_pause",
        summary="Stop the clock",
        request=None,
        responses=serializers.StatusSerializer,
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Pause; repeating it changes nothing."""
        row = conversations.pause(voice_session=self.find(request, session_id))
        return Response(payloads.status_payload(row, clock.now()))


class SessionResume(ParticipantView):
    """``/session/{id}/resume``."""

    @extend_schema(
        operation_id="session_resume",
        summary="Let the clock run again",
        request=None,
        responses=serializers.StatusSerializer,
    )
    def post(self, request: Request, session_id: str) -> Response:
        """Resume; repeating it changes nothing."""
        row = conversations.resume(voice_session=self.find(request, session_id))
        return Response(payloads.status_payload(row, clock.now()))


class TranscriptView(APIView):
    """A transcript for its participant, its owner, or the company."""

    authentication_classes = [
        SessionTokenAuthentication,
        CompanyKeyAuthentication,
        CookieAuthentication,
    ]

    def find(self, request: Request, session_id: str) -> VoiceSession:
        """Return the conversation if its transcript may be read by whoever asks."""
        voice_session = self._find(request, session_id)
        if voice_session.end_reason == EndReason.ERASED:
            raise conversations.ConversationErasedError
        return voice_session

    @staticmethod
    def _find(request: Request, session_id: str) -> VoiceSession:
        if isinstance(request.auth, VoiceSession):
            voice_session = selectors.find_for_token(request.auth, session_id)
            refuse_foreign_origin(request, voice_session)
            refuse_closed_survey(voice_session)
            return voice_session
        user: Any = request.user
        if isinstance(user, KeyUser):
            return selectors.find_for_company(user.company, session_id)
        return selectors.find_for_reader(signed_in(request), session_id)


class TranscriptItem(TranscriptView):
    """``/transcripts/{id}``."""

    @extend_schema(
        operation_id="transcript_read",
        summary="Read a transcript",
        responses=serializers.TranscriptSerializer,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Answer with the segments in order."""
        row = self.find(request, session_id)
        now = clock.now()
        return Response(
            {
                "session_id": row.public_id,
                "kind": row.kind,
                "status": row.status,
                "end_reason": row.end_reason or None,
                "mode": row.mode,
                "language": row.language,
                "started_at": clock.rfc3339(row.started_at) if row.started_at else None,
                "ended_at": clock.rfc3339(row.ended_at) if row.ended_at else None,
                "active_seconds": round(row.active_seconds(now), 3),
                "segments": [
                    payloads.transcript_entry(segment) for segment in selectors.list_segments(row)
                ],
            }
        )


class TranscriptFile(TranscriptView):
    """``/transcripts/{id}.txt`` and ``.vtt``."""

    @extend_schema(
        operation_id="transcript_download",
        summary="Download a transcript as text or WebVTT",
        parameters=[
            OpenApiParameter("session_id", str, OpenApiParameter.PATH),
            OpenApiParameter("file_type", str, OpenApiParameter.PATH, enum=["txt", "vtt"]),
        ],
        responses={
            (200, "text/plain"): OpenApiResponse(OpenApiTypes.STR),
            (200, "text/vtt"): OpenApiResponse(OpenApiTypes.STR),
        },
    )
    def get(self, request: Request, session_id: str, file_type: str) -> HttpResponse:
        """Answer with a file."""
        row = self.find(request, session_id)
        self._note_export(request, row, file_type)
        segments = selectors.list_segments(row)
        if file_type == "vtt":
            text, media_type = payloads.webvtt_transcript(segments), "text/vtt"
        else:
            text, media_type = payloads.plain_transcript(segments), "text/plain"
        return HttpResponse(
            text,
            content_type=f"{media_type}; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{row.public_id}.{file_type}"'},
        )

    @staticmethod
    def _note_export(request: Request, row: VoiceSession, file_type: str) -> None:
        """Say in the company's trail who took what a respondent said; their own copy is theirs."""
        if row.company is None or isinstance(request.auth, VoiceSession):
            return
        user: Any = request.user
        audit.record_event(
            actor=user.key if isinstance(user, KeyUser) else user,
            action="transcript.exported",
            object_ref=row,
            company=row.company,
            note=file_type,
        )


class RoomToken(APIView):
    """``/token``: a way into a LiveKit room."""

    authentication_classes = [SessionTokenAuthentication, CookieAuthentication]

    @extend_schema(
        operation_id="room_token",
        summary="Get a LiveKit token",
        description=(
            "With a session token: for the room of that conversation, other parameters do not "
            "count. Signed in: for a room name you hold or that is free, which you then hold. "
            "503 livekit_not_configured where no LiveKit server is configured."
        ),
        parameters=[serializers.RoomTokenQuery],
        responses=serializers.RoomTokenSerializer,
    )
    def get(self, request: Request) -> Response:
        """Answer with a token for one room."""
        fields = checked(serializers.RoomTokenQuery(data=request.query_params))
        if isinstance(request.auth, VoiceSession):
            token = self._for_participant(request, request.auth, fields.get("room"))
        else:
            if "room" not in fields:
                raise InvalidInputError("room_missing", "Name a room: GET /token?room=my-room.")
            token = rooms.grant_claimed_room_token(
                owner=signed_in(request),
                room_name=fields["room"],
                identity=fields.get("identity", ""),
                name=fields.get("name", ""),
            ).jwt
        return Response({"token": token}, headers={"Cache-Control": "no-store"})

    @staticmethod
    def _for_participant(request: Request, voice_session: VoiceSession, room: str | None) -> str:
        refuse_foreign_origin(request, voice_session)
        if room is not None and room != voice_session.room_name:
            raise ForbiddenError(
                "room_not_yours", "This session token opens the room of its own session alone."
            )
        token = rooms.grant_room_token(voice_session=voice_session)
        if token is None:
            raise rooms.LiveKitNotConfiguredError
        return token.jwt
