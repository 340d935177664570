"""Choose the host of a machine and count what it holds there. The host's row is the lock."""

from __future__ import annotations

from django.db.models import F

from fabric.vmm.errors import NoSuitableHost
from fabric.vmm.models import Cloud, Host, VirtualMachine
from fabric.vmm.models.host import VIRTUAL_CORES_PER_CORE


def place(machine: VirtualMachine) -> Host:
    """Take room for a machine on the fitting host with the most free memory.

    Call it in a transaction and save `machine.host` in the same one. Several at once queue for the
    row and are judged by what is left then. Raises NoSuitableHost, saying what lacks.
    """
    host = (
        Host.objects.select_for_update(no_key=True)
        .filter(
            group__in=Cloud.host_groups.through.objects.filter(cloud=machine.cloud_id).values(
                "hostgroup"
            ),
            is_available=True,
            is_in_maintenance=False,
            memory_mb__gte=F("used_memory_mb") + F("reserved_memory_mb") + machine.memory_mb,
            storage_gb__gte=F("used_storage_gb") + machine.storage_gb,
            used_cores__lte=F("cores") * VIRTUAL_CORES_PER_CORE - machine.cores,
        )
        .order_by(F("used_memory_mb") + F("reserved_memory_mb") - F("memory_mb"), "name")
        .first()
    )
    if host is None:
        raise _nowhere(machine)
    _take(host, machine.cores, machine.memory_mb, machine.storage_gb)
    return host


def resize(machine: VirtualMachine, cores: int, memory_mb: int) -> None:
    """Count another size of a placed machine; NoSuitableHost when its host has not the room."""
    if machine.host_id is None:
        return
    host = Host.objects.select_for_update(no_key=True).get(pk=machine.host_id)
    more_cores, more_mb = cores - machine.cores, memory_mb - machine.memory_mb
    if more_mb > host.free_memory_mb or more_cores > host.free_cores:
        raise NoSuitableHost(
            f"Its host has room for {max(0, host.free_memory_mb)} MB and "
            f"{max(0, host.free_cores)} processors more; {max(0, more_mb)} MB and "
            f"{max(0, more_cores)} processors are wanted.",
            advice="Choose a smaller size.",
        )
    _take(host, more_cores, more_mb, 0)


def release(machine: VirtualMachine) -> None:
    """Give back what the machine held. Once only: in the transaction that deletes its row."""
    if machine.host_id is not None:
        host = Host(pk=machine.host_id)
        _take(host, -machine.cores, -machine.memory_mb, -machine.storage_gb)


def _take(host: Host, cores: int, memory_mb: int, storage_gb: int) -> None:
    Host.objects.filter(pk=host.pk).update(
        used_cores=F("used_cores") + cores,
        used_memory_mb=F("used_memory_mb") + memory_mb,
        used_storage_gb=F("used_storage_gb") + storage_gb,
    )


def _nowhere(machine: VirtualMachine) -> NoSuitableHost:
    hosts = list(
        Host.objects.filter(
            group__clouds=machine.cloud_id, is_available=True, is_in_maintenance=False
        ).distinct()
    )
    if not hosts:
        return NoSuitableHost(
            "The cloud has no host that is available.",
            advice="Your provider can add a host or end the maintenance of one.",
        )
    needs = (
        (machine.memory_mb, max(host.free_memory_mb for host in hosts), " MB of memory"),
        (machine.cores, max(host.free_cores for host in hosts), " processors"),
        (machine.storage_gb, max(host.free_storage_gb for host in hosts), " GB of storage"),
    )
    lacks = [
        f"{wanted}{what} are wanted and at most {max(0, free)} are free on one host"
        for wanted, free, what in needs
        if wanted > free
    ]
    reason = "; ".join(lacks) or "no single host has enough of everything at once"
    return NoSuitableHost(
        f"No host has room for this machine: {reason}.",
        advice="Choose a smaller size, or try again when machines have been removed.",
    )
