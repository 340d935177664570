"""Machines made of machines: clones, and copies of what one was at a checkpoint."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction

from fabric.durable.recipe import Recipe
from fabric.vmm import quota, roles
from fabric.vmm.actions import checkpoints, fields, held, jobs
from fabric.vmm.actions.creation import made_before
from fabric.vmm.actions.owners import require_networks
from fabric.vmm.actions.storing import copies, landing, library_hosts
from fabric.vmm.errors import Conflict
from fabric.vmm.jobs.clone import CLONE, CLONE_OFF, OF_CHECKPOINT, OF_CHECKPOINT_OFF, hold
from fabric.vmm.jobs.hosts import note_of
from fabric.vmm.models import (
    Checkpoint,
    DiskDrive,
    DVDDrive,
    Job,
    NetworkAdapter,
    VirtualMachine,
)
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

_SAME = (
    "server_id",
    "cloud_id",
    "template_id",
    "computer_name",
    "description",
    "tag",
    "cost_center",
    "cores",
    "memory_mb",
    "storage_gb",
    "points",
    "is_dynamic_memory",
    "is_highly_available",
    "os_name",
    "os_type",
    "generation",
    "start_action",
    "stop_action",
)


@dataclass(frozen=True)
class _Copy:
    """What is asked for of a copy; None is as its source has it."""

    name: str
    description: str | None
    tag: str | None
    cost_center: str | None
    start: bool
    request_key: str | None

    def words(self) -> dict[str, str]:
        """Return what the copy is to be called otherwise than its source, checked."""
        said = {
            "description": self.description and fields.prose(self.description),
            "tag": self.tag and fields.tag(self.tag),
            "cost_center": self.cost_center
            and fields.text(self.cost_center, "The cost center", longest=64, field="cost_center"),
        }
        return {field: value for field, value in said.items() if value is not None}


def clone(
    caller: Caller,
    machine: VirtualMachine,
    *,
    name: str,
    description: str | None = None,
    tag: str | None = None,
    cost_center: str | None = None,
    start: bool = False,
    request_key: str | None = None,
) -> tuple[VirtualMachine, Job]:
    """Make another machine like one that is off, with MACs and addresses of its own.

    Its operating system is not set up anew. The same request_key again returns the first clone.
    """
    asked = _Copy(name, description, tag, cost_center, start, request_key)
    return _once(caller, machine, None, asked)


def of_checkpoint(
    caller: Caller,
    checkpoint: Checkpoint,
    *,
    name: str,
    description: str | None = None,
    tag: str | None = None,
    cost_center: str | None = None,
    start: bool = False,
    request_key: str | None = None,
) -> tuple[VirtualMachine, Job]:
    """Make another machine of what one was at a checkpoint: its size and disks, not its memory.

    The machine itself may be running. Otherwise as `clone`.
    """
    asked = _Copy(name, description, tag, cost_center, start, request_key)
    return _once(caller, checkpoint.machine, checkpoint, asked)


def _once(
    caller: Caller, machine: VirtualMachine, checkpoint: Checkpoint | None, asked: _Copy
) -> tuple[VirtualMachine, Job]:
    roles.require_any(caller, *roles.DEPLOY, clouds=[machine.cloud_id])
    known = _made_before(caller, machine, checkpoint, asked.request_key)
    if known is not None:
        return known
    try:
        with transaction.atomic():
            source = held.held(caller, machine)
            held.require_idle(source)
            if checkpoint is None:
                return _clone(caller, source, asked)
            return _of_checkpoint(caller, source, checkpoint, asked)
    except IntegrityError:
        known = _made_before(caller, machine, checkpoint, asked.request_key)
        if known is None:
            raise Conflict("The copy could not be made beside another change.")
        return known


def _clone(caller: Caller, source: VirtualMachine, asked: _Copy) -> tuple[VirtualMachine, Job]:
    held.require_status(
        source, {MachineStatus.POWER_OFF}, "it cannot be cloned", advice="Stop it first."
    )
    recipe = CLONE if asked.start else CLONE_OFF
    return _copy(caller, source, asked, recipe, source.cores, source.memory_mb)


def _of_checkpoint(
    caller: Caller, source: VirtualMachine, checkpoint: Checkpoint, asked: _Copy
) -> tuple[VirtualMachine, Job]:
    wanted = checkpoints.find(source, checkpoint)
    held.require_status(source, held.SETTLED, f"no machine can be made of its checkpoint {wanted}")
    checkpoints.require_complete(wanted)
    recipe = OF_CHECKPOINT if asked.start else OF_CHECKPOINT_OFF
    notes = {"checkpoint": str(wanted.pk), "source_before": source.status}
    return _copy(caller, source, asked, recipe, wanted.cores, wanted.memory_mb, **notes)


def _copy(
    caller: Caller,
    source: VirtualMachine,
    asked: _Copy,
    recipe: Recipe,
    cores: int,
    memory_mb: int,
    **notes: Any,
) -> tuple[VirtualMachine, Job]:
    """Write the copy's rows and begin its job; the source is held by it meanwhile.

    It is the caller's role's, as any machine it makes. Disks are the source's: while it has
    checkpoints they stay as they are.
    """
    assert source.host is not None
    role = caller.tenant_role or source.role
    is_same_role = role is None or role.pk == source.role_id
    if role is not None:
        require_networks(source, role)
    same = {field: getattr(source, field) for field in _SAME}
    made = VirtualMachine(
        name=fields.name(asked.name, "virtual machine"),
        owner_name=caller.principal or source.owner_name,
        request_key=asked.request_key or None,
        role=role,
        affinity_id=source.affinity_id if is_same_role else None,
        **{**same, "cores": cores, "memory_mb": memory_mb, **asked.words()},
    )
    wanted = quota.Size(1, made.cores, made.memory_mb, made.storage_gb, made.points)
    quota.require_room(role, source.cloud, wanted, member=made.owner_name)
    job_id = made.most_recent_job_id = uuid.uuid4()
    made.save(force_insert=True)
    drives = list(source.disks.all())
    images = copies(job_id, drives)
    for drive, image in zip(drives, images, strict=True):
        _add_disk(made, drive, image["image"])
    _add_devices(source, made)
    hold(source, job_id)
    inputs = {
        **landing(made, start=asked.start),
        "source": str(source.pk),
        "source_host": note_of(source.host),
        "copies": images,
        "images": images,
        "library": library_hosts(made),
        **notes,
    }
    return made, jobs.begin(caller, made, recipe, inputs=inputs, id=job_id)


def _add_disk(made: VirtualMachine, drive: DiskDrive, image: str) -> None:
    DiskDrive.objects.create(
        machine=made,
        source_id=drive.source_id,
        classification_id=drive.classification_id,
        name=drive.name.replace(drive.machine.name, made.name)[:100],
        image=drive.image,
        stored_image=image,
        size_gb=drive.size_gb,
        bus_type=drive.bus_type,
        bus=drive.bus,
        lun=drive.lun,
    )


def _add_devices(source: VirtualMachine, made: VirtualMachine) -> None:
    """Give the clone empty DVD drives, and adapters on the same networks."""
    DVDDrive.objects.bulk_create(
        [DVDDrive(machine=made, bus=drive.bus, lun=drive.lun) for drive in source.dvds.all()]
    )
    NetworkAdapter.objects.bulk_create(
        [
            NetworkAdapter(
                machine=made,
                network_id=adapter.network_id,
                slot=adapter.slot,
                mac_type=adapter.mac_type,
                ipv4_type=adapter.ipv4_type,
                ipv6_type=adapter.ipv6_type,
            )
            for adapter in source.adapters.all()
        ]
    )


def _made_before(
    caller: Caller,
    machine: VirtualMachine,
    checkpoint: Checkpoint | None,
    request_key: str | None,
) -> tuple[VirtualMachine, Job] | None:
    known = made_before(caller.tenant_role or machine.role, request_key)
    if known is None:
        return None
    of = str(checkpoint.pk) if checkpoint is not None else None
    inputs = known[1].inputs
    if (inputs.get("source"), inputs.get("checkpoint")) != (str(machine.pk), of):
        raise Conflict("This request key belongs to another machine.")
    return known
