from __future__ import annotations

from typing import Any

import pytest
from drf_spectacular.generators import SchemaGenerator

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
