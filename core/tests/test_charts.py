import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.charts import (
    Bar,
    Point,
    build_bar_chart,
    build_funnel_chart,
    build_histogram,
    build_line_chart,
    build_sparkline,
    format_figure,
)

figures = st.floats(min_value=-1e9, max_value=1e9, allow_nan=False)
counts = st.integers(min_value=0, max_value=10**9)
COORDINATE = re.compile(r"-?\d+(\.\d{1,2})?")


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (3.0, "3"), (3.5, "3.5"), (1204, "1,204"), (0.126, "0.13"), (-2.50, "-2.5")],
)
def test_format_figure_drops_what_says_nothing(value, text):
    assert format_figure(value) == text


def test_bars_are_scaled_to_the_longest_interval():
    chart = build_bar_chart(
        title="Themes",
        bars=[Bar("late", 40, low=30, high=50, url="/t/1"), Bar("dear", 10, note="early")],
    )

    first, second = chart.rows
    assert (first.width, first.low_x, first.high_x) == ("80", "60", "100")
    assert first.interval == "30\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}50"
    assert (second.width, second.low_x, second.interval) == ("20", "", "")
    assert (second.display, second.note, second.url) == ("10", "early", "")
    assert chart.has_notes is True


def test_bars_without_any_value_have_no_width():
    chart = build_bar_chart(title="Themes", bars=[Bar("late", 0), Bar("dear", 0)])

    assert [row.width for row in chart.rows] == ["0", "0"]
    assert chart.has_notes is False


def test_a_bar_never_leaves_the_given_maximum():
    chart = build_bar_chart(title="Use", bars=[Bar("disk", 150)], maximum=100)

    assert chart.rows[0].width == "100"


@pytest.mark.parametrize("value", [-1, float("nan"), float("inf")])
def test_bars_refuse_numbers_they_cannot_draw(value):
    with pytest.raises(ValueError, match="chart needs"):
        build_bar_chart(title="Themes", bars=[Bar("late", value)])


def test_funnel_gives_shares_of_the_first_and_of_the_step_before():
    chart = build_funnel_chart(
        title="Way to pay", steps=[("Shown", 200), ("Started", 50), ("Done", 40)]
    )

    assert [step.width for step in chart.steps] == ["100", "25", "20"]
    assert [step.share_of_first for step in chart.steps] == ["100%", "25%", "20%"]
    assert [step.share_of_previous for step in chart.steps] == ["", "25%", "80%"]


def test_funnel_survives_steps_nobody_reached_and_steps_that_grow():
    empty = build_funnel_chart(title="Way", steps=[("Shown", 0), ("Started", 0)])
    growing = build_funnel_chart(title="Way", steps=[("Shown", 10), ("Started", 20)])

    assert [step.share_of_previous for step in empty.steps] == ["", ""]
    assert [step.width for step in growing.steps] == ["50", "100"]


def test_line_stands_on_a_scale_of_round_numbers_from_zero():
    chart = build_line_chart(
        title="Sessions",
        points=[Point("Mon", 0), Point("Tue", 15), Point("Wed", 30)],
    )

    assert chart.ticks == ("30", "20", "10", "0")
    assert chart.grid == ("0", "33.33", "66.67", "100")
    assert chart.line == "M0 100L50 50L100 0"
    assert chart.area == "M0 100L50 50L100 0V100H0Z"
    assert chart.dots == (("0", "100"), ("50", "50"), ("100", "0"))
    assert chart.summary == "highest 30 at Wed, last 30 at Wed"


def test_stepped_line_holds_its_value_until_the_next_point():
    chart = build_line_chart(
        title="Pay",
        points=[
            Point("0", 0, position=0),
            Point("25", 5, position=25),
            Point("100", 20, position=100),
        ],
        is_stepped=True,
        show_dots=False,
        axis=("0", "100"),
    )

    assert chart.line == "M0 100H25V75H100V0"
    assert chart.dots == ()
    assert [(label.text, label.x, label.anchor) for label in chart.axis_labels] == [
        ("0", "0%", "start"),
        ("100", "100%", "end"),
    ]


def test_only_marked_points_get_a_dot_where_dots_are_off():
    chart = build_line_chart(
        title="Pay", points=[Point("a", 1), Point("b", 2, is_marked=True)], show_dots=False
    )

    assert chart.dots == (("100", "0"),)


def test_one_point_is_a_dot_and_no_line():
    chart = build_line_chart(title="Sessions", points=[Point("Mon", 4)], show_dots=False)

    assert chart.line == ""
    assert chart.area == ""
    assert chart.dots == (("50", "0"),)


def test_no_points_make_an_empty_chart():
    chart = build_line_chart(title="Sessions", points=[])

    assert chart.rows == ()
    assert chart.summary == "no figures yet"


def test_line_below_zero_keeps_zero_on_the_scale():
    chart = build_line_chart(title="Balance", points=[Point("a", -10), Point("b", 10)])

    assert chart.ticks == ("10", "5", "0", "-5", "-10")
    assert chart.area.endswith("V50H0Z")


def test_positions_must_not_go_backwards():
    with pytest.raises(ValueError, match="must not go backwards"):
        build_line_chart(title="x", points=[Point("a", 1, position=2), Point("b", 1, position=1)])


def test_axis_labels_stay_few_and_even():
    chart = build_line_chart(title="Sessions", points=[Point(str(day), 1) for day in range(30)])

    assert [label.text for label in chart.axis_labels] == ["0", "5", "10", "15", "20", "25"]


def test_histogram_columns_share_the_width():
    chart = build_histogram(title="Scores", bins=[("0–49", 5), ("50–100", 10)])

    first, second = chart.columns
    assert (first.x, first.width, first.y, first.height) == ("6", "38", "50", "50")
    assert (second.x, second.width, second.y, second.height) == ("56", "38", "0", "100")
    assert [(label.x, label.anchor) for label in chart.axis_labels] == [
        ("25%", "middle"),
        ("75%", "middle"),
    ]
    assert [(row.label, row.display) for row in chart.rows] == [("0–49", "5"), ("50–100", "10")]


def test_sparkline_says_where_it_came_from_and_went():
    chart = build_sparkline(label="Sessions", values=[1, 3, 2])

    assert chart.label == "Sessions: from 1 to 2"
    assert chart.line == "M0 22L50 2L100 12"


def test_sparkline_of_equal_values_is_level_and_of_one_value_is_nothing():
    assert build_sparkline(label="x", values=[4, 4]).line == "M0 12L100 12"
    assert build_sparkline(label="x", values=[4]).line == ""


@given(st.lists(figures, max_size=40))
@example([5e-324])
def test_every_line_stays_inside_its_box(values):
    chart = build_line_chart(title="x", points=[Point(str(i), v) for i, v in enumerate(values)])

    assert 2 <= len(chart.ticks) <= 7
    for number in COORDINATE.finditer(chart.line.replace("M", " ").replace("L", " ")):
        assert -0.01 <= float(number.group()) <= 100.01


@given(st.lists(counts, min_size=1, max_size=40))
def test_every_column_stays_inside_its_box(values):
    chart = build_histogram(title="x", bins=[(str(i), v) for i, v in enumerate(values)])

    for column in chart.columns:
        assert float(column.x) + float(column.width) <= 100.01
        assert 0 <= float(column.y) <= 100
        assert abs(float(column.y) + float(column.height) - 100) <= 0.02
