"""REST of runs: start, read, save, keep alive, pause, resume, complete, abandon."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from accounts.models import User
from core import ratelimit
from core.api.views import answer_idempotently
from core.errors import ForbiddenError, NotFoundError, ParleyError
from core.idempotency import StoredAnswer
from workflows.api import serializers
from workflows.api.devices import device_of
from workflows.api.languages import READING_LANGUAGE, reading_language
from workflows.api.shapes import shape_execution, shape_state
from workflows.models import Execution
from workflows.selectors.catalogue import workflow_for
from workflows.selectors.executions import execution_of
from workflows.services import executions, progress

STARTS_AN_HOUR = 60
SAVES_A_MINUTE = 600


def person_of(request: Request, user_id: str | None = None) -> User:
    """Return the signed-in person; a `user_id` in the body must be theirs.

    Raises:
        ForbiddenError: it is somebody else's.
    """
    user: Any = request.user
    if not isinstance(user, User):
        raise ForbiddenError("not_a_person", "Sign in as a person to work on workflows.")
    if user_id is not None and user_id != user.public_id:
        raise ForbiddenError(
            "not_your_user_id", "This user_id is not yours. Leave it out; you are known."
        )
    return user


def checked(serializer: Serializer[Any]) -> dict[str, Any]:
    """Return the validated fields.

    Raises:
        ValidationError: some cannot be used.
    """
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)


class StartView(APIView):
    """``POST /api/execution``."""

    @extend_schema(
        operation_id="execution_start",
        summary="Start a workflow",
        parameters=READING_LANGUAGE,
        request=serializers.StartRunInput,
        responses={201: serializers.ExecutionSerializer},
    )
    def post(self, request: Request) -> Response:
        """Start a run of a workflow; once for an Idempotency-Key."""
        body = checked(serializers.StartRunInput(data=request.data))
        person = person_of(request, body.get("user_id"))
        ratelimit.hit(
            scope="execution.start",
            key=person.public_id,
            limit=STARTS_AN_HOUR,
            window_seconds=3600,
        )
        language = reading_language(request)

        def start() -> StoredAnswer:
            started = executions.start_execution(
                person=person,
                workflow=workflow_for(person, body["workflow_name"]),
                device=device_of(request._request),
            )
            return StoredAnswer(status=201, body=shape_execution(started, language))

        return answer_idempotently(request, tenant=person.public_id, call=start)


class ExecutionView(APIView):
    """``/api/execution/{execution_id}``."""

    @extend_schema(
        operation_id="execution_read",
        summary="Read a run",
        parameters=READING_LANGUAGE,
        responses=serializers.ExecutionSerializer,
    )
    def get(self, request: Request, execution_id: str) -> Response:
        """Return the run with its steps, notes and clock."""
        execution = execution_of(person_of(request), execution_id)
        return Response(shape_execution(execution, reading_language(request)))


class ProgressView(APIView):
    """``PUT /api/execution/{execution_id}/progress``."""

    @extend_schema(
        operation_id="execution_progress",
        summary="Save steps and notes",
        parameters=READING_LANGUAGE,
        description=(
            "With rev the change is exact and refused with 409 execution_changed when somebody "
            "else changed the run since; the problem's member 'execution' is the newest state. "
            "Without rev the change only adds: steps never go back, notes go to the current step."
        ),
        request=serializers.ProgressInput,
        responses=serializers.ExecutionStandingSerializer,
    )
    def put(self, request: Request, execution_id: str) -> Response:
        """Save a change of progress."""
        person = person_of(request)
        execution = execution_of(person, execution_id)
        body = checked(serializers.ProgressInput(data=request.data))
        language = reading_language(request)
        ratelimit.hit(
            scope="execution.save", key=person.public_id, limit=SAVES_A_MINUTE, window_seconds=60
        )
        change = progress.Change(
            rev=body.get("rev"),
            steps_done=body.get("steps_done"),
            steps_completed=body.get("steps_completed"),
            note=body.get("notes"),
            step_notes=body.get("step_notes", {}),
            client_op_id=body.get("client_op_id", ""),
        )
        try:
            saved = progress.save_progress(
                execution=execution, change=change, device=device_of(request._request)
            )
        except progress.StaleRevisionError as error:
            error.extra["execution"] = shape_state(error.execution, language)
            raise
        except ParleyError as error:
            if error.code == "execution_ended":
                error.extra["execution"] = shape_state(execution_of(person, execution_id), language)
            raise
        return Response(shape_state(saved, language))


class HeartbeatView(APIView):
    """``POST /api/execution/{execution_id}/heartbeat``."""

    @extend_schema(
        operation_id="execution_heartbeat",
        summary="Say that somebody works on the run",
        parameters=READING_LANGUAGE,
        description="Keeps the clock going. After five minutes of silence it stands still.",
        request=None,
        responses=serializers.HeartbeatSerializer,
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """Keep the clock going and tell where the run stands."""
        execution = execution_of(person_of(request), execution_id)
        beat = executions.keep_alive(execution=execution)
        state = shape_state(beat.execution, reading_language(request))
        return Response({**state, "left_out_seconds": beat.left_out_seconds})


class _MoveView(APIView):
    """Base of the routes that move a run to another state."""

    move: Callable[..., Execution]

    def answer(self, request: Request, execution_id: str, **fields: Any) -> Response:
        """Move the run and return where it stands."""
        execution = execution_of(person_of(request), execution_id)
        moved = type(self).move(execution=execution, **fields)
        return Response(shape_state(moved, reading_language(request)))


class PauseView(_MoveView):
    """``POST /api/execution/{execution_id}/pause``."""

    move = staticmethod(executions.pause_execution)

    @extend_schema(
        operation_id="execution_pause",
        summary="Stop the clock",
        parameters=READING_LANGUAGE,
        request=None,
        responses=serializers.ExecutionStandingSerializer,
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """Pause the run."""
        return self.answer(request, execution_id)


class ResumeView(_MoveView):
    """``POST /api/execution/{execution_id}/resume``."""

    move = staticmethod(executions.resume_execution)

    @extend_schema(
        operation_id="execution_resume",
        summary="Let the clock go on",
        parameters=READING_LANGUAGE,
        request=None,
        responses=serializers.ExecutionStandingSerializer,
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """Resume the run."""
        return self.answer(request, execution_id)


class CompleteView(_MoveView):
    """``POST /api/execution/{execution_id}/complete``."""

    move = staticmethod(executions.complete_execution)

    @extend_schema(
        operation_id="execution_complete",
        summary="Finish a run",
        parameters=READING_LANGUAGE,
        description="Every required step must be done: else 409 steps_missing names them.",
        request=None,
        responses=serializers.ExecutionStandingSerializer,
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """Complete the run."""
        return self.answer(request, execution_id)


class AbandonView(_MoveView):
    """``POST /api/execution/{execution_id}/abandon``."""

    move = staticmethod(executions.abandon_execution)

    @extend_schema(
        operation_id="execution_abandon",
        summary="Give a run up",
        parameters=READING_LANGUAGE,
        request=serializers.AbandonInput,
        responses=serializers.ExecutionStandingSerializer,
    )
    def post(self, request: Request, execution_id: str) -> Response:
        """Abandon the run."""
        body = checked(serializers.AbandonInput(data=request.data))
        return self.answer(request, execution_id, reason=body["reason"])


def own_execution(person: User, execution_id: str) -> Execution:
    """Return a person's run that a body names.

    Raises:
        NotFoundError: there is none, or it is somebody else's.
    """
    try:
        return execution_of(person, execution_id)
    except NotFoundError as error:
        error.extra["errors"] = [
            {"pointer": "/execution_id", "code": error.code, "detail": error.detail}
        ]
        raise
