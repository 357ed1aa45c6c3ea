from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.translation import override

from core.charts import Bar, Point, build_bar_chart, build_line_chart
from core.money import UnknownCurrencyError
from core.templatetags.parley import duration, initials, status_label, tone

NOON = datetime(2026, 11, 20, 12, 4, 30, 999, tzinfo=UTC)
HOSTILE = '"><script>alert(1)</script>'


def render(source, **context):
    return Template("{% load parley %}" + source).render(Context(context))


def test_nav_url_gives_an_address_or_nothing():
    assert render("{% nav_url 'home' %}") == "/"
    assert render("{% nav_url 'no-such-page' as url %}[{{ url }}]") == "[]"


@pytest.mark.parametrize(
    ("path", "url", "exact", "here"),
    [
        ("/console/surveys/", "/console/", False, "True"),
        ("/console/surveys/", "/console/", True, "False"),
        ("/console/", "/console/", True, "True"),
        ("/chat/", "/console/", False, "False"),
        ("/chat/", "", False, "False"),
    ],
)
def test_is_current_compares_with_the_request(path, url, exact, here):
    source = "{% is_current url exact=exact %}"

    assert render(source, request=RequestFactory().get(path), url=url, exact=exact) == here


def test_is_current_is_false_without_a_request():
    assert render("{% is_current '/' %}") == "False"


def test_icon_is_hidden_unless_it_carries_the_meaning():
    assert 'aria-hidden="true"' in render("{% icon 'check' %}")
    assert '/static/img/icons.svg#check"' in render("{% icon 'check' %}")
    labelled = render("{% icon 'check' label='Done' %}")
    assert 'role="img" aria-label="Done"' in labelled
    assert "aria-hidden" not in labelled


def test_icon_label_is_escaped():
    assert "<script>" not in render("{% icon 'check' label=label %}", label=HOSTILE)


def test_money_follows_the_language_of_the_page():
    assert render("{% money 1550 'USD' %}") == "$15.50"
    assert render("{% money nothing 'USD' %}", nothing=None) == "–"
    with override("es"):
        assert "15,50" in render("{% money 1550 'USD' %}")


def test_money_refuses_an_unknown_currency():
    with pytest.raises(UnknownCurrencyError):
        render("{% money 1550 'XQQ' %}")


def test_local_time_is_utc_for_machines_and_people():
    in_lima = NOON.astimezone(timezone(timedelta(hours=-5)))

    assert render("{% local_time at %}", at=in_lima) == (
        '<time datetime="2026-11-20T12:04:30Z" data-local-time="datetime">'
        "20 Nov 2026, 12:04 UTC</time>"
    )
    assert render("{% local_time at 'date' %}", at=NOON).endswith(">20 Nov 2026</time>")
    assert render("{% local_time at 'time' %}", at=NOON).endswith(">12:04 UTC</time>")
    assert render("{% local_time at %}", at=None) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (-3, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (245, "4 min 05 s"),
        (3600, "1 h 00 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("Ana Ruiz", "AR"),
        ("vera", "V"),
        ("beto@acme.test", "BA"),
        ("", "?"),
        ("— !", "?"),
        ("Ñu", "Ñ"),
    ],
)
def test_initials(name, letters):
    assert initials(name) == letters


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", "good"),
        ("PENDING", "info"),
        ("live", "live"),
        ("held", "warn"),
        ("rejected", "bad"),
        ("closed", "neutral"),
        (None, "neutral"),
    ],
)
def test_tone(status, expected):
    assert tone(status) == expected


def test_status_label_reads_like_words():
    assert status_label("in_progress") == "In progress"


def test_bar_chart_escapes_labels_and_draws_numbers_in_every_language():
    chart = build_bar_chart(title="Themes", bars=[Bar(HOSTILE, 1, low=0.5, high=2), Bar("b", 1.5)])

    with override("es"):
        html = render("{% bar_chart chart %}", chart=chart)

    assert "<script>" not in html
    assert '<rect class="chart__bar" width="50" height="12" />' in html
    assert 'd="M25 6H100M25 2V10M100 2V10"' in html


def test_line_chart_has_a_text_alternative_and_the_same_figures_in_a_table():
    chart = build_line_chart(title="Sessions", points=[Point("Mon", 3), Point("Tue", 8)])

    html = render("{% line_chart chart %}", chart=chart)

    assert 'aria-label="Sessions: highest 8 at Tue, last 8 at Tue"' in html
    for cell in ('<th scope="row">Mon</th>', '<td class="table__number">3</td>'):
        assert cell in html


def test_charts_without_figures_say_so():
    empty_bars = build_bar_chart(title="Themes", bars=[])
    empty_line = build_line_chart(title="Sessions", points=[])

    assert "No figures yet." in render("{% bar_chart chart %}", chart=empty_bars)
    html = render("{% line_chart chart %}", chart=empty_line)
    assert "No figures yet." in html
    assert "<svg" not in html
