"""Load curves of one machine over one time frame."""

from __future__ import annotations

from collections.abc import Iterable

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Computed, Resource, Row, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids
from fabric.vmm.models import Frame, VirtualMachine
from fabric.vmm.performance import curves_of


def _performance(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    assert scope.caller is not None
    machines = VirtualMachine.objects.visible_to(scope.caller).filter(
        server__in=scope.servers, pk__in=guids(wanted, "VMId") or ()
    )
    frames = [each for each in wanted.get("TimeFrame", ()) if str(each).lower() in Frame.values]
    # A word can be spelled in many ways, each of which is read by itself.
    if len(frames) > len(Frame.values):
        raise BadRequest(f"The TimeFrame is one of {', '.join(Frame.values)}, each asked for once.")
    for asked in frames:
        for machine, told in curves_of(machines, str(asked)):
            # No host is ever switched off to save power.
            moments = told[0][2]
            told.append(("PowerSavings", [0] * len(moments), moments))
            for counter, history, times in told:
                yield {
                    "PerformanceCounter": counter,
                    "PerformanceHistory": history,
                    "StampId": scope.stamp_of(machine.server_id),
                    # In the case it was asked in, or the filter would not find it.
                    "TimeFrame": str(asked),
                    "TimeSamples": times,
                    "VMId": machine.pk,
                }


SETS = (
    Resource(
        name="PerformanceData",
        sources=(Computed(_performance),),
        needs=("StampId", "VMId", "TimeFrame"),
    ),
)
