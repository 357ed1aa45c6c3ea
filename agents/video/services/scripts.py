"""Writes of scripts: making a video session, changing it, deleting it.

Called by our own API and studio and by apps above, which bring scenes of their own. Rendering is
the business of `runs`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import F

from accounts.models import Company, User
from agents.video import selectors, storage
from agents.video.models import OPEN_STATES, Origin, RunAgent, SceneKind, VideoRun, VideoSession
from agents.video.script_rules import check_script
from agents.video.services.runs import give_up_run
from core import audit, clock, ratelimit
from core.errors import ConflictError, UnprocessableError
from core.jobs import nudge
from core.live import erase_streams

ERASE_JOB = "video.sweep_files"
CREATED_PER_HOUR = 60
MAX_VIDEOS = 500
RUN_OF_WORDS = 6
_QUOTED = re.compile('["“«„]([^"”»“]{8,})["”»“]')


class ScriptLockedError(ConflictError):
    """The script is being rendered."""

    def __init__(self) -> None:
        super().__init__(
            "video_run_open",
            "This script is being rendered. Wait for the run to end, or cancel it, then change it.",
        )


class ScriptChangedError(ConflictError):
    """Somebody changed the script since it was read."""

    def __init__(self) -> None:
        super().__init__(
            "script_changed",
            "The script was changed since you opened it. Look at the new one and change it again.",
        )


def create_video_session(
    *,
    owner: User,
    company: Company | None,
    title: str,
    scenes: list[dict[str, Any]],
    language: str = "en",
    voice: str = "",
    origin: str = Origin.API,
    origin_ref: str = "",
) -> VideoSession:
    """Create a script of one person; nothing is rendered yet.

    Not idempotent. Opens one short transaction. Apps above call this with scenes made of what
    they know, such as a survey's findings.

    Args:
        owner: who alone will change and start it.
        company: for whom; may be None. What is made of a survey of it, its researchers may watch.
        title: at most 120 characters.
        scenes: objects as `agents.video.script_rules` describes them.
        language: code such as ``en`` or ``es-419``.
        voice: of the speech provider; empty for its own choice.
        origin: one of `Origin`.
        origin_ref: public id of what it was made of.

    Raises:
        ScriptRefusedError: with every fault and what to do.
        RateLimitedError: more than 60 in an hour.
        UnprocessableError: the person has 500 videos.
    """
    script = check_script(title=title, scenes=scenes, language=language, voice=voice)
    ratelimit.hit(
        scope="video.create", key=owner.public_id, limit=CREATED_PER_HOUR, window_seconds=3600
    )
    if selectors.videos_of(owner).count() >= MAX_VIDEOS:
        raise UnprocessableError(
            "video_limit", f"There are {MAX_VIDEOS} videos already. Delete some you do not need."
        )
    row = VideoSession(
        owner=owner,
        company=company,
        title=script.title,
        scenes=script.scenes,
        language=script.language,
        voice=script.voice,
        origin=origin,
        origin_ref=origin_ref,
    )
    row.storage_prefix = storage.session_prefix(owner.public_id, row.public_id)
    row.save(force_insert=True)
    return row


def update_script(
    *,
    owner: User,
    session_id: str,
    title: str | None = None,
    scenes: list[dict[str, Any]] | None = None,
    language: str | None = None,
    voice: str | None = None,
    expected_revision: int | None = None,
) -> VideoSession:
    """Change a script; what is None stays as it is.

    Opens one transaction. The same script again changes nothing and raises no revision.

    Args:
        expected_revision: refuse when somebody else changed it meanwhile.

    Raises:
        VideoNotFoundError: no such video of this person.
        ScriptRefusedError: with every fault; nothing was changed.
        ScriptLockedError: a run is open.
        ScriptChangedError: the revision is another.
    """
    found = selectors.find_video(owner, session_id)
    with transaction.atomic():
        row = VideoSession.objects.select_for_update().get(pk=found.pk)
        script = check_script(
            title=row.title if title is None else title,
            scenes=row.scenes if scenes is None else scenes,
            language=row.language if language is None else language,
            voice=row.voice if voice is None else voice,
        )
        if expected_revision is not None and expected_revision != row.revision:
            raise ScriptChangedError
        wanted = {
            "title": script.title,
            "scenes": script.scenes,
            "language": script.language,
            "voice": script.voice,
        }
        if all(getattr(row, name) == value for name, value in wanted.items()):
            return row
        _refuse_if_open(row)
        for name, value in wanted.items():
            setattr(row, name, value)
        row.revision = F("revision") + 1
        row.save(update_fields=[*wanted, "revision", "updated_at"])
        row.refresh_from_db()
    return row


def erase_video(*, owner: User, session_id: str) -> None:
    """Delete a video with its script, its messages and, a moment later, its files.

    Opens one transaction. Cost lines and the bare rows they hang on stay: a ledger forgets
    nothing.

    Raises:
        VideoNotFoundError: no such video of this person, or deleted already.
        ScriptLockedError: a run is open.
    """
    found = selectors.find_video(owner, session_id)
    with transaction.atomic():
        row = VideoSession.objects.select_for_update().get(pk=found.pk)
        _refuse_if_open(row)
        row.title = "Deleted"
        row.scenes = []
        row.voice = ""
        row.erased_at = clock.now()
        row.save(update_fields=["title", "scenes", "voice", "erased_at", "updated_at"])
        erase_streams([row.stream_name])
        audit.record_event(actor=owner, action="video.erased", object_ref=row, company=row.company)
        nudge(ERASE_JOB)


def forget_words(*, origin: str, origin_ref: str, said: Sequence[str]) -> int:
    """Take somebody's words out of every video made of one thing.

    Joins the caller's transaction, or opens its own. Scenes that quote the words go from the
    script; a video made with them is withdrawn, its messages and files go, an open run ends.
    Words somebody has reworded by hand are not recognised. Idempotent.

    Args:
        origin: one of `Origin`.
        origin_ref: public id of what the videos were made of.
        said: whole utterances; a quote is part of one.

    Returns:
        How many videos were changed.
    """
    sayings = [_flatten(text) for text in said]
    rows = VideoSession.objects.filter(origin=origin, origin_ref=origin_ref, erased_at__isnull=True)
    changed = 0
    with transaction.atomic():
        for row in rows.select_for_update():
            kept = [scene for scene in row.scenes if not _holds(scene, sayings)]
            if len(kept) == len(row.scenes):
                continue
            row.scenes = kept
            row.revision += 1
            row.save(update_fields=["scenes", "revision", "updated_at"])
            _withdraw(row)
            changed += 1
        if changed:
            nudge(ERASE_JOB)
    return changed


def _withdraw(row: VideoSession) -> None:
    for run in VideoRun.objects.filter(video_session=row, state__in=OPEN_STATES):
        give_up_run(
            run_id=run.public_id,
            error="words_erased",
            reason="Somebody quoted in it had their words erased. Start it again without them.",
        )
    made = VideoRun.objects.filter(video_session=row, withdrawn_at__isnull=True)
    made.update(withdrawn_at=clock.now(), swept_at=None)
    # The log of a video that is gone tells nobody anything, and its links lead nowhere.
    RunAgent.objects.filter(run__video_session=row).delete()
    erase_streams([row.stream_name])


def _holds(scene: dict[str, Any], sayings: Sequence[str]) -> bool:
    """Tell whether a scene shows or speaks words of somebody.

    A quote is part of a saying; elsewhere six words in a row, or a passage in quotation marks,
    are nobody's by chance.
    """
    shown = [str(scene.get(name, "")) for name in ("heading", "text", "narration")]
    text = _flatten(" ".join([*shown, *map(str, scene.get("items", ()))]))
    passages = [found.rstrip("…").strip() for found in _QUOTED.findall(text)]
    if scene.get("kind") == SceneKind.QUOTE:
        passages.append(_flatten(str(scene.get("text", ""))).rstrip("…"))
    for saying in sayings:
        if any(passage and passage in saying for passage in passages):
            return True
        words = saying.split()
        runs = (" ".join(words[at : at + RUN_OF_WORDS]) for at in range(len(words)))
        if any(run in text for run in runs if run.count(" ") == RUN_OF_WORDS - 1):
            return True
    return False


def _flatten(text: str) -> str:
    return " ".join(text.lower().split())


def _refuse_if_open(row: VideoSession) -> None:
    if VideoRun.objects.filter(video_session=row, state__in=OPEN_STATES).exists():
        raise ScriptLockedError
