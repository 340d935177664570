"""Are VMM's books true, once all is over? Every row against the hosts, and against each other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

from django.db.models import F, Q, Sum
from django.utils import timezone

from fabric.durable.states import LIVE
from fabric.vmm import drift, quota
from fabric.vmm.jobs.images import PREFIX
from fabric.vmm.models import (
    AddressLease,
    DiskDrive,
    Drift,
    Host,
    Job,
    NetworkAdapter,
    RoleScope,
    StorageVolume,
    VirtualHardDisk,
    VirtualMachine,
)
from tests.factories.troubles import books, world
from tests.factories.vmm import driver
from tests.faults.cells import Cell
from tests.faults.scenario import GUEST_PASSWORD, STORED

Asked = Iterable[tuple[str, Any, Any]]


def flaws(cells: Iterable[Cell]) -> list[str]:
    """Return what is not as it should be, of these cells and of everything."""
    found = [flaw for cell in cells for flaw in _told(str(cell), _cell(cell))]
    for ask in (_jobs, _hosts, _room, _addresses, _library, _quota, _drift):
        found += _told(ask.__name__.strip("_"), ask())
    return found


def _told(where: str, asked: Asked) -> list[str]:
    return [
        f"{where}: {what} {_difference(it, should)}" for what, it, should in asked if it != should
    ]


def _difference(it: Any, should: Any) -> str:
    if isinstance(it, dict) and isinstance(should, dict):
        keys = [key for key in {**it, **should} if it.get(key) != should.get(key)]
        it, should = ({key: each.get(key) for key in keys[:5]} for each in (it, should))
    return f"{it!r}, not {should!r}"


def _cell(cell: Cell) -> Asked:
    case, job = cell.case, cell.job
    assert case is not None
    assert job is not None
    assert cell.plan is not None
    yield "struck", cell.plan.struck, True
    yield "job", (job.state, job.message if job.fault else "", job.sealed), ("succeeded", "", "")
    yield "after", _is_so(lambda: cell.scenario.check(case)), True
    if cell.scenario.ends is None:
        return
    machine = VirtualMachine.objects.get(pk=case.machine.pk)
    yield "status", machine.status, cell.scenario.ends
    yield "failed job", machine.failed_job_id, None
    yield "on its way to", machine.moving_to_id, None
    held = machine.disks.aggregate(all=Sum("size_gb"))["all"]
    yield "its storage", machine.storage_gb, held
    if machine.status != STORED:
        yield "books", _is_so(lambda: books(machine)), _is_so(lambda: world(machine))


def _is_so(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def _jobs() -> Asked:
    yield "live", Job.objects.filter(state__in=LIVE).count(), 0
    yield "holding a slot", Job.objects.filter(holds_slot=True).count(), 0
    yield "in line", Job.objects.filter(queued_at__isnull=False).count(), 0
    yield "with secrets", Job.objects.exclude(sealed="").count(), 0
    told = Job.objects.filter(
        Q(memo__icontains=GUEST_PASSWORD)
        | Q(inputs__icontains=GUEST_PASSWORD)
        | Q(steps__icontains=GUEST_PASSWORD)
    )
    yield "that tell a password", told.count(), 0


def _hosts() -> Asked:
    """Nothing is on a host that is not on our books, and the other way round."""
    machines = VirtualMachine.objects.exclude(status=STORED).select_related("host")
    drives = DiskDrive.objects.exclude(machine__status=STORED).select_related("volume__host")
    hosts = {host: driver(host) for host in Host.objects.all()}
    guests = {guest.id: host.name for host, it in hosts.items() for guest in it.guests()}
    yield "guests", guests, {machine.pk: machine.host.name for machine in machines}
    disks = {
        disk.id: (host.name, disk.volume, disk.size_gb)
        for host, it in hosts.items()
        for disk in it.disks()
    }
    ours = {
        drive.pk: (drive.volume.host.name, drive.volume.name, drive.size_gb) for drive in drives
    }
    yield "disks", disks, ours
    yield "moves", VirtualMachine.objects.exclude(moving_to=None).count(), 0
    yield "moves of disks", DiskDrive.objects.exclude(moving_to=None).count(), 0


def _room() -> Asked:
    """What hosts and volumes hold is the sum of what lies there."""
    for host in Host.objects.all():
        sums = host.machines.aggregate(
            cores=Sum("cores", default=0), mb=Sum("memory_mb", default=0)
        )
        stored = host.volumes.aggregate(all=Sum("used_gb", default=0))["all"]
        used = (host.used_cores, host.used_memory_mb, host.used_storage_gb)
        yield f"used on {host}", used, (sums["cores"], sums["mb"], stored)
        yield f"busy slots of {host}", host.busy_slots, 0
    volumes = StorageVolume.objects.annotate(all=Sum("drives__size_gb", default=0))
    for volume in volumes.exclude(used_gb=F("all")):
        yield f"used on {volume.host} {volume}", volume.used_gb, volume.all


def _addresses() -> Asked:
    connected = NetworkAdapter.objects.filter(network__isnull=False)
    held = AddressLease.objects.filter(adapter__isnull=False)
    given = Counter(held.values_list("adapter__network", "address"))
    yield "given twice", [each for each, n in given.items() if n > 1], []
    holders = set(held.values_list("adapter", flat=True))
    yield "held by", holders, set(connected.values_list("pk", flat=True))
    macs = Counter(connected.values_list("mac", flat=True))
    yield "MACs given twice", [mac for mac, n in macs.items() if n > 1], []


def _library() -> Asked:
    """The copies in the library are those of stored machines, and disks that are offered."""
    stored = DiskDrive.objects.filter(machine__status=STORED)
    offered = VirtualHardDisk.objects.filter(source_image__startswith=PREFIX)
    kept = {
        *stored.values_list("stored_image", flat=True),
        *offered.values_list("source_image", flat=True),
    }
    images = set(driver(Host.objects.all()[0]).images())
    yield "strays", sorted(images - kept), []
    yield "lost", sorted(kept - images), []
    others = DiskDrive.objects.exclude(machine__status=STORED).exclude(stored_image="")
    yield "copies of machines that are not stored", others.count(), 0
    yield "not offered", offered.filter(is_enabled=False).count(), 0


def _quota() -> Asked:
    sums: dict[Any, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    drives = DiskDrive.objects.values_list("machine").annotate(all=Sum("size_gb"))
    storage = dict(drives)
    for machine in VirtualMachine.objects.exclude(role=None):
        total = sums[machine.role_id, machine.cloud_id]
        size = (1, machine.cores, machine.memory_mb, storage.get(machine.pk, 0))
        sums[machine.role_id, machine.cloud_id] = [a + b for a, b in zip(total, size, strict=True)]
    for scope in RoleScope.objects.filter(cloud__isnull=False).select_related("role", "cloud"):
        if (scope.role_id, scope.cloud_id) in sums:
            used = [each.used for each in quota.usage(scope.role, scope.cloud)[:4]]
            yield f"of {scope.role} in {scope.cloud}", used, sums[scope.role_id, scope.cloud_id]


def _drift() -> Asked:
    """Nothing differs, as far as the sweep knows nothing ended just now."""
    drift.sweep(timezone.now() + timedelta(minutes=1))
    found = Drift.objects.exclude(state="settled").values_list("kind", "object_name", "theirs")
    yield "found", list(found), []
