"""Build the figures that the chart templates draw.

Owns scaling, ticks and labels: numbers in, frozen dataclasses out. Coordinates are finished
strings, because a template would print 12.5 as "12,5" in some languages and break the drawing.
Must not know HTML, requests or what the numbers mean.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

FormatValue = Callable[[float], str]

MAX_AXIS_LABELS = 6
"""More labels than this would touch each other on a phone."""

_NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Bar:
    """One row of a bar chart, as the caller gives it."""

    label: str
    value: float
    display: str = ""
    """What the table shows for the value; the plain number when empty."""
    note: str = ""
    url: str = ""
    low: float | None = None
    """Lower end of an interval, in the unit of `value`."""
    high: float | None = None


@dataclass(frozen=True)
class BarMark:
    """One drawn row; `width`, `low_x` and `high_x` are coordinates in a viewBox 100 wide."""

    label: str
    display: str
    note: str
    url: str
    width: str
    low_x: str
    high_x: str
    interval: str


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars inside a table."""

    title: str
    label_heading: str
    value_heading: str
    note: str
    rows: tuple[BarMark, ...]
    has_notes: bool
    note_heading: str = "Range or note"


@dataclass(frozen=True)
class FunnelStep:
    """One drawn step; shares are whole percent texts, empty where nothing divides."""

    label: str
    display: str
    width: str
    share_of_first: str
    share_of_previous: str


@dataclass(frozen=True)
class FunnelChart:
    """Steps people pass one after the other."""

    title: str
    note: str
    steps: tuple[FunnelStep, ...]
    counted: str = "People"
    """What the figures count."""


@dataclass(frozen=True)
class Point:
    """One point of a line, as the caller gives it."""

    label: str
    value: float
    display: str = ""
    position: float | None = None
    """Place on the x axis; the number of the point when absent."""
    is_marked: bool = False
    """Draw a dot even where the chart draws none."""


@dataclass(frozen=True)
class AxisLabel:
    """A text below the plot; `x` is a percentage of its width, `anchor` an SVG text-anchor."""

    text: str
    x: str
    anchor: str


@dataclass(frozen=True)
class Column:
    """One drawn column of a histogram, in a viewBox of 100 by 100."""

    x: str
    y: str
    width: str
    height: str


@dataclass(frozen=True)
class PlotRow:
    """One row of the table beside a plot."""

    label: str
    display: str


@dataclass(frozen=True)
class Plot:
    """A line chart or a histogram, in a viewBox of 100 by 100 with y growing downwards."""

    title: str
    note: str
    label_heading: str
    value_heading: str
    summary: str
    ticks: tuple[str, ...]
    """Tick texts from top to bottom, evenly spaced."""
    grid: tuple[str, ...]
    axis_labels: tuple[AxisLabel, ...]
    rows: tuple[PlotRow, ...]
    line: str = ""
    area: str = ""
    dots: tuple[tuple[str, str], ...] = ()
    columns: tuple[Column, ...] = ()


@dataclass(frozen=True)
class Sparkline:
    """A line small enough for a table cell, in a viewBox of 100 by 24."""

    label: str
    line: str


def format_figure(value: float) -> str:
    """Return a number as people write it: `1,204`, `3.5`, never `3.0`."""
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.2f}".rstrip("0").rstrip(".")


def build_bar_chart(
    *,
    title: str,
    bars: Sequence[Bar],
    label_heading: str = "Item",
    value_heading: str = "Count",
    note: str = "",
    maximum: float | None = None,
    note_heading: str = "Range or note",
    say_interval: str = "{low} to {high}",
) -> BarChart:
    """Scale bars to the longest of them.

    Args:
        title: caption of the table.
        bars: rows in the order they are shown; values and interval ends at least 0.
        label_heading: heading of the first column.
        value_heading: heading of the figures.
        note: a sentence under the caption, such as what the interval means.
        maximum: the value of a full bar; the largest value or interval end when absent.
        note_heading: heading of the column of intervals and notes.
        say_interval: how an interval is said, with the places ``{low}`` and ``{high}``.

    Raises:
        ValueError: a value is negative or not finite.
    """
    ends = [value for bar in bars for value in (bar.value, bar.low, bar.high) if value is not None]
    _require_finite(ends, minimum=0.0)
    full = maximum if maximum is not None else max(ends, default=0.0)
    marks = tuple(
        BarMark(
            label=bar.label,
            display=bar.display or format_figure(bar.value),
            note=bar.note,
            url=bar.url,
            width=_coordinate(_share(bar.value, full)),
            low_x="" if bar.low is None else _coordinate(_share(bar.low, full)),
            high_x="" if bar.high is None else _coordinate(_share(bar.high, full)),
            interval=(
                ""
                if bar.low is None or bar.high is None
                else say_interval.format(
                    low=format_figure(bar.low), high=format_figure(bar.high)
                ).replace(" ", _NO_BREAK)
            ),
        )
        for bar in bars
    )
    return BarChart(
        title=title,
        label_heading=label_heading,
        value_heading=value_heading,
        note=note,
        rows=marks,
        has_notes=any(mark.note or mark.interval for mark in marks),
        note_heading=note_heading,
    )


