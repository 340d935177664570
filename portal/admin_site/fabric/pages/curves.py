"""Load curves of the fabric as the charts that tenants see: the same drawing, other rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest

from fabric.vmm.models.performance import Frame
from fabric.vmm.performance import Curve
from portal import charts

BITS = 8
COUNTERS = {
    "CPUUsage": "cpu",
    "MemoryUsage": "memory",
    "StorageIOPSUsage": "storage",
    "NetworkIOUsage": "network",
}


@dataclass(frozen=True)
class Samples:
    """A curve as charts.draw takes it."""

    samples: Sequence[float]
    times: Sequence[str]


def frame_asked(request: HttpRequest) -> str:
    """Return the time frame the URL asks for, an hour unless it says otherwise."""
    asked = request.GET.get("frame", "")
    return asked if asked in Frame.values else Frame.HOUR.value


def load(request: HttpRequest, told: Sequence[Curve], memory_mb: int) -> dict[str, Any]:
    """Return what the charts show, and the samples as a table where that is asked for."""
    frame = frame_asked(request)
    clock = charts.Clock(frame)
    drawn = [drawing(curve, clock, memory_mb) for curve in told]
    as_table = request.GET.get("view") == "table"
    return {
        "charts": drawn,
        "measured": any(chart.points for chart in drawn),
        "load_frame": frame,
        "load_frames": Frame.choices,
        "as_table": as_table,
        "samples": charts.table(drawn, clock) if as_table else [],
    }


def drawing(curve: Curve, clock: charts.Clock, memory_mb: int) -> charts.Chart:
    """Return the chart of one curve; what hosts count in kbit/s is read in kB/s."""
    name, values, times = curve
    counter = COUNTERS[name]
    top = {"cpu": 100.0, "memory": float(memory_mb)}.get(counter)
    scale = BITS if counter == "network" else 1
    samples = Samples([value / scale for value in values], [at.isoformat() for at in times])
    return charts.draw(counter, samples, clock, top)
