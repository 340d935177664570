"""Load curves as drawings: scaled, thinned, labelled; portal/templatetags/charts.py prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import zip_longest
from typing import Protocol

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.models import Load, Machine

WIDTH, HEIGHT = 600, 100
MOST_POINTS = 60
GRID = 4
UNITS = {
    Load.Counter.CPU: (gettext_lazy("CPU"), "%"),
    Load.Counter.MEMORY: (gettext_lazy("Memory"), "MB"),
    Load.Counter.STORAGE: (gettext_lazy("Storage"), "IOPS"),
    Load.Counter.NETWORK: (gettext_lazy("Network"), "kB/s"),
}


class Curve(Protocol):
    """Numbers, and the ISO 8601 times beside them."""

    @property
    def samples(self) -> Sequence[float | None]: ...

    @property
    def times(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Point:
    """A sample."""

    at: datetime
    value: float


@dataclass(frozen=True)
class Chart:
    """One curve. `path` and `area` are SVG path data in a box of WIDTH by HEIGHT; `said` has what
    each point is, in words.
    """

    counter: str
    title: str
    unit: str
    points: list[Point] = field(default_factory=list)
    path: str = ""
    area: str = ""
    y_labels: tuple[str, ...] = ()
    x_labels: tuple[str, ...] = ()
    now: str = ""
    said: tuple[str, ...] = ()

    @property
    def summary(self) -> str:
        """Return the curve in a sentence, for those who do not see it."""
        values = [point.value for point in self.points]
        return _("%(title)s: now %(now)s, lowest %(low)s, highest %(high)s") % {
            "title": self.title,
            "now": self.now,
            "low": read(min(values), self.unit),
            "high": read(max(values), self.unit),
        }


class Clock:
    """The times of a frame in words and in the viewer's zone, each made once for all curves."""

    def __init__(self, frame: str) -> None:
        self.frame = frame
        self._days: dict[date, str] = {}
        self._exact: dict[datetime, str] = {}

    def label(self, at: datetime) -> str:
        """Return what an axis says."""
        local = timezone.localtime(at)
        return self._day(local) if self.frame == Load.Frame.MONTH else f"{local:%H:%M}"

    def exact(self, at: datetime) -> str:
        """Return what a sample says."""
        if at not in self._exact:
            local = timezone.localtime(at)
            of_hour = self.frame == Load.Frame.HOUR
            self._exact[at] = (
                f"{local:%H:%M:%S}" if of_hour else f"{self._day(local)} {local:%H:%M}"
            )
        return self._exact[at]

    def _day(self, local: datetime) -> str:
        day = local.date()
        if day not in self._days:
            self._days[day] = date_format(local, "j M")
        return self._days[day]


def charts_for(machine: Machine, frame: str) -> list[Chart]:
    """Return the four charts of a frame, empty ones where nothing was measured. One query."""
    loads = {load.counter: load for load in machine.loads.filter(frame=frame)}
    tops = {Load.Counter.CPU: 100.0, Load.Counter.MEMORY: float(machine.memory_mb)}
    clock = Clock(frame)
    return [
        draw(counter, loads.get(counter), clock, tops.get(counter))
        for counter in Load.Counter.values
    ]


def draw(counter: str, load: Curve | None, clock: Clock, top: float | None = None) -> Chart:
    """Return a curve's chart; `top` fixes the scale where there is a natural one."""
    title, unit = UNITS[Load.Counter(counter)]
    samples = thin(list(pairs(load))) if load else []
    if not samples:
        return Chart(counter, str(title), unit)
    top = max(nice(max(value for _at, value in samples)), top or 0)
    step = WIDTH / max(1, len(samples) - 1)
    places = [
        (round(i * step, 1), round(HEIGHT * (1 - value / top), 1))
        for i, (_at, value) in enumerate(samples)
    ]
    if len(places) == 1:  # one sample is a level, not a fall to nothing
        places.append((WIDTH, places[0][1]))
    path = "M" + "L".join(f"{x:g} {y:g}" for x, y in places)
    marked = [samples[i][0] for i in sorted({0, len(samples) // 2, len(samples) - 1})]
    return Chart(
        counter,
        str(title),
        unit,
        [Point(at, value) for at, value in samples],
        path,
        f"{path}L{WIDTH} {HEIGHT}L0 {HEIGHT}Z",
        y_labels=tuple(read(top * part, unit) for part in (1, 0.5, 0)),
        x_labels=tuple(clock.label(at) for at in marked),
        now=read(samples[-1][1], unit),
        said=tuple(f"{clock.exact(at)} · {read(value, unit)}" for at, value in samples),
    )


def pairs(load: Curve) -> Iterable[tuple[datetime, float]]:
    """Return time and value of each sample that has both."""
    for text, value in zip(load.times, load.samples, strict=False):
        at = parse_datetime(text)
        if at is not None and value is not None:
            yield at, float(value)


def thin(samples: Sequence[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """Return at most MOST_POINTS samples, averages of neighbours where there are more."""
    size = -(-len(samples) // MOST_POINTS)
    if size <= 1:
        return list(samples)
    groups = [samples[i : i + size] for i in range(0, len(samples), size)]
    return [(group[-1][0], sum(value for _at, value in group) / len(group)) for group in groups]


def nice(value: float) -> float:
    """Return the round number at or above a value that a scale may end with."""
    if value <= 4:
        return 4
    scale = 10.0 ** (len(str(int(value))) - 1)
    ends = (scale * part for part in (1, 1.2, 1.6, 2, 3, 4, 5, 6, 8, 10))
    return next(end for end in ends if end >= value)


def read(value: float, unit: str) -> str:
    """Return a value as people read it: 2048 MB is 2 GB, 1500 kB/s is 1.5 MB/s."""
    if unit == "MB" and value >= 1024:
        return f"{value / 1024:.1f}".removesuffix(".0") + " GB"
    if unit == "kB/s" and value >= 1000:
        return f"{value / 1000:.1f}".removesuffix(".0") + " MB/s"
    return f"{value:,.0f} {unit}"


def table(charts: Sequence[Chart], clock: Clock) -> list[tuple[str, list[str]]]:
    """Return the samples as rows, the newest first: the time, and one value a chart."""
    columns = [[(p.at, read(p.value, c.unit)) for p in reversed(c.points)] for c in charts]
    rows = []
    for cells in zip_longest(*columns):
        at = next((cell[0] for cell in cells if cell), None)
        if at is not None:
            shown = [cell[1] if cell else "–" for cell in cells]
            rows.append((clock.exact(at), shown))
    return rows
