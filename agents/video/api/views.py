"""The routes of videos: scripts, starting, runs, status without a socket.

By login cookie with CSRF. A person's own, and to look at only, what was made of the surveys of
their companies; whatever is somebody else's is not there.
"""

from __future__ import annotations

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.pagination import BasePagination
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import COMPANY_SESSION_KEY, ConsoleAuthentication
from accounts.models import Company, User
from accounts.selectors import current_membership
from agents.video import payloads, selectors
from agents.video.api import serializers
from agents.video.models import Origin, VideoSession
from agents.video.selectors import StoredStatus
from agents.video.services import runs, scripts
from core.api.pagination import NewestFirstPagination
from core.api.views import answer_idempotently
from core.idempotency import StoredAnswer
from core.live.selectors import MAX_EVENTS_PER_READ


def own_origin(request: Any) -> str:
    """Return scheme and host by which the client reached this server."""
    return f"{request.scheme}://{request.get_host()}"


def checked(serializer: Any) -> dict[str, Any]:
    """Return the validated fields.

    Raises:
        ValidationError: some cannot be used.
    """
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class PersonView(APIView):
    """A route for a signed-in person and what is theirs."""

    authentication_classes = [ConsoleAuthentication]
    permission_classes = [IsAuthenticated]

    @property
    def person(self) -> User:
        """The signed-in person.

        Raises:
            NotAuthenticated: a credential that is nobody's login came this far.
        """
        user: Any = self.request.user
        if not isinstance(user, User):
            raise NotAuthenticated
        return user

    def company(self) -> Company | None:
        """Return the company the person works in at the moment, if any."""
        chosen = self.request.session.get(COMPANY_SESSION_KEY)
        membership = current_membership(self.person, chosen)
        return membership.company if membership else None

    def detail(self, video_session: VideoSession) -> dict[str, Any]:
        """Return a script with its newest run."""
        run = selectors.latest_run(video_session)
        shown = run and payloads.run_payload(video_session, run, origin=own_origin(self.request))
        return {**payloads.script_payload(video_session), "run": shown}


