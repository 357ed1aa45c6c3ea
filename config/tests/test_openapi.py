from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

from config.links import links, operations_of
from config.openapi import state_machines


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    found: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return dict(found["components"]["schemas"])


@pytest.mark.parametrize("name", sorted(state_machines()))
def test_every_state_enum_is_published_with_its_transitions(
    name: str, schemas: dict[str, Any]
) -> None:
    published = schemas[name]
    machine = state_machines()[name]

    assert set(published["enum"]) == {str(state) for state in machine}
    assert published["x-transitions"] == {
        str(state): sorted(str(after) for after in machine[state]) for state in machine
    }


def test_the_steps_of_a_payout_are_those_a_client_may_see(schemas: dict[str, Any]) -> None:
    assert schemas["PayoutState"]["x-transitions"] == {
        "held": ["approved", "cancelled", "rejected"],
        "approved": ["cancelled", "paid", "sending"],
        "sending": ["failed", "paid", "unclaimed"],
        "unclaimed": ["approved", "cancelled", "failed"],
        "paid": ["reversed"],
        "rejected": ["held"],
        "cancelled": ["held"],
        "failed": ["approved"],
        "reversed": [],
    }


def test_no_model_has_a_state_machine_that_is_not_published() -> None:
    import sessions.models
    import surveys.models.payouts
    import surveys.models.responses
    import surveys.models.surveys
    import surveys.models.wallets

    modules = (
        sessions.models,
        surveys.models.payouts,
        surveys.models.responses,
        surveys.models.surveys,
        surveys.models.wallets,
    )
    found = [
        value
        for module in modules
        for name, value in vars(module).items()
        if name.endswith("_TRANSITIONS")
    ]

    assert len(found) == len(modules)
    assert all(any(value is known for known in state_machines().values()) for value in found)


def test_every_link_leads_from_a_field_that_is_there_to_one_that_is_taken() -> None:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    operations = operations_of(document)

    def fields(content: dict[str, Any]) -> set[str]:
        schema = next(iter(content.values()))["schema"]
        return set(
            document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]
        )

    def has(operation: dict[str, Any], status: str, expression: str) -> bool:
        if expression.startswith("$request.path."):
            wanted = expression.removeprefix("$request.path.")
            return any(
                one["name"] == wanted and one["in"] == "path" for one in operation["parameters"]
            )
        assert expression.startswith("$response.body#/")
        content = operation["responses"][status]["content"]
        return expression.removeprefix("$response.body#/") in fields(content)

    found = 0
    for source, status, name, link in links():
        target = operations[link["operationId"]]
        taken = {one["name"] for one in target.get("parameters", ())}
        assert operations[source]["responses"][status]["links"][name] == link
        assert set(link.get("parameters", ())) <= taken, name
        if body := link.get("requestBody"):
            assert set(body) <= fields(target["requestBody"]["content"]), name
        for expression in (*link.get("parameters", {}).values(), *(body or {}).values()):
            assert has(operations[source], status, expression), (source, expression)
        found += 1
    assert found > 50
