"""A person's page, and which company the console shows."""

from __future__ import annotations

import pytest

from accounts.models import Market, Profile, Role, SkillLevel
from accounts.tests.factories import add_member, make_company

pytestmark = pytest.mark.django_db


def test_the_closed_lists_are_there(db):
    assert list(Market.objects.values_list("slug", flat=True)) == [
        "freelancer",
        "student",
        "job_seeker",
        "small_business",
        "agency",
        "creator",
        "other",
    ]
    assert list(SkillLevel.objects.values_list("slug", flat=True)) == [
        "beginner",
        "intermediate",
        "advanced",
    ]


def test_a_person_says_who_they_are(browser_of, vera):
    answer = browser_of(vera).post(
        "/account/",
        {
            "full_name": " Vera\u200b  Okafor-Lind ",
            "language": "es",
            "market": Market.objects.get(slug="freelancer").pk,
            "skill_level": SkillLevel.objects.get(slug="beginner").pk,
        },
    )

    profile = Profile.objects.get(user=vera)
    vera.refresh_from_db()
    assert answer.status_code == 302
    assert vera.full_name == "Vera Okafor-Lind"
    assert (profile.language, profile.market.slug, profile.skill_level.slug) == (
        "es",
        "freelancer",
        "beginner",
    )


def test_what_is_not_on_the_list_is_refused(browser_of, vera):
    answer = browser_of(vera).post(
        "/account/", {"full_name": "Vera", "language": "xx", "market": 999_999}
    )

    profile = Profile.objects.get(user=vera)
    assert answer.status_code == 200
    assert (profile.language, profile.market) == ("en", None)


def test_plan_and_rights_cannot_be_written_by_the_form(browser_of, vera):
    browser_of(vera).post(
        "/account/",
        {"full_name": "Vera", "language": "en", "plan": "scale", "is_staff": "on", "role": "owner"},
    )

    vera.refresh_from_db()
    assert Profile.objects.get(user=vera).plan == "starter"
    assert not vera.is_staff


def test_the_console_shows_the_company_one_chose(browser_of, ana, acme):
    second = make_company("Second", owner=ana)
    browser = browser_of(ana)
    assert "Acme" in browser.get("/console/settings/").content.decode()

    browser.post("/account/company/switch/", {"company": second.public_id})

    assert "Second" in browser.get("/console/settings/").content.decode()


def test_a_company_of_others_cannot_be_chosen(browser_of, ana, acme, globex):
    browser = browser_of(ana)

    answer = browser.post("/account/company/switch/", {"company": globex.public_id})

    assert answer.status_code == 404
    assert "Globex" not in browser.get("/console/settings/").content.decode()


def test_somebody_without_a_company_is_led_to_create_one(browser_of, vera):
    answer = browser_of(vera).get("/console/settings/")

    assert answer["Location"] == "/account/company/new/"


def test_operators_do_not_see_settings_keys_or_team(browser_of, acme, vera):
    add_member(acme, vera, Role.OPERATOR)
    browser = browser_of(vera)

    for path in ("/console/settings/", "/console/keys/", "/console/team/"):
        assert browser.get(path).status_code == 404


def test_settings_keep_retention_within_its_limits(browser_of, ana, acme):
    browser = browser_of(ana)

    refused = browser.post("/console/settings/", {"name": "Acme", "retention_days": 0})
    browser.post("/console/settings/", {"name": "Acme Ltd", "retention_days": 30})

    acme.refresh_from_db()
    assert refused.status_code == 200
    assert (acme.name, acme.retention_days) == ("Acme Ltd", 30)


def test_the_admin_lists_every_model_of_accounts(
    browser_of, ana, acme, django_assert_max_num_queries
):
    ana.is_staff = ana.is_superuser = True
    ana.save()
    browser = browser_of(ana)

    for model in (
        "user",
        "company",
        "companykey",
        "invitation",
        "profile",
        "market",
        "skilllevel",
    ):
        assert browser.get(f"/admin/accounts/{model}/").status_code == 200
    assert browser.get("/admin/accounts/user/add/").status_code == 200
    assert browser.get(f"/admin/accounts/user/{ana.pk}/change/").status_code == 200
