"""Checkpoints of machines: a tree, of which exactly one is current. Quota does not count them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import transaction

from fabric.vmm import capability, placement, quota, roles
from fabric.vmm.actions import fields, held
from fabric.vmm.actions.fields import UNCHANGED
from fabric.vmm.errors import NotFound, WrongState
from fabric.vmm.jobs.checkpoints import MAKE, REMOVE, RESTORE
from fabric.vmm.models import Checkpoint, Job, VirtualMachine
from fabric.vmm.roles import Caller


@transaction.atomic
def create(
    caller: Caller, machine: VirtualMachine, *, name: str, description: str = ""
) -> tuple[Checkpoint, Job]:
    """Make a checkpoint of a machine as it is now; its storage counts against no quota."""
    row = held.held(caller, machine)
    roles.require_all(caller, "Checkpoint", clouds=[row.cloud_id])
    cleaned = fields.name(name, "checkpoint", longest=100)
    held.require_idle(row)
    held.require_status(row, held.SETTLED, "no checkpoint can be made")
    capability.require(row, checkpoints=row.checkpoints.count() + 1)
    made = Checkpoint.objects.create(
        machine=row,
        parent=row.checkpoints.filter(is_current=True).first(),
        name=cleaned,
        description=fields.prose(description.strip()),
        cores=row.cores,
        memory_mb=row.memory_mb,
        owner_name=caller.principal,
    )
    job = held.begin_change(caller, row, MAKE, checkpoint=str(made.pk), name=cleaned)
    return made, job


@transaction.atomic
def restore(caller: Caller, checkpoint: Checkpoint) -> Job:
    """Bring the machine back to where it was: its disks, its size, saved or off.

    A checkpoint of a larger size needs the room beforehand: QuotaExceeded, or NoSuitableHost.
    """
    row = held.held(caller, checkpoint.machine)
    roles.require_any(caller, *roles.RESTORE, clouds=[row.cloud_id])
    wanted = find(row, checkpoint)
    held.require_idle(row)
    held.require_status(row, held.SETTLED, f"the checkpoint {wanted} cannot be restored")
    require_complete(wanted)
    _take_size(row, max(row.cores, wanted.cores), max(row.memory_mb, wanted.memory_mb))
    return held.begin_change(caller, row, RESTORE, checkpoint=str(wanted.pk))


@transaction.atomic
def remove(caller: Caller, checkpoint: Checkpoint, *, with_children: bool = False) -> Job:
    """Remove a checkpoint, or it and all below it; what is below one alone moves up."""
    row = held.held(caller, checkpoint.machine)
    roles.require_all(caller, "Checkpoint", clouds=[row.cloud_id])
    wanted = find(row, checkpoint)
    held.require_idle(row)
    held.require_status(row, held.SETTLED, f"the checkpoint {wanted} cannot be removed")
    gone = _below(row, wanted.pk) if with_children else []
    ids = [str(id) for id in (*gone, wanted.pk)]
    return held.begin_change(caller, row, REMOVE, checkpoints=ids)


@transaction.atomic
def rename(
    caller: Caller, checkpoint: Checkpoint, *, name: str = UNCHANGED, description: str = UNCHANGED
) -> Checkpoint:
    """Call a checkpoint something else in our books; the host goes by its id."""
    row = held.held(caller, checkpoint.machine)
    roles.require_all(caller, "Checkpoint", clouds=[row.cloud_id])
    wanted = find(row, checkpoint)
    if name is not UNCHANGED:
        wanted.name = fields.name(name, "checkpoint", longest=100)
    if description is not UNCHANGED:
        wanted.description = fields.prose(description.strip())
    wanted.save(update_fields=["name", "description"])
    return wanted


def find(machine: VirtualMachine, checkpoint: Checkpoint) -> Checkpoint:
    """Return a checkpoint of a held machine as it is now; NotFound when it has none like it."""
    found = machine.checkpoints.filter(pk=checkpoint.pk).first()
    if found is None:
        raise NotFound(f"The machine {machine.name} has no checkpoint {checkpoint.pk}.")
    return found


def require_complete(checkpoint: Checkpoint) -> None:
    """Raise WrongState for a checkpoint that its host never finished."""
    if not checkpoint.is_complete:
        raise WrongState(
            f"The checkpoint {checkpoint} of {checkpoint.machine.name} was never made in full.",
            advice="Remove it.",
        )


def _below(machine: VirtualMachine, top: uuid.UUID) -> Iterable[uuid.UUID]:
    """Return the checkpoints below one, the deepest first."""
    rows = list(machine.checkpoints.values_list("pk", "parent"))
    found: list[uuid.UUID] = []
    level = {top}
    while level:
        level = {pk for pk, parent in rows if parent in level}
        found = [*level, *found]
    return found


def _take_size(machine: VirtualMachine, cores: int, memory_mb: int) -> None:
    """Take the room for a larger size; what is not needed is given back when it is restored."""
    more = quota.Size(cores=cores - machine.cores, memory_mb=memory_mb - machine.memory_mb)
    if more == quota.Size():
        return
    capability.require(machine, cores=cores, memory_mb=memory_mb)
    quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)
    placement.resize(machine, cores, memory_mb)
    VirtualMachine.objects.filter(pk=machine.pk).update(cores=cores, memory_mb=memory_mb)
