"""The component templates: escaping, ties between labels and controls, and what they refer to."""

import gzip
import re
from pathlib import Path

import pytest
from django import forms
from django.conf import settings
from django.template.loader import render_to_string

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
README = (ROOT / "templates" / "components" / "README.md").read_text()
HOSTILE = '"><script>alert(1)</script>'
# Parts of another component, not meant to be included by a page.
PARTS = {"field_notes", "styles", "brand", "theme_toggle", "top_nav_links", "user_menu"}


def test_every_component_says_what_it_takes():
    silent = [path.name for path in COMPONENTS if not path.read_text().startswith("{% comment %}")]
    unlisted = [
        path.stem
        for path in COMPONENTS
        if not path.stem.startswith("chart_")
        and path.stem not in PARTS
        and f"`{path.name}`" not in README
    ]

    assert silent == []
    assert unlisted == []


def test_every_icon_named_in_a_template_is_drawn():
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (ROOT / "static/img/icons.svg").read_text()))
    named = set()
    for path in TEMPLATES:
        text = path.read_text()
        named |= set(re.findall(r"{% icon ['\"]([a-z-]+)['\"]", text))
        named |= set(re.findall(r'(?:^|\s)(?:icon|icon_end|action_icon)="([a-z-]+)"', text))

    assert len(drawn) > 50
    assert named - drawn == set()


def test_every_static_file_named_in_a_template_exists():
    missing = {
        name
        for path in TEMPLATES
        for name in re.findall(r"{% static ['\"]([^'\"]+)['\"]", path.read_text())
        if not (ROOT / "static" / name).is_file()
    }

    assert missing == set()


def test_every_class_of_a_component_has_a_rule():
    rules = "".join(path.read_text() for path in (ROOT / "static" / "css").rglob("*.css"))
    defined = set(re.findall(r"\.([a-z][a-z0-9_-]*)", rules))
    used = set()
    for path in COMPONENTS:
        for value in re.findall(r'class="([^"]*)"', path.read_text()):
            plain = re.sub(r"{[{%].*?[%}]}", "", value)
            # button--{{ variant }} leaves half a name.
            used |= {name for name in plain.split() if not name.endswith("-")}

    assert len(used) > 100
    assert used - defined == set()


def test_style_sheets_stay_small():
    shared = [
        path
        for path in sorted((ROOT / "static" / "css").rglob("*.css"))
        if path.parent.name != "pages"
    ]

    assert sum(len(gzip.compress(path.read_bytes())) for path in shared) < 12_000


def test_scripts_of_every_page_stay_small():
    loaded = [ROOT / "static/js/theme.js", ROOT / "static/js/base.js"]
    for name in re.findall(r'from "\./(ui/[a-z-]+\.js)"', loaded[1].read_text()):
        loaded.append(ROOT / "static/js" / name)
    loaded.append(ROOT / "static/js/ui/toast.js")

    assert len(loaded) == 8
    assert sum(len(gzip.compress(path.read_bytes())) for path in loaded) < 5_200


@pytest.mark.parametrize(
    ("component", "context"),
    [
        ("chat_turn", {"role": "visitor", "text": HOSTILE, "turn_id": HOSTILE, "label": HOSTILE}),
        ("quote", {"text": HOSTILE, "source": HOSTILE, "href": HOSTILE}),
        ("code_block", {"code": HOSTILE, "label": HOSTILE, "id": "x"}),
        ("button", {"label": HOSTILE, "value": HOSTILE, "name": "n"}),
        ("notice", {"text": HOSTILE, "title": HOSTILE}),
        ("pill", {"label": HOSTILE, "status": HOSTILE}),
        ("input", {"name": "x", "label": HOSTILE, "value": HOSTILE, "error": HOSTILE}),
        ("key_values", {"items": [(HOSTILE, HOSTILE)]}),
        ("copy_button", {"text": HOSTILE}),
        ("page_header", {"title": HOSTILE, "lead": HOSTILE}),
        ("breadcrumbs", {"items": [(HOSTILE, "/"), (HOSTILE, "")]}),
        ("tabs", {"items": [(HOSTILE, "/", True, HOSTILE)], "label": HOSTILE}),
        ("avatar", {"name": HOSTILE}),
        ("stat", {"label": HOSTILE, "value": HOSTILE, "note": HOSTILE}),
        ("empty", {"title": HOSTILE, "text": HOSTILE}),
        ("progress", {"label": HOSTILE, "value": 1, "max": 2}),
        ("term", {"term": HOSTILE, "meaning": HOSTILE}),
    ],
)
def test_what_people_wrote_stays_text(component, context):
    html = render_to_string(f"components/{component}.html", context)

    assert "<script>" not in html
    assert "alert(1)" in html or component == "avatar"


class Refused(forms.Form):
    title = forms.CharField(help_text="Above the first question.")
    pay = forms.DecimalField()
    channel = forms.ChoiceField(choices=[("w", "Widget")], widget=forms.RadioSelect)
    consent = forms.BooleanField()


@pytest.mark.parametrize("name", ["title", "pay", "channel", "consent"])
def test_a_refused_field_is_tied_to_its_reason(name):
    field = Refused({})[name]

    html = render_to_string("components/field.html", {"field": field, "prefix": ""})

    described = re.search(r'aria-describedby="([^"]+)"', html)
    assert described is not None
    for part in described[1].split():
        assert f'id="{part}"' in html
    assert f"id_{name}_error" in described[1].split()
    assert "This field is required." in html


def test_a_field_shows_its_label_help_and_affixes():
    html = render_to_string(
        "components/field.html",
        {"field": Refused()["pay"], "prefix": "USD", "suffix": "each", "optional": True},
    )

    assert '<label class="field__label" for="id_pay">' in html
    assert '<span class="field__affix">USD</span>' in html
    assert '<span class="field__affix">each</span>' in html
    assert "(optional)" in html
    assert "field__errors" not in html


def test_form_errors_link_to_their_fields_and_take_the_focus():
    html = render_to_string("components/form_errors.html", {"form": Refused({})})

    assert 'role="alert" tabindex="-1" data-focus' in html
    assert '<a href="#id_title">Title</a>: This field is required.' in html
    assert "notice" not in render_to_string("components/form_errors.html", {"form": Refused()})


def test_zero_is_a_value_and_no_value_is_none():
    some = render_to_string("components/input.html", {"name": "n", "label": "N", "value": 0})
    none = render_to_string("components/input.html", {"name": "n", "label": "N", "value": None})
    running = render_to_string("components/progress.html", {"label": "Scoring"})
    started = render_to_string("components/progress.html", {"label": "Scoring", "value": 0})

    assert 'value="0"' in some
    assert "value=" not in none
    assert "value=" not in running
    assert 'value="0" max="100"' in started


def test_pill_says_its_state_in_a_word_and_a_shape():
    html = render_to_string("components/pill.html", {"status": "running"})

    assert "pill--live" in html
    assert "#circle" in html
    assert "Running" in html


@pytest.mark.parametrize("status", [400, 403, 404, 413, 429, 500, 503])
def test_error_pages_render_without_a_request(status):
    html = render_to_string(
        f"{status}.html", {"status": status, "detail": "Do this next.", "request_id": "req-7"}
    )

    assert f"Error {status}" in html
    assert '<span class="mono">req-7</span>' in html
    assert 'href="/"' in html
    assert html.count("<h1>") == 1
