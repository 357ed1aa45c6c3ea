"""The widget's scripts as they are sent, and the pages they can be seen on."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

from surveys.models import SurveyStatus
from surveys.services.identity import SignedUser, identity_secret, verify_signed_user
from surveys.tests.builders import make_survey
from surveys.views.widget_bundle import load_bundle

FOLDER = Path(settings.BASE_DIR) / "static" / "widget"
SHELL_BYTES_MAX = 10_000


def keys_of(locale: str) -> set[str]:
    return set(
        re.findall(r'(?:^|[{,]\s*|\s)(\w+): "', (FOLDER / f"locale-{locale}.js").read_text())
    )


def test_the_shell_is_small_and_cached_for_a_short_time(client):
    answer = client.get("/widget.js", headers={"Accept-Encoding": "gzip"})

    assert answer.status_code == 200
    assert answer["Content-Encoding"] == "gzip"
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cache-Control"] == f"public, max-age={settings.WIDGET_CACHE_SECONDS}"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Vary"].startswith("Accept-Encoding")
    assert len(answer.content) <= SHELL_BYTES_MAX
    source = gzip.decompress(answer.content).decode()
    assert f'"/widget/{load_bundle().version}/"' in source
    again = client.get("/widget.js", headers={"If-None-Match": answer["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_modules_are_kept_for_ever_under_their_version_and_not_at_all_under_another(client):
    version = load_bundle().version
    for name in ("panel.js", "conversation.js", "connection.js"):
        answer = client.get(f"/widget/{version}/{name}")
        assert answer.status_code == 200
        assert "Content-Encoding" not in answer
        assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert client.get("/widget/older/panel.js")["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["shell.js", "nothing.js", "..%2f..%2fmanage.py", "panel.js%00"])
def test_nothing_else_is_served(client, name):
    assert client.get(f"/widget/{load_bundle().version}/{name}").status_code == 404


def test_every_module_a_script_names_is_served():
    files = load_bundle().files
    for name, file in files.items():
        for wanted in re.findall(r'(?:from|import\()\s*"\./([^"]+)"', file.body.decode()):
            assert wanted in files, f"{name} loads {wanted}"


def test_no_script_uses_what_a_strict_policy_forbids_or_an_injection_needs():
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|DOMParser|"
        r"setAttribute\(\"style\"|createElement\(\"(?:style|script|iframe)\"|<style"
    )
    for path in FOLDER.glob("*.js"):
        assert forbidden.findall(path.read_text()) == [], path.name


def test_nothing_moves_for_who_wants_no_motion():
    moving = 0
    for path in FOLDER.glob("*.js"):
        css = path.read_text()
        while (at := css.find("@media (prefers-reduced-motion: no-preference)")) >= 0:
            end = css.index("{", at) + 1
            while css[at:end].count("{") > css[at:end].count("}"):
                end = css.index("}", end) + 1
            moving += css[at:end].count("animation:")
            css = css[:at] + css[end:]
        assert re.findall(r"(?<![\w-])(?:animation|transition):[^;]*", css) == [], path.name
    assert moving >= 3


def test_both_languages_have_the_same_texts():
    english, spanish = keys_of("en"), keys_of("es")
    assert len(english) > 100
    assert english == spanish


def test_the_hosted_page_carries_the_widget(client, acme):
    survey = make_survey(acme)
    answer = client.get(f"/s/{survey.public_id}")

    page = answer.content.decode()
    assert answer.status_code == 200
    assert f'data-survey="{survey.public_id}" data-key="{survey.publishable_key}"' in page
    assert 'data-mode="inline"' in page
    assert "<noscript>" in page
    assert "style=" not in page


def test_the_hosted_page_of_a_draft_or_of_nothing_is_not_there(client, acme):
    survey = make_survey(acme)
    survey.status = SurveyStatus.DRAFT
    survey.save(update_fields=["status"])

    assert client.get(f"/s/{survey.public_id}").status_code == 404
    assert client.get("/s/survey_00000000000000000000000000").status_code == 404


def test_the_example_page_says_what_to_do_without_a_demo(client, db):
    page = client.get("/demo/host/").content.decode()
    assert "No survey to show" in page
    assert '<script src="/widget.js"' not in page


def test_the_example_page_shows_a_named_survey(client, acme):
    survey = make_survey(acme)
    page = client.get(f"/demo/host/?survey={survey.public_id}").content.decode()
    assert f'<script src="/widget.js" data-survey="{survey.public_id}"' in page


def test_the_servers_of_companies_sign_users_as_the_guide_says(acme):
    survey = make_survey(acme)
    guide = (Path(settings.BASE_DIR) / "WIDGET_INTEGRATION.md").read_text()
    [code] = re.findall(r"```python\n(.*?)```", guide, re.DOTALL)
    names: dict = {}
    exec(code, names)

    signed = names["sign_user"](identity_secret(acme), survey.public_id, "user-7")

    assert set(signed) == {"user_id", "exp", "hmac"}
    assert len(verify_signed_user(survey=survey, user=SignedUser(**signed))) == 64
