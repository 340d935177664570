"""Do our books tell the truth? Compared with the hosts themselves and with each other."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import Q

from fabric.vmm.jobs.operate import STATUS_OF_POWER
from fabric.vmm.models import DiskDrive, Host, StorageVolume, VirtualMachine
from tests.factories.vmm import driver

WELL = frozenset(str(status) for status in STATUS_OF_POWER.values())


def assert_true() -> None:
    """Assert that every machine that is well is just so on its host, and nothing else is there."""
    assert_safe()
    for machine in VirtualMachine.objects.select_related("host", "moving_to"):
        if machine.status in WELL:
            assert machine.moving_to is None, "a machine that is well holds room on one host"
            assert_same(machine)
        elif machine.status == "Stored":
            assert_stored(machine)


def assert_safe(*, while_busy: bool = False) -> None:
    """Assert that no host holds more than the books say, whatever failed."""
    assert_counted(while_busy=while_busy)
    rows = {m.pk: m for m in VirtualMachine.objects.select_related("host", "moving_to")}
    for host in Host.objects.all():
        on_host = driver(host)
        for guest in on_host.guests():
            machine = rows.get(guest.id)
            assert machine is not None, f"{host} has {guest.name}, which is on no books"
            assert host in (machine.host, machine.moving_to)
            assert guest.cores <= machine.cores
            assert guest.memory_mb <= machine.memory_mb
        for disk in on_host.disks():
            drive = DiskDrive.objects.select_related("volume__host", "moving_to__host").get(
                pk=disk.id
            )
            places = [place for place in (drive.volume, drive.moving_to) if place is not None]
            assert (host.pk, disk.volume) in {(place.host_id, place.name) for place in places}


def assert_counted(*, while_busy: bool = False) -> None:
    """Assert that what hosts and volumes hold is the sum of what lies there."""
    for host in Host.objects.all():
        machines = VirtualMachine.objects.filter(Q(host=host) | Q(moving_to=host))
        assert host.used_memory_mb == sum(m.memory_mb for m in machines)
        assert host.used_cores == sum(m.cores for m in machines)
        assert host.used_storage_gb == sum(v.used_gb for v in host.volumes.all())
        assert while_busy or host.busy_slots == 0
    for volume in StorageVolume.objects.all():
        drives = DiskDrive.objects.filter(Q(volume=volume) | Q(moving_to=volume))
        assert volume.used_gb == sum(drive.size_gb for drive in drives)


def assert_same(machine: VirtualMachine) -> None:
    """Assert that the host has the machine as our rows say."""
    guest = driver(machine.host).guest(machine.pk)
    assert guest is not None
    assert STATUS_OF_POWER[guest.power] == machine.status
    assert (guest.name, guest.cores, guest.memory_mb) == (
        machine.name,
        machine.cores,
        machine.memory_mb,
    )
    assert guest.hypervisor_id == machine.hypervisor_id
    told = {disk.id: (disk.size_gb, disk.volume) for disk in guest.disks}
    assert told == {d.pk: (d.size_gb, d.volume.name) for d in drives_of(machine)}
    assert {a.mac for a in guest.adapters} == {
        a.mac for a in machine.adapters.filter(network__isnull=False)
    }


def assert_stored(machine: VirtualMachine) -> None:
    """Assert that the machine is in the library and nowhere else."""
    images = library()
    drives = drives_of(machine)
    assert {drive.stored_image for drive in drives} <= images
    assert machine.host is None
    assert [drive.volume for drive in drives] == [None] * len(drives)
    for host in Host.objects.all():
        assert driver(host).guest(machine.pk) is None
        assert not {d.id for d in driver(host).disks()} & {drive.pk for drive in drives}


def drives_of(machine: VirtualMachine) -> list[DiskDrive]:
    return list(machine.disks.select_related("volume"))


def library() -> set[str]:
    """Return the images in the library that all hosts share."""
    return set(driver(Host.objects.all()[0]).images())


def effects(journal: Any) -> Counter[str]:
    return Counter(verb for verb, _ in journal)