class VideoSessionCollection(PersonView):
    """``/api/video-sessions``."""

    pagination_class = NewestFirstPagination

    @extend_schema(
        operation_id="video_session_list",
        summary="List your videos and those of your companies' surveys, newest first",
        responses=serializers.VideoSessionSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Answer with a page of scripts."""
        pages: BasePagination = self.pagination_class()
        rows = pages.paginate_queryset(selectors.visible_videos(self.person), request, view=self)
        return pages.get_paginated_response(
            [payloads.script_payload(row) for row in cast("list[VideoSession]", rows)]
        )

    @extend_schema(
        operation_id="video_session_create",
        summary="Write a script",
        description="Nothing is rendered yet. Repeats with one Idempotency-Key are one script.",
        request=serializers.CreateVideoBody,
        responses={201: serializers.VideoSessionDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        """Store the script."""
        body = request._request.body
        fields = checked(serializers.CreateVideoInput(data=request.data)) if body else {}

        def create() -> StoredAnswer:
            row = scripts.create_video_session(
                owner=self.person,
                company=self.company(),
                title=fields["title"],
                scenes=fields["scenes"],
                language=fields["language"],
                voice=fields.get("voice", ""),
                origin=Origin.API,
            )
            return StoredAnswer(status=201, body=self.detail(row))

        if not fields:
            checked(serializers.CreateVideoInput(data={}))
        return answer_idempotently(request, tenant=self.person.public_id, call=create)


class VideoSessionItem(PersonView):
    """``/api/video-sessions/{video_id}``."""

    @extend_schema(
        operation_id="video_session_read",
        summary="Read a script and its newest run",
        responses=serializers.VideoSessionDetailSerializer,
    )
    def get(self, request: Request, video_id: str) -> Response:
        """Answer with the script."""
        row = selectors.find_visible_video(self.person, video_id)
        return Response(self.detail(row), headers={"Cache-Control": "no-store"})

    @extend_schema(
        operation_id="video_session_update",
        summary="Change a script",
        description="Not while a run of it is open.",
        request=serializers.UpdateVideoBody,
        responses=serializers.VideoSessionDetailSerializer,
    )
    def patch(self, request: Request, video_id: str) -> Response:
        """Change what is given."""
        selectors.find_video(self.person, video_id)
        fields = checked(serializers.UpdateVideoInput(data=request.data))
        row = scripts.update_script(
            owner=self.person,
            session_id=video_id,
            title=fields.get("title"),
            scenes=fields.get("scenes"),
            language=fields.get("language"),
            voice=fields.get("voice"),
            expected_revision=fields.get("revision"),
        )
        return Response(self.detail(row))

    @extend_schema(
        operation_id="video_session_delete",
        summary="Delete a script, its videos and its messages",
        responses={204: None},
    )
    def delete(self, request: Request, video_id: str) -> Response:
        """Delete it; files follow within a moment."""
        scripts.erase_video(owner=self.person, session_id=video_id)
        return Response(status=204)


class StartProcess(PersonView):
    """``/api/startprocess``."""

    @extend_schema(
        operation_id="startprocess",
        summary="Start making a video",
        description=(
            "Answers at once; follow /ws/status/{sessionId}. 404 when there is no such video of "
            "this person, 409 while a run of it is open."
        ),
        request=serializers.StartProcessInput,
        responses=serializers.ProcessStartedSerializer,
    )
    def post(self, request: Request) -> Response:
        """Ask for a run."""
        _ = request._request.body
        fields = checked(serializers.StartProcessInput(data=request.data))
        if fields["userId"] != self.person.public_id:
            # Somebody else's row is as good as none; the caller learns nothing more.
            raise selectors.VideoNotFoundError

        def start() -> StoredAnswer:
            run = runs.start_run(
                owner=self.person, session_id=fields["sessionId"], test=fields["test"]
            )
            body = {"status": "started", "sessionID": fields["sessionId"], "runId": run.public_id}
            return StoredAnswer(status=200, body=body)

        return answer_idempotently(request, tenant=self.person.public_id, call=start)


class VideoStatus(PersonView):
    """``/api/video-sessions/{video_id}/status``: what the socket tells, without one."""

    @extend_schema(
        operation_id="video_session_status",
        summary="Read the latest status of each agent, and what came after a number",
        parameters=[serializers.StatusQuery],
        responses=serializers.StatusListSerializer,
    )
    def get(self, request: Request, video_id: str) -> Response:
        """Answer with status messages."""
        row = selectors.find_visible_video(self.person, video_id)
        fields = checked(serializers.StatusQuery(data=request.query_params))
        origin = own_origin(request)
        run = selectors.latest_run(row)
        latest = [StoredStatus(*one) for one in selectors.latest_messages(row.pk)]
        events = (
            selectors.messages_after(row, after=fields["after"], limit=MAX_EVENTS_PER_READ)
            if "after" in fields
            else []
        )

        def show(found: list[StoredStatus]) -> list[dict[str, Any]]:
            return [payloads.status_message(row, one, origin=origin) for one in found]

        return Response(
            {
                "latest": show(latest),
                "events": show(events),
                "has_more": len(events) == MAX_EVENTS_PER_READ,
                "run": run and payloads.run_payload(row, run, origin=origin),
            },
            headers={"Cache-Control": "no-store"},
        )


class VideoRunCollection(PersonView):
    """``/api/video-sessions/{video_id}/runs``."""

    @extend_schema(
        operation_id="video_run_list",
        summary="List the runs of a video, newest first",
        responses=serializers.VideoRunSerializer(many=True),
    )
    def get(self, request: Request, video_id: str) -> Response:
        """Answer with the latest fifty runs."""
        row = selectors.find_visible_video(self.person, video_id)
        found = selectors.runs_of(row)[:50]
        origin = own_origin(request)
        return Response([payloads.run_payload(row, run, origin=origin) for run in found])


class VideoRunItem(PersonView):
    """``/api/video-runs/{run_id}``."""

    @extend_schema(
        operation_id="video_run_read",
        summary="Read where a run stands",
        responses=serializers.VideoRunSerializer,
    )
    def get(self, request: Request, run_id: str) -> Response:
        """Answer with the run."""
        run = selectors.find_visible_run(self.person, run_id)
        return Response(
            payloads.run_payload(run.video_session, run, origin=own_origin(request)),
            headers={"Cache-Control": "no-store"},
        )


class VideoRunCancel(PersonView):
    """``/api/video-runs/{run_id}/cancel``."""

    @extend_schema(
        operation_id="video_run_cancel",
        summary="Cancel a run",
        description="Its Orchestrator says error with the reason cancelled within a second.",
        request=None,
        responses={202: serializers.VideoRunSerializer},
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Ask for the run to end."""
        run = runs.request_cancel(owner=self.person, run_id=run_id)
        payload = payloads.run_payload(run.video_session, run, origin=own_origin(request))
        return Response(payload, status=202)


class VideoRunRetry(PersonView):
    """``/api/video-runs/{run_id}/retry``."""

    @extend_schema(
        operation_id="video_run_retry",
        summary="Make the video again after a run that is over",
        request=None,
        responses=serializers.ProcessStartedSerializer,
    )
    def post(self, request: Request, run_id: str) -> Response:
        """Start a new run of the same video, with the script as it is now."""
        former = selectors.find_run(self.person, run_id)
        session_id = former.video_session.public_id
        run = runs.start_run(owner=self.person, session_id=session_id, test=former.test)
        return Response({"status": "started", "sessionID": session_id, "runId": run.public_id})
