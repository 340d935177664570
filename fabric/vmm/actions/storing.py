"""Store machines in the library, and deploy them from there."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import held, jobs
from fabric.vmm.actions.fitting import groups_with_those_below
from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.jobs.hosts import note_host, note_of
from fabric.vmm.jobs.images import name_of
from fabric.vmm.jobs.store import DEPLOY_STORED, DEPLOY_STORED_OFF, STORE
from fabric.vmm.models import DiskDrive, Health, Host, Job, LibraryShare, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

LIBRARY_HOSTS = 5


@transaction.atomic
def store(caller: Caller, machine: VirtualMachine, *, share: LibraryShare | None = None) -> Job:
    """Put a machine that is off into its cloud's library; it keeps its addresses.

    Choosing another share of the cloud is for those who run the fabric. Conflict when the cloud
    has none to store on, or the machine has checkpoints.
    """
    row = held.held(caller, machine)
    roles.require_all(caller, "Store", clouds=[row.cloud_id])
    live = jobs.live_job(row)
    if live is not None and live.recipe == STORE.name:
        return live
    held.require_idle(row, live)
    held.require_status(
        row, {MachineStatus.POWER_OFF}, "it cannot be stored", advice="Stop it first."
    )
    share = row.cloud.store if share is None else _share(caller, row, share)
    if share is None:
        raise Conflict(f"The cloud {row.cloud.name} has no library share to store machines on.")
    checkpoint = row.checkpoints.first()
    if checkpoint is not None:
        raise Conflict(
            f"The machine {row.name} has checkpoints ({checkpoint.name}), which are not stored.",
            advice="Remove its checkpoints first.",
        )
    job_id = uuid.uuid4()
    drives = list(row.disks.all())
    inputs: dict[str, Any] = {
        "before": row.status,
        "share": str(share.pk),
        "old_images": [drive.stored_image for drive in drives if drive.stored_image],
        "images": copies(job_id, drives),
        "disks": [str(drive.pk) for drive in drives],
        "hosts": [note_of(row.host)] if row.host is not None else [],
    }
    note_host(inputs, row.host)
    for drive in drives:
        DiskDrive.objects.filter(pk=drive.pk).update(stored_image=name_of(job_id, drive))
    status = MachineStatus.STORING
    return held.begin(caller, row, STORE, inputs=inputs, id=job_id, status=status)


def _share(caller: Caller, machine: VirtualMachine, share: LibraryShare) -> LibraryShare:
    roles.require_fabric(caller)
    if not machine.cloud.library_shares.filter(pk=share.pk).exists():
        raise NotFound(f"The cloud {machine.cloud} has no library share {share}.", field="share")
    return share


@transaction.atomic
def deploy_stored(caller: Caller, machine: VirtualMachine, *, start: bool = False) -> Job:
    """Deploy a stored machine to a host of its cloud again, with the addresses it has."""
    row = held.held(caller, machine)
    roles.require_all(caller, "Store", clouds=[row.cloud_id])
    recipe = DEPLOY_STORED if start else DEPLOY_STORED_OFF
    live = jobs.live_job(row)
    if live is not None and live.recipe == recipe.name:
        return live
    held.require_idle(row, live)
    if row.status != MachineStatus.STORED:
        raise WrongState(f"The machine {row.name} is {row.status_string}: it is not stored.")
    drives = list(row.disks.all())
    inputs = {
        **landing(row, start=start),
        "images": [{"disk": str(d.pk), "image": d.stored_image} for d in drives],
        "disks": [str(drive.pk) for drive in drives],
        "media": media_of(row),
        "library": library_hosts(row),
    }
    return held.begin(caller, row, recipe, inputs=inputs, status=MachineStatus.UNDER_MIGRATION)


def landing(machine: VirtualMachine, *, start: bool) -> dict[str, Any]:
    """Return what a machine with a system on its disks needs to be put on a host."""
    return {
        "before": machine.status,
        "name": machine.name,
        "computer_name": machine.computer_name,
        "settings": {},
        "secrets": [],
        "start": start,
        "cores": machine.cores,
        "memory_mb": machine.memory_mb,
    }


def media_of(machine: VirtualMachine) -> str:
    """Return the image in the machine's drive, as hosts know it; "" is none."""
    disc = machine.dvds.filter(iso__isnull=False).select_related("iso").first()
    return (disc.iso.path or disc.iso.name) if disc is not None and disc.iso else ""


def copies(job_id: uuid.UUID, drives: list[DiskDrive]) -> list[dict[str, str]]:
    """Return what a job copies into the library, and what the copies are called."""
    return [{"disk": str(drive.pk), "image": name_of(job_id, drive)} for drive in drives]


def library_hosts(machine: VirtualMachine) -> list[dict[str, str]]:
    """Return hosts of the machine's cloud that can reach the library, those that answer first."""
    tops = machine.cloud.host_groups.values_list("pk", flat=True)
    groups = groups_with_those_below(list(tops))
    rows = Host.objects.filter(group__in=groups).order_by("name")
    hosts = sorted(rows, key=lambda host: host.health == Health.UNREACHABLE)
    return [note_of(host) for host in hosts[:LIBRARY_HOSTS]]
