"""What the LiveKit server tells about rooms, taken once each.

Owns what a notice changes: a room that is gone is not deleted again, and one whose visitor left is
no absence before the agent says so.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction

from core import clock
from sessions.livekit.rooms import RoomNotice
from sessions.models import RoomEvent, SessionStatus, VoiceSession
from sessions.services.conversations import note_sign_of_life

KEPT_FOR: Final = timedelta(days=7)
ROOM_FINISHED: Final = "room_finished"
PARTICIPANT_JOINED: Final = "participant_joined"


def take_notice(*, notice: RoomNotice) -> bool:
    """Take a notice whose signature has been checked.

    Returns:
        False when it was taken before. Notices of rooms that are not ours are kept and change
        nothing.
    """
    with transaction.atomic():
        row = VoiceSession.objects.filter(room_name=notice.room_name).first()
        _, is_new = RoomEvent.objects.get_or_create(
            event_id=notice.event_id[:80],
            defaults={
                "kind": notice.kind[:40],
                "room_name": notice.room_name[:120],
                "voice_session": row,
            },
        )
        if not is_new or row is None:
            return is_new
        if notice.kind == ROOM_FINISHED and row.status == SessionStatus.ENDED:
            VoiceSession.objects.filter(pk=row.pk).update(room_is_open=False)
        elif notice.kind == PARTICIPANT_JOINED:
            note_sign_of_life(voice_session=row)
    return True


def purge_notices() -> int:
    """Delete notices no server sends again; return how many."""
    return RoomEvent.objects.filter(received_at__lt=clock.now() - KEPT_FOR).delete()[0]
