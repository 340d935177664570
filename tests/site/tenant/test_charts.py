"""Load curves as drawings: scale, thinning, units."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fabric.models import Load
from portal import charts

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def curve(counter: str, samples: list[float]) -> Load:
    times = [(START + timedelta(minutes=n)).isoformat() for n in range(len(samples))]
    return Load(frame="hour", counter=counter, samples=samples, times=times)


@pytest.mark.parametrize(
    ("value", "end"), [(0, 4), (4, 4), (7, 8), (95, 100), (101, 120), (1999, 2000)]
)
def test_a_scale_ends_with_a_round_number(value, end) -> None:
    assert charts.nice(value) == end


def test_a_curve_fills_its_box_from_edge_to_edge() -> None:
    chart = charts.draw("cpu", curve("cpu", [0, 50, 100]), charts.Clock("hour"), 100)
    assert chart.path == "M0 100L300 50L600 0"
    assert chart.y_labels == ("100 %", "50 %", "0 %")
    assert chart.now == "100 %"
    assert "lowest 0 %, highest 100 %" in chart.summary


def test_many_samples_are_averaged() -> None:
    chart = charts.draw("network", curve("network", [10, 20] * 90), charts.Clock("hour"))
    assert len(chart.points) == charts.MOST_POINTS
    assert {round(point.value) for point in chart.points} <= {13, 15, 17}


@pytest.mark.parametrize("samples", [[], [5], [None, 3]])
def test_few_or_broken_samples_do_no_harm(samples) -> None:
    chart = charts.draw("storage", curve("storage", samples), charts.Clock("hour"))
    assert len(chart.points) == len([one for one in samples if one is not None])


def test_units_grow_with_the_number() -> None:
    assert charts.read(2048, "MB") == "2 GB"
    assert charts.read(1500, "kB/s") == "1.5 MB/s"
    assert charts.read(1500, "IOPS") == "1,500 IOPS"


def test_one_sample_is_a_level() -> None:
    chart = charts.draw("cpu", curve("cpu", [50]), charts.Clock("hour"), 100)
    assert chart.path == "M0 50L600 50"
    assert len(chart.points) == len(chart.x_labels) == 1
