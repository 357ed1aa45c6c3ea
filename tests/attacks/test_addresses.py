"""What an address may carry: no token, no way out of a folder, no way to another site."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import storages
from django.test import Client

from accounts.models import Company, User
from accounts.tests.factories import make_key
from sessions.models import VoiceSession
from surveys.models import Survey
from surveys.tests.builders import Visitor, make_survey
from tests.tenants_world import World, addresses, body_of

pytestmark = pytest.mark.django_db

TRAVERSALS = (
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%252f..%252fetc%252fpasswd",
    "%2fetc%2fpasswd",
    "....//....//etc/passwd",
    "..\\..\\etc\\passwd",
    "%00",
    "a" * 300,
    "%e2%80%aegnp.exe",
)
# Each is tried at every address; most of them with the slow tests.
QUICK_TRAVERSALS = TRAVERSALS[:2]
ELSEWHERE = (
    "https://evil.test/",
    "//evil.test/",
    "///evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    " https://evil.test",
    "\thttps://evil.test",
    "https://testserver@evil.test/",
    "https://testserver.evil.test/",
)


def test_a_secret_in_the_address_opens_nothing(world: World, acme: Company) -> None:
    visitor = Visitor(make_survey(acme))
    visitor.start()
    secrets = {
        "token": visitor.started["session_token"],
        "access_token": visitor.started["session_token"],
        "session_token": visitor.started["session_token"],
        "receipt_token": visitor.started["receipt_token"],
        "api_key": make_key(acme)[1],
        "key": make_key(acme)[1],
        "authorization": f"Bearer {make_key(acme)[1]}",
    }
    query = "&".join(f"{name}={value}" for name, value in secrets.items())
    plain, other = Client(), []
    for path in addresses(world):
        path = path.replace(world.arguments["session_id"], visitor.session_id)
        bare = plain.get(path)
        asked = plain.get(f"{path}?{query}")
        body_of(bare)
        body_of(asked)
        if bare.status_code != asked.status_code and asked.status_code < 400:
            other.append((path, bare.status_code, asked.status_code))
        if any(value in asked.headers.get("Location", "") for value in secrets.values()):
            # The login page may be told where to go back to, which is on this site.
            assert asked["Location"].startswith("/account/login/"), path

    assert other == []


def test_a_secret_of_the_login_page_is_not_sent_on(client: Client) -> None:
    answer = client.get("/console/keys/?api_key=sk_secret")

    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=() if name in QUICK_TRAVERSALS else pytest.mark.slow)
        for name in TRAVERSALS
    ],
)
def test_no_name_leads_out_of_a_folder(name: str, world: World, ana: User) -> None:
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    leaks, tried = [], 0
    for path in addresses(world):
        for value in {*world.arguments.values(), "conversation.js"}:
            if f"/{value}" not in path:
                continue
            answer = client.get(path.replace(f"/{value}", f"/{name}", 1))
            tried += 1
            if answer.status_code >= 500 or answer.streaming or b"root:" in body_of(answer):
                leaks.append((path, answer.status_code))

    assert leaks == []
    assert tried > 60


@pytest.mark.parametrize("alias", sorted(set(storages.backends) - {"staticfiles"}))
@pytest.mark.parametrize("name", ["../out.txt", "/etc/out.txt", "a/../../out.txt"])
def test_no_storage_writes_outside_of_its_folder(alias: str, name: str) -> None:
    from django.core.exceptions import SuspiciousOperation
    from django.core.files.base import ContentFile

    with pytest.raises(SuspiciousOperation):
        storages[alias].save(name, ContentFile(b"x"))


@pytest.mark.parametrize("target", ELSEWHERE)
def test_nobody_is_sent_to_another_site(target: str, ana: User, acme: Company) -> None:
    ana.set_password("a few unrelated words")
    ana.save()
    client = Client()
    signed_in = client.post(
        "/account/login/",
        {"username": ana.email, "password": "a few unrelated words", "next": target},
    )
    switched = client.post("/account/company/switch/", {"company": acme.public_id, "next": target})
    answers = [signed_in, switched]
    for query in ("next", "return_to", "redirect", "url", "back"):
        answers.append(client.get("/account/login/", {query: target}))
        answers.append(client.post("/account/logout/", {query: target}))

    sent_to = {answer["Location"] for answer in answers if answer.status_code == 302}
    assert signed_in.status_code == 302
    assert [place for place in sent_to if not place.startswith("/") or place[:2] == "//"] == []
    assert [place for place in sent_to if "evil" in place or "\\" in place] == []


def test_every_link_of_a_signed_out_page_stays_here(client: Any) -> None:
    answer = client.get("/account/login/?next=https://evil.test/")

    assert b"evil.test" not in answer.content


def test_a_preflight_from_a_page_nobody_listed_is_refused(world: World) -> None:
    listed = "https://shop.example"
    Survey.objects.update(allowed_origins=[listed])
    VoiceSession.objects.update(allowed_origins=[listed])
    client, told = Client(), {}
    for path in addresses(world):
        for origin in (listed, "https://evil.test", "null", "https://shop.example.evil.test"):
            for method in ("GET", "POST", "DELETE"):
                answer = client.options(
                    path,
                    headers={
                        "origin": origin,
                        "access-control-request-method": method,
                        "access-control-request-headers": "authorization,content-type",
                    },
                )
                # Never with cookies, whoever asks.
                assert "Access-Control-Allow-Credentials" not in answer.headers, path
                if "Access-Control-Allow-Origin" in answer.headers:
                    told.setdefault(answer["Access-Control-Allow-Origin"], set()).add(path)
                    assert answer["Access-Control-Allow-Origin"] == origin, path

    assert set(told) == {listed}
    assert {path.split("/")[1] for path in told[listed]} == {"session", "survey", "transcripts"}
    assert not any("manage" in path or "export" in path for path in told[listed])


def test_every_page_forbids_code_of_others(world: World, ana: User) -> None:
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")
    faults, pages = [], 0
    for path in addresses(world):
        answer = client.get(path)
        body_of(answer)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        pages += 1
        policy = answer.headers.get("Content-Security-Policy", "")
        if (
            "unsafe-inline" in policy
            or "unsafe-eval" in policy
            or "object-src 'none'" not in policy
        ):
            faults.append((path, policy))
        if answer.headers.get("X-Content-Type-Options") != "nosniff":
            faults.append((path, "sniffs"))

    assert faults == []
    assert pages > 30
