"""How operations are described in the OpenAPI document: their app, and the problems they answer."""

from __future__ import annotations

from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema

PROBLEM_REF = {"$ref": "#/components/responses/Problem"}

_PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "description": "URI of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "detail": {"type": "string", "description": "What is wrong and what to do."},
        "instance": {"type": "string", "description": "Path of the request."},
        "code": {"type": "string", "description": "Stable name of the problem; branch on it."},
        "request_id": {"type": "string", "description": "Quote it when asking for help."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "detail"],
                "properties": {
                    "pointer": {"type": "string", "description": "JSON pointer to the field."},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}


class ProblemAutoSchema(AutoSchema):
    """Describe an operation with the problems every operation may answer."""

    def get_operation(self, *args: Any, **kwargs: Any) -> dict[str, Any] | None:
        """Return the operation, its undeclared answers documented as problems."""
        operation: dict[str, Any] | None = super().get_operation(*args, **kwargs)
        if operation is None:
            return None
        responses = operation.setdefault("responses", {})
        statuses = ["400", "429"]
        if operation.get("security") and {} not in operation["security"]:
            statuses.append("401")
        if "{" in self.path:
            statuses.append("404")
        if "requestBody" in operation:
            statuses += ["413", "415"]
        for status in statuses:
            responses.setdefault(status, PROBLEM_REF)
        responses.setdefault("default", PROBLEM_REF)
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def get_tags(self) -> list[str]:
        """Group operations by the app their view lives in."""
        return [type(self.view).__module__.partition(".")[0]]


def add_problem_answers(
    result: dict[str, Any], generator: SchemaGenerator, **kwargs: Any
) -> dict[str, Any]:
    """Add the components the operations refer to (postprocessing hook of drf-spectacular)."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    components.setdefault("responses", {})["Problem"] = {
        "description": "What went wrong, and what to do.",
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }
    return result
