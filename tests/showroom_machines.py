"""Rows for the pages of machines: devices, settings, results; and the pages only they have."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone

from fabric.actions.bulk import Outcome
from fabric.models import Job, Machine, Network, Template
from fabric.states import MachineState
from portal.tenant_site import machine_sent
from tenants.models import User
from tests.factories.devices import (
    make_adapter,
    make_checkpoint,
    make_disk,
    make_library_disk,
    make_media,
)

RESULT = uuid.UUID("7d5f6f5e-6a36-4f5b-8a43-2f1f2f0c7d11")
BROKEN = uuid.UUID("7d5f6f5e-6a36-4f5b-8a43-2f1f2f0c7d12")
TAGS = {
    "web-01": ["production", "web"],
    "web-02": ["production", "web", "blue", "shop", "eu"],
    "db-primary": ["database", "production"],
    "ldap": ["internal"],
}


def furnish_machines() -> None:
    """Give the machines tags, ends, protection, disks, networks and checkpoints."""
    soon = timezone.now() + timedelta(days=3, hours=4)
    Network.objects.filter(name="front").update(
        subnets=["10.20.0.0/22", "10.20.16.0/24"],
        pools=[_pool("10.20.0.50", "10.20.3.199"), _pool("10.20.16.10", "10.20.16.99")],
    )
    for name, tags in TAGS.items():
        Machine.objects.filter(name=name).update(tags=tags)
    Machine.objects.filter(name="db-primary").update(
        is_protected=True, os_type="Windows", os_name="Windows Server 2022"
    )
    Machine.objects.filter(name="ldap").update(is_protected=True)
    Machine.objects.filter(name="cache-01").update(ends_at=soon, end_action="delete")
    for machine in Machine.objects.filter(name__in=("web-01", "db-primary")):
        devices(machine)
    Machine.objects.update(devices_synced_at=timezone.now())


def _pool(first: str, last: str) -> dict[str, Any]:
    return {"first": first, "last": last, "reserved": [], "gateways": [], "dns_servers": []}


def devices(machine: Machine) -> None:
    """Put two adapters, three disks and an image into a machine; the first has checkpoints."""
    back = Network.objects.get_or_create(
        name="back",
        defaults={
            "id": uuid.uuid4(),
            "stamp": machine.stamp,
            "synced_at": timezone.now(),
            "logical_network_id": machine.network.logical_network_id,
            "subnets": ["10.30.0.0/24"],
        },
    )[0]
    machine.subscription.plan.offering.networks.add(back)
    make_adapter(machine)
    make_adapter(
        machine, slot=1, network=back, network_name="back", mac="00:1D:D8:B7:1C:0B", addresses=[]
    )
    make_disk(machine, f"{machine.name}_system", is_boot=True, size_gb=10, lun=0)
    make_disk(machine)
    make_disk(machine, "logs", size_gb=120, lun=2)
    make_library_disk(machine)
    image = make_media(machine, "debian-13-rescue.iso")
    Machine.objects.filter(pk=machine.pk).update(media=image)
    Template.objects.filter(pk=machine.template_id).update(max_cores=8, max_memory_mb=16384)
    if machine.name == "web-01":
        checkpoints(machine)


def checkpoints(machine: Machine) -> None:
    """Make a tree of five."""
    now = timezone.now()
    root = make_checkpoint(machine, "installed", created_at=now - timedelta(days=40))
    patched = make_checkpoint(
        machine,
        "patched",
        parent=root,
        created_at=now - timedelta(days=12),
        description="All updates of October, before the new shop.",
    )
    make_checkpoint(
        machine, "tried the new shop", parent=patched, created_at=now - timedelta(days=9)
    )
    make_checkpoint(
        machine,
        "before update",
        parent=patched,
        created_at=now - timedelta(hours=5),
        is_current=True,
    )
    make_checkpoint(machine, "with debugger", parent=root, created_at=now - timedelta(days=30))


def keep_results() -> None:
    """Keep what came of an act on several machines; once the rows are there for good."""
    begun = [
        Outcome(one, Job.objects.filter(machine=one).first(), "")
        for one in Machine.objects.filter(state=MachineState.UPDATING)
    ]
    refused = [
        Outcome(one, None, "It is running already.")
        for one in Machine.objects.filter(state=MachineState.RUNNING)
    ]
    alice = User.objects.get(email="alice@example.net")
    _keep(alice, RESULT, [*begun, *refused])
    _keep(alice, BROKEN, [*begun, *refused[:1]], undone=[one.machine for one in refused[1:]])


def _keep(user: User, key: uuid.UUID, told: list[Outcome], undone: Sequence[Machine] = ()) -> None:
    """Keep outcomes, and machines that nobody came to ask before the process died."""
    machines = [one.machine for one in told]
    _key, sending = machine_sent.begin(user, key, "start", [*machines, *undone])
    assert sending is not None
    for outcome in told:
        sending.note(outcome)
    if undone:
        sending.break_off()
    else:
        sending.end()


def machine_pages() -> Iterator[tuple[str, str]]:
    """Yield pages of machines that the list of addresses does not tell of."""

    def address(name: str, *args: object, query: str = "") -> str:
        return reverse(name, urlconf="portal.urls.tenant", args=args) + query

    stopped = Machine.objects.get(name="db-primary").pk
    yield "machines-filtered", address("machines", query="?tag=production&size=50")
    yield "machines-nothing", address("machines", query="?q=zzz")
    yield "machine-selected-result", address("machine-selected-result", RESULT)
    yield "machine-selected-broken", address("machine-selected-result", BROKEN)
    yield "machine-table", address("machine", stopped, query="?view=table")
    for name in ("machine-configure", "machine-rebuild", "machine-clone", "machine-checkpoints"):
        yield f"{name}-stopped", address(name, stopped)
    creating = Machine.objects.get(name="mail-gateway").pk
    yield "machine-disks-creating", address("machine-disks", creating)