def build_funnel_chart(
    *, title: str, steps: Sequence[tuple[str, int]], note: str = "", counted: str = "People"
) -> FunnelChart:
    """Show how many people reached each step, as a share of the first and of the one before.

    Args:
        title: caption of the table.
        steps: label and count, first step first. A step may exceed the one before (people who
            resume), so bars are scaled to the largest.
        note: a sentence under the caption.
        counted: what the figures count, the heading of their column.

    Raises:
        ValueError: a count is negative.
    """
    counts = [float(count) for _, count in steps]
    _require_finite(counts, minimum=0.0)
    full = max(counts, default=0.0)
    drawn = []
    for index, (label, count) in enumerate(steps):
        previous = counts[index - 1] if index else 0.0
        drawn.append(
            FunnelStep(
                label=label,
                display=format_figure(count),
                width=_coordinate(_share(count, full)),
                share_of_first=_percent(count, counts[0]),
                share_of_previous=_percent(count, previous) if index else "",
            )
        )
    return FunnelChart(title=title, note=note, steps=tuple(drawn), counted=counted)


def build_line_chart(
    *,
    title: str,
    points: Sequence[Point],
    label_heading: str = "When",
    value_heading: str = "Value",
    note: str = "",
    format_value: FormatValue = format_figure,
    is_stepped: bool = False,
    show_dots: bool = True,
    axis: Sequence[str] | None = None,
) -> Plot:
    """Draw points as one line over a scale that includes 0.

    Args:
        title: caption.
        points: in order of their position.
        label_heading: heading of the label column in the table.
        value_heading: heading of the value column.
        note: a sentence under the caption.
        format_value: turns a tick, and a point without `display`, into text.
        is_stepped: hold each value until the next point instead of a straight line.
        show_dots: mark each point, not only those that ask for it.
        axis: labels of the points named below the axis; every n-th when absent.

    Raises:
        ValueError: a value is not finite, or positions go backwards.
    """
    values = [point.value for point in points]
    _require_finite(values)
    positions = [
        float(index) if point.position is None else point.position
        for index, point in enumerate(points)
    ]
    if any(later < earlier for earlier, later in itertools.pairwise(positions)):
        raise ValueError("positions of a line must not go backwards")
    scale = _scale(values)
    xs = _spread(positions)
    drawn = [(x, scale.y(value)) for x, value in zip(xs, values, strict=True)]
    line = _path(drawn, is_stepped=is_stepped)
    area = ""
    if len(drawn) > 1:
        floor = _coordinate(scale.y(0.0))
        area = f"{line}V{floor}H{_coordinate(drawn[0][0])}Z"
    return Plot(
        title=title,
        note=note,
        label_heading=label_heading,
        value_heading=value_heading,
        summary=_summary([point.label for point in points], values, format_value),
        ticks=tuple(format_value(tick) for tick in scale.ticks),
        grid=tuple(_coordinate(scale.y(tick)) for tick in scale.ticks),
        axis_labels=_axis_labels(
            [(point.label, x) for point, x in zip(points, xs, strict=True)], shown=axis
        ),
        rows=tuple(
            PlotRow(label=point.label, display=point.display or format_value(point.value))
            for point in points
        ),
        line=line if len(drawn) > 1 else "",
        area=area,
        dots=tuple(
            (_coordinate(x), _coordinate(y))
            for point, (x, y) in zip(points, drawn, strict=True)
            if show_dots or point.is_marked or len(drawn) == 1
        ),
    )


def build_histogram(
    *,
    title: str,
    bins: Sequence[tuple[str, int]],
    label_heading: str = "Range",
    value_heading: str = "Count",
    note: str = "",
) -> Plot:
    """Draw counted ranges of equal width as columns.

    Args:
        title: caption.
        bins: label of the range and count, in order.
        label_heading: heading of the label column in the table.
        value_heading: heading of the value column.
        note: a sentence under the caption.

    Raises:
        ValueError: a count is negative.
    """
    values = [float(count) for _, count in bins]
    _require_finite(values, minimum=0.0)
    scale = _scale(values)
    slot = 100.0 / len(bins) if bins else 100.0
    gap = slot * 0.12
    columns = tuple(
        Column(
            x=_coordinate(index * slot + gap),
            y=_coordinate(scale.y(value)),
            width=_coordinate(slot - 2 * gap),
            height=_coordinate(100.0 - scale.y(value)),
        )
        for index, value in enumerate(values)
    )
    return Plot(
        title=title,
        note=note,
        label_heading=label_heading,
        value_heading=value_heading,
        summary=_summary([label for label, _ in bins], values, format_figure),
        ticks=tuple(format_figure(tick) for tick in scale.ticks),
        grid=tuple(_coordinate(scale.y(tick)) for tick in scale.ticks),
        axis_labels=_axis_labels(
            [(label, (index + 0.5) * slot) for index, (label, _) in enumerate(bins)],
            is_centred=True,
        ),
        rows=tuple(PlotRow(label=label, display=format_figure(count)) for label, count in bins),
        columns=columns,
    )


