"""Count everything twice: what the ledger, our rows, VMM's rows and the hosts' counters say."""

from __future__ import annotations


def problems() -> list[str]:
    """Return what does not agree, in words. Call it when all is quiet."""
    return [*_quota(), *_addresses(), *_hosts(), *_volumes(), *_slots()]


def _quota() -> list[str]:
    """Compare the ledger, our rows and VMM's rows for every subscription."""
    from django.db.models import Count, Sum

    from fabric.vmm.models import VirtualMachine
    from plans.actions import quota
    from plans.models import Subscription

    sums = {
        "machines": Count("pk"),
        "cores": Sum("cores", default=0),
        "memory_mb": Sum("memory_mb", default=0),
        "storage_gb": Sum("storage_gb", default=0),
    }
    found = []
    for subscription in Subscription.objects.all():
        booked = {name: quota.used(subscription)[name] for name in sums}
        ours = subscription.machines.exclude(state="deleted").aggregate(**sums)
        theirs = VirtualMachine.objects.filter(role_id=subscription.pk).aggregate(**sums)
        if not booked == ours == theirs:
            found.append(f"{subscription}: booked {booked}, here {ours}, in VMM {theirs}")
    return found


def _addresses() -> list[str]:
    from django.db.models import Count

    from fabric.vmm.models import AddressLease, NetworkAdapter

    leases = AddressLease.objects.filter(adapter__isnull=False)
    twice = leases.values("pool__network", "address").annotate(n=Count("pk")).filter(n__gt=1)
    macs = NetworkAdapter.objects.filter(mac__isnull=False)
    same = macs.values("network", "mac").annotate(n=Count("pk")).filter(n__gt=1)
    bare = NetworkAdapter.objects.filter(network__isnull=False, leases=None).count()
    return [
        *(f"{each['address']} was given twice" for each in twice),
        *(f"{each['mac']} was given twice" for each in same),
        *([f"{bare} adapters have no address"] if bare else []),
    ]


def _hosts() -> list[str]:
    from django.db.models import Sum

    from fabric.vmm.models import Host

    found = []
    for host in Host.objects.annotate(
        cores_of=Sum("machines__cores", default=0),
        memory_of=Sum("machines__memory_mb", default=0),
        storage_of=Sum("machines__storage_gb", default=0),
    ):
        held = (host.cores_of, host.memory_of, host.storage_of)
        if held != (host.used_cores, host.used_memory_mb, host.used_storage_gb):
            found.append(f"{host}: its counters do not add up")
        if min(host.free_cores, host.free_memory_mb, host.free_storage_gb) < 0:
            found.append(f"{host} is overfilled")
    return found


def _volumes() -> list[str]:
    from django.db.models import Sum

    from fabric.vmm.models import StorageVolume

    return [
        f"{volume} of {volume.host}: {volume.used_gb} GB of {volume.capacity_gb} counted,"
        f" {volume.disks_gb} there"
        for volume in StorageVolume.objects.select_related("host").annotate(
            disks_gb=Sum("drives__size_gb", default=0)
        )
        if volume.used_gb != volume.disks_gb or volume.used_gb > volume.capacity_gb
    ]


def _slots() -> list[str]:
    from fabric.vmm.models import Host, Job

    busy = Host.objects.exclude(busy_slots=0).count()
    left = Job.objects.filter(holds_slot=True).count()
    return [f"{busy} hosts have busy slots, {left} jobs hold some"] if busy or left else []
