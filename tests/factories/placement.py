"""Machines that nobody has placed yet, and the sums that must always agree."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from django.db.models import F

from fabric.vmm.models import (
    AffinityKind,
    AffinitySet,
    DiskDrive,
    Host,
    NetworkAdapter,
    StorageClassification,
    StorageVolume,
    VirtualMachine,
    VMNetwork,
)
from tests.factories.vmm import Fabric

_numbers = itertools.count(1)
Disk = int | tuple[int, StorageClassification | None]


def unplaced(
    fabric: Fabric,
    name: str = "",
    *,
    cores: int = 1,
    memory_mb: int = 1024,
    disks: Sequence[Disk] = (20,),
    networks: Sequence[VMNetwork] = (),
    **values: Any,
) -> VirtualMachine:
    """Return a machine on no host, with disks of these sizes (and classifications)."""
    name = name or f"web-{next(_numbers):02}"
    told = [disk if isinstance(disk, tuple) else (disk, None) for disk in disks]
    machine = VirtualMachine.objects.create(
        server=fabric.server,
        cloud=fabric.cloud,
        name=name,
        computer_name=name,
        cores=cores,
        memory_mb=memory_mb,
        storage_gb=sum(size for size, _ in told),
        **values,
    )
    for lun, (size, classification) in enumerate(told):
        machine.disks.create(
            name=f"{name}_disk_{lun + 1}", size_gb=size, lun=lun, classification=classification
        )
    for slot, network in enumerate(networks):
        NetworkAdapter.objects.create(machine=machine, network=network, slot=slot)
    return machine


def affinity_set(
    fabric: Fabric, kind: str = AffinityKind.APART, *, is_strict: bool = True, name: str = "web"
) -> AffinitySet:
    """Return a set of the fabric's own."""
    return AffinitySet.objects.create(
        server=fabric.server, name=name, kind=kind, is_strict=is_strict
    )


def assert_sums_agree() -> None:
    """Check that hosts and volumes count exactly what the machines and disks there hold."""
    held: dict[Any, list[int]] = {pk: [0, 0] for pk in Host.objects.values_list("pk", flat=True)}
    for machine in VirtualMachine.objects.all():
        for host in {machine.host_id, machine.moving_to_id} - {None}:
            held[host][0] += machine.cores
            held[host][1] += machine.memory_mb
    lying = dict.fromkeys(StorageVolume.objects.values_list("pk", flat=True), 0)
    for drive in DiskDrive.objects.all():
        for volume in {drive.volume_id, drive.moving_to_id} - {None}:
            lying[volume] += drive.size_gb
    for host in Host.objects.prefetch_related("volumes"):
        assert [host.used_cores, host.used_memory_mb] == held[host.pk], host
        assert host.used_storage_gb == sum(volume.used_gb for volume in host.volumes.all()), host
    for volume in StorageVolume.objects.all():
        assert volume.used_gb == lying[volume.pk], volume
    too_full = Host.objects.filter(used_memory_mb__gt=F("memory_mb") - F("reserved_memory_mb"))
    assert not too_full.exists()
