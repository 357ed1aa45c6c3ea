"""Every route of a conversation, and how to call one. For tests that go over all of them."""

from __future__ import annotations

from rest_framework.test import APIClient

from sessions.models import TranscriptSegment, VoiceSession

PARTICIPANT_ROUTES = [
    ("post", "/session/{id}/join", None),
    ("post", "/session/{id}/turns", {"client_id": "x1", "text": "hello there"}),
    ("get", "/session/{id}/events", None),
    ("post", "/session/{id}/pause", None),
    ("post", "/session/{id}/resume", None),
]
ALL_ROUTES = [
    *PARTICIPANT_ROUTES,
    ("get", "/session/{id}", None),
    ("delete", "/session/{id}", None),
    ("get", "/transcripts/{id}", None),
    ("get", "/transcripts/{id}.txt", None),
    ("get", "/transcripts/{id}.vtt", None),
]


def call(client, route, session_id):
    method, path, body = route
    return getattr(client, method)(path.format(id=session_id), body, format="json")


def bearer(token):
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def rows_of(voice_session):
    row = VoiceSession.objects.filter(pk=voice_session.pk).values().get()
    return row, list(TranscriptSegment.objects.filter(voice_session=voice_session).values())
