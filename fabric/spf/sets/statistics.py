"""Counters for a dashboard, and the stock list of sizes that VM roles are made in."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Count, Value

from fabric.spf.schema import Computed, Resource, Row, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.userroles import ADMINISTRATOR_ID
from fabric.vmm.models import Cloud, VirtualMachine
from fabric.vmm.states import MachineStatus

TROUBLED = (
    MachineStatus.CREATION_FAILED,
    MachineStatus.UPDATE_FAILED,
    MachineStatus.HOST_NOT_RESPONDING,
    MachineStatus.MISSING,
)
# No status of a machine.
_CLOUDS = "clouds"
# As VMM ships them: name, processors, memory in MB.
SIZES = (
    ("ExtraSmall", 1, 768),
    ("Small", 1, 1792),
    ("Medium", 2, 3584),
    ("Large", 4, 7168),
    ("ExtraLarge", 8, 14_336),
    ("A6", 4, 28_672),
    ("A7", 8, 57_344),
)


def _statistics(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    """One row of what the caller sees, with the id of its user role."""
    caller = scope.caller
    assert caller is not None
    machines = VirtualMachine.objects.visible_to(caller).filter(server__in=scope.servers)
    clouds = Cloud.objects.visible_to(caller).filter(server__in=scope.servers)
    by_status = machines.order_by().values_list("status").annotate(number=Count("pk"))
    all_clouds = clouds.order_by().annotate(status=Value(_CLOUDS)).values_list("status")
    counts = dict(by_status.union(all_clouds.annotate(number=Count("pk", distinct=True)), all=True))
    reachable = counts.pop(_CLOUDS, 0)
    yield {
        "ID": ADMINISTRATOR_ID if caller.role is None else caller.role.pk,
        "Clouds": reachable,
        "ServiceDeployments": 0,
        "ServiceDeploymentsNotRunning": 0,
        "ServiceDeploymentsRequiringAttention": 0,
        "ServiceVMs": 0,
        "StandaloneVMs": sum(counts.values()),
        "VMsNotRunning": sum(counts.values()) - counts.get(MachineStatus.RUNNING, 0),
        "VMsRequiringAttention": sum(counts.get(status, 0) for status in TROUBLED),
    }


def _sizes(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    for stamp in scope.stamps.servers:
        for name, cores, memory_mb in SIZES:
            yield {"StampId": stamp, "Name": name, "CpuCount": cores, "MemoryInMB": memory_mb}


SETS = (
    Resource(name="BasicStatistics", sources=(Computed(_statistics),)),
    Resource(name="VMRoleSizeProfiles", sources=(Computed(_sizes),)),
)
