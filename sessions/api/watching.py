"""Watching a conversation without a socket, for people whose network blocks them."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import CompanyKeyAuthentication, KeyUser
from core import clock
from sessions import payloads, selectors
from sessions.api import serializers
from sessions.api.authentication import CookieAuthentication
from sessions.api.polling import wait_for_events
from sessions.api.views import checked, signed_in
from sessions.models import EndReason, VoiceSession
from sessions.services import conversations


class WatchEvents(APIView):
    """``/transcripts/{id}/events``: what the owner's and the company's sockets bring, by HTTP."""

    authentication_classes = [CompanyKeyAuthentication, CookieAuthentication]

    @extend_schema(
        operation_id="transcript_events",
        summary="Watch a conversation without a socket",
        description=(
            "For the person who started it and for the company's people and servers. Without "
            "after it answers with the snapshot; with it, with the events after that number, "
            "waiting for one if asked to. Watching is no sign of life of the participant's."
        ),
        parameters=[serializers.WatchQuery],
        responses=serializers.WatchAnswerSerializer,
    )
    def get(self, request: Request, session_id: str) -> Response:
        """Answer with the snapshot, or with the events after a number."""
        fields = checked(serializers.WatchQuery(data=request.query_params))
        voice_session = self._find(request, session_id)
        if fields["after"] is None:
            rows = selectors.read_snapshot(voice_session.pk)
            body = payloads.snapshot_payload(rows.voice_session, rows.segments, clock.now())
            # The page is told where to go on from as everywhere else.
            return _watched(
                rows.voice_session,
                {"snapshot": {"seq": rows.seq, **body}, "last_seq": rows.seq},
            )
        page = wait_for_events(voice_session, after=fields["after"], wait_seconds=fields["wait"])
        # Who lost the right while waiting learns nothing any more.
        voice_session = self._find(request, session_id)
        events = [event.as_message() for event in page.events]
        return _watched(
            voice_session,
            {"events": events, "last_seq": page.last_seq, "has_more": page.has_more},
        )

    @staticmethod
    def _find(request: Request, session_id: str) -> VoiceSession:
        user: Any = request.user
        if isinstance(user, KeyUser):
            found = selectors.find_for_company(user.company, session_id)
        else:
            found = selectors.find_for_reader(signed_in(request), session_id)
        if found.end_reason == EndReason.ERASED:
            raise conversations.ConversationErasedError
        return found


def _watched(voice_session: VoiceSession, found: dict[str, Any]) -> Response:
    body = {
        "snapshot": None,
        "events": [],
        "has_more": False,
        **found,
        "agent_state": payloads.agent_state_payload(voice_session)["state"],
        **payloads.status_payload(voice_session, clock.now()),
    }
    return Response(body, headers={"Cache-Control": "no-store"})