def build_sparkline(
    *, label: str, values: Sequence[float], format_value: FormatValue = format_figure
) -> Sparkline:
    """Draw values as a line for a table cell; its text alternative names first and last.

    Raises:
        ValueError: a value is not finite.
    """
    _require_finite(values)
    if len(values) < 2:
        return Sparkline(label=label, line="")
    low, high = min(values), max(values)
    height = high - low
    # 2 units of air above and below keep the stroke inside the box.
    drawn = [
        (x, 12.0 if height == 0 else 22.0 - 20.0 * (value - low) / height)
        for x, value in zip(_spread(range(len(values))), values, strict=True)
    ]
    text = f"{label}: from {format_value(values[0])} to {format_value(values[-1])}"
    return Sparkline(label=text, line=_path(drawn, is_stepped=False))


@dataclass(frozen=True)
class _Scale:
    floor: float
    top: float
    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        """Return the distance from the top edge, 0 to 100."""
        return 100.0 * (self.top - value) / (self.top - self.floor)


def _scale(values: Sequence[float]) -> _Scale:
    """Return a scale over 0 and all values with 2 to 6 ticks at round numbers (1, 2 or 5)."""
    low, high = min((0.0, *values)), max((0.0, *values))
    if high - low < 1e-300:
        # All the same, or apart by less than can be divided.
        low, high = 0.0, 1.0
    rough = (high - low) / 4
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(
        factor * magnitude for factor in (1.0, 2.0, 5.0, 10.0) if factor * magnitude >= rough
    )
    if all(float(value).is_integer() for value in values):
        step = max(step, 1.0)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple(number * step for number in range(last, first - 1, -1))
    return _Scale(floor=first * step, top=last * step, ticks=ticks)


def _spread(positions: Sequence[float]) -> list[float]:
    """Map positions to 0 to 100; a single one, or equal ones, stand in the middle."""
    if not positions:
        return []
    first, last = positions[0], positions[-1]
    if first == last:
        return [50.0] * len(positions)
    return [100.0 * (position - first) / (last - first) for position in positions]


def _path(points: Sequence[tuple[float, float]], *, is_stepped: bool) -> str:
    parts = []
    for index, (x, y) in enumerate(points):
        if index == 0:
            parts.append(f"M{_coordinate(x)} {_coordinate(y)}")
        elif is_stepped:
            parts.append(f"H{_coordinate(x)}V{_coordinate(y)}")
        else:
            parts.append(f"L{_coordinate(x)} {_coordinate(y)}")
    return "".join(parts)


def _axis_labels(
    labels: Sequence[tuple[str, float]],
    *,
    is_centred: bool = False,
    shown: Sequence[str] | None = None,
) -> tuple[AxisLabel, ...]:
    """Keep those in `shown`, else every n-th from the first on, evenly spaced."""
    if not labels:
        return ()
    last = len(labels) - 1
    if shown is None:
        kept = list(range(0, len(labels), math.ceil(len(labels) / MAX_AXIS_LABELS)))
    else:
        kept = [index for index, (text, _) in enumerate(labels) if text in shown]
    placed = []
    for index in kept:
        text, x = labels[index]
        anchor = "middle"
        if not is_centred and len(labels) > 1:
            anchor = {0: "start", last: "end"}.get(index, "middle")
        placed.append(AxisLabel(text=text, x=f"{_coordinate(x)}%", anchor=anchor))
    return tuple(placed)


def _summary(labels: Sequence[str], values: Sequence[float], format_value: FormatValue) -> str:
    if not values:
        return "no figures yet"
    highest = max(range(len(values)), key=values.__getitem__)
    text = f"highest {format_value(values[highest])} at {labels[highest]}"
    if len(values) > 1:
        text += f", last {format_value(values[-1])} at {labels[-1]}"
    return text


def _share(value: float, full: float) -> float:
    return 0.0 if full <= 0 else min(100.0, 100.0 * value / full)


def _percent(count: float, whole: float) -> str:
    return "" if whole <= 0 else f"{math.floor(100.0 * count / whole + 0.5)}%"


def _coordinate(value: float) -> str:
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _require_finite(values: Sequence[float], *, minimum: float | None = None) -> None:
    for value in values:
        if not math.isfinite(value):
            raise ValueError("a chart needs finite numbers")
        if minimum is not None and value < minimum:
            raise ValueError("this chart needs numbers of at least 0")
