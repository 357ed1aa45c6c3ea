from __future__ import annotations

import pytest

from core.checks import check_contradictions, check_switched_off

COMPLETE = {
    "DATABASE_IS_SQLITE": False,
    "REDIS_URL": "redis://r",
    "LLM_ENABLED": True,
    "LIVEKIT_URL": "wss://l",
    "LIVEKIT_API_KEY": "k",
    "LIVEKIT_API_SECRET": "s",
    "STRIPE_SECRET_KEY": "sk",
    "STRIPE_WEBHOOK_SECRET": "wh",
    "EMAIL_HOST": "mail",
    "AWS_STORAGE_BUCKET_NAME": "b",
    "METRICS_TOKEN": "t",
    "SECURITY_CONTACT": "c",
    "ADMIN_REQUIRE_2FA": True,
}


@pytest.fixture
def complete(settings):
    for name, value in COMPLETE.items():
        setattr(settings, name, value)
    return settings


def test_a_complete_configuration_has_nothing_to_say(complete):
    assert check_switched_off() == []
    assert check_contradictions() == []


@pytest.mark.parametrize(
    ("name", "value", "number", "hint"),
    [
        ("DATABASE_IS_SQLITE", True, 1, "DATABASE_URL"),
        ("REDIS_URL", "", 2, "REDIS_URL"),
        ("LLM_ENABLED", False, 3, "OPENAI_API_KEY"),
        ("LIVEKIT_URL", "", 4, "LIVEKIT_URL"),
        ("STRIPE_SECRET_KEY", "", 5, "STRIPE_SECRET_KEY"),
        ("EMAIL_HOST", "", 6, "EMAIL_HOST"),
        ("AWS_STORAGE_BUCKET_NAME", "", 7, "AWS_STORAGE_BUCKET_NAME"),
        ("METRICS_TOKEN", "", 8, "METRICS_TOKEN"),
        ("SECURITY_CONTACT", "", 9, "SECURITY_CONTACT"),
        ("ADMIN_REQUIRE_2FA", False, 10, "ADMIN_REQUIRE_2FA"),
    ],
)
def test_what_is_switched_off_is_a_warning_with_what_to_set(complete, name, value, number, hint):
    setattr(complete, name, value)

    (warning,) = check_switched_off()

    assert warning.id == f"parley.W{number:03}"
    assert not warning.is_serious()
    assert hint in warning.hint


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"LIVEKIT_API_SECRET": ""}, "parley.E001"),
        ({"LIVEKIT_URL": ""}, "parley.E001"),
        (
            {"PAYOUT_PROVIDER": "stripe", "STRIPE_SECRET_KEY": "", "STRIPE_WEBHOOK_SECRET": ""},
            "parley.E002",
        ),
        ({"STRIPE_WEBHOOK_SECRET": ""}, "parley.E003"),
        ({"SECRET_KEY": "canary"}, "parley.E004"),
    ],
)
def test_settings_that_contradict_each_other_are_errors(complete, changes, error):
    for name, value in changes.items():
        setattr(complete, name, value)

    (found,) = check_contradictions()

    assert found.id == error
    assert found.is_serious()
    assert "canary" not in str(found)
