from __future__ import annotations

import pytest
from django.apps import apps
from django.contrib import admin
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import PASSWORD
from config.admin_site import build_admin_site
from core.admin import ReadOnlyAdmin
from core.audit import record_event
from core.models import AuditEvent, IdempotencyRecord, LiveEvent, LiveStream, RateCounter
from tests.architecture.sources import ROOT

OWN = (AuditEvent, IdempotencyRecord, RateCounter, LiveStream, LiveEvent)


@pytest.fixture
def administrator(db, browser_of):
    return browser_of(User.objects.create_superuser("root@parley.test", "x"))


def page(name, model, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


@pytest.mark.parametrize("model", OWN)
def test_own_rows_can_be_looked_at_and_nothing_else(administrator, model):
    assert isinstance(admin.site.get_model_admin(model), ReadOnlyAdmin)
    assert administrator.get(page("changelist", model)).status_code == 200
    assert administrator.get(page("add", model)).status_code == 403


def test_an_audit_event_is_shown_and_cannot_be_changed_or_deleted(administrator):
    event = record_event(actor="user_1", action="a.b", object_ref="<script>alert(1)</script>")
    url = page("change", AuditEvent, event.pk)

    shown = administrator.get(url)
    assert shown.status_code == 200
    assert "<script>alert(1)" not in shown.content.decode()
    assert administrator.post(url, {"actor": "user_2"}).status_code == 403
    assert administrator.post(
        page("delete", AuditEvent, event.pk), {"post": "yes"}
    ).status_code in (403,)
    assert AuditEvent.objects.get().actor == "user_1"


def test_pages_of_the_admin_carry_the_policy_and_nothing_it_would_block(administrator):
    record_event(actor="user_1", action="a.b", object_ref="x")

    for url in ("/admin/", page("changelist", AuditEvent), page("changelist", RateCounter)):
        response = administrator.get(url)
        policy = response["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "style-src 'self'" in policy
        assert "unsafe" not in policy
        text = response.content.decode()
        assert "<style" not in text
        assert " style=" not in text
        assert "onclick=" not in text


def test_people_who_are_no_staff_do_not_get_in(ana, browser_of):
    response = browser_of(ana).get("/admin/")

    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]


def test_ten_failed_logins_lock_one_name_at_one_address_for_a_while(ana, browser_of):
    form = {"username": ana.email, "password": "wrong"}
    browser = browser_of()
    answers = [browser.post("/admin/login/", form).status_code for _ in range(10)]
    right = {"username": f" {ana.email.upper()}", "password": PASSWORD}
    locked = browser.post("/admin/login/", right)
    elsewhere = browser_of(REMOTE_ADDR="203.0.113.9").post("/admin/login/", form)
    another = browser.post("/admin/login/", {"username": "else@acme.test", "password": "wrong"})

    assert answers == [200] * 9 + [429]
    assert locked.status_code == 429
    assert locked["Retry-After"] == "900"
    assert "_auth_user_id" not in browser.session
    assert elsewhere.status_code == 200
    assert another.status_code == 200


def test_with_a_second_factor_required_a_password_is_not_enough(rf, settings, db):
    settings.ADMIN_REQUIRE_2FA = True
    site = build_admin_site()
    request = rf.get("/admin/")
    request.user = User.objects.create_superuser("root@parley.test", "x")

    request.user.is_verified = lambda: False
    assert site.has_permission(request) is False
    request.user.is_verified = lambda: True
    assert site.has_permission(request) is True
    settings.ADMIN_REQUIRE_2FA = False
    assert not isinstance(build_admin_site(), type(site))


def test_every_model_of_ours_is_in_the_admin():
    ours = [one for one in apps.get_app_configs() if (ROOT / one.name.replace(".", "/")).is_dir()]
    missing = [
        model._meta.label
        for one in ours
        for model in one.get_models()
        if not admin.site.is_registered(model)
    ]

    assert len(ours) > 7
    assert missing == []
