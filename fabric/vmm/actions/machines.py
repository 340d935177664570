"""Virtual machines: operate, change, remove. Creating one is in creation.py."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from fabric.vmm import placement, quota, roles
from fabric.vmm.actions import fields, jobs
from fabric.vmm.actions.creation import NewAdapter, create
from fabric.vmm.errors import Conflict, Invalid, NotFound, WrongState
from fabric.vmm.jobs import OPERATIONS, REMOVE, UPDATE
from fabric.vmm.jobs.hosts import note_host
from fabric.vmm.jobs.operate import Operation
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import REMOVABLE, MachineStatus

__all__ = ["NewAdapter", "create", "operate", "remove", "update"]

ALIASES = {"Pause": "Suspend", "Save": "SaveState", "Restart": "Reset"}
REPAIR = "Repair"


@transaction.atomic
def operate(
    caller: Caller,
    machine: VirtualMachine,
    operation: str,
    *,
    retry: bool = False,
    undo: bool = False,
    dismiss: bool = False,
) -> Job:
    """Begin an operation; the same one already under way is returned as it is.

    Repair with `retry` resumes the failed job, with `dismiss` believes what the host says.
    """
    wanted = ALIASES.get(operation, operation)
    if wanted == REPAIR:
        return _repair(caller, machine, retry=retry, undo=undo, dismiss=dismiss)
    known = OPERATIONS.get(wanted)
    if known is None:
        raise Invalid(f"There is no operation {operation!r}.")
    held = _held(caller, machine)
    roles.require_all(caller, *roles.OPERATION_PERMISSIONS[wanted])
    return _begin_operation(caller, held, known)


@transaction.atomic
def update(
    caller: Caller,
    machine: VirtualMachine,
    *,
    name: str | None = None,
    description: str | None = None,
    tag: str | None = None,
    cores: int | None = None,
    memory_mb: int | None = None,
) -> Job:
    """Change a machine; processors and memory only while it is off. What is None stays."""
    held = _held(caller, machine)
    roles.require_any(caller, *roles.CHANGE)
    _require_idle(held)
    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = fields.name(name, "virtual machine")
    if description is not None:
        changes["description"] = description
    if tag is not None:
        changes["tag"] = tag[:255]
    inputs: dict[str, Any] = {"before": held.status}
    note_host(inputs, held.host)
    size = {
        "cores": held.cores if cores is None else fields.cores(cores),
        "memory_mb": held.memory_mb if memory_mb is None else fields.memory_mb(memory_mb),
    }
    old_size = {"cores": held.cores, "memory_mb": held.memory_mb}
    if size != old_size:
        _take_size(held, **size)
        inputs |= {"size": size, "old_size": old_size}
        changes |= {**size, "status": MachineStatus.UNDER_UPDATE}
    return _begin(caller, held, UPDATE, "Set-SCVirtualMachine", inputs, **changes)


@transaction.atomic
def remove(caller: Caller, machine: VirtualMachine) -> Job:
    """Remove a machine that is off or failed; a removal under way is returned as it is."""
    held = _held(caller, machine)
    roles.require_all(caller, "Remove")
    live = jobs.live_job(held)
    if live is not None and live.recipe == REMOVE.name:
        return live
    _require_idle(held, live)
    if held.status not in REMOVABLE:
        raise WrongState(
            f"The machine {held.name} is {held.status_string}: it cannot be removed.",
            advice="Stop it first.",
        )
    disks = [str(pk) for pk in held.disks.values_list("pk", flat=True)]
    inputs: dict[str, Any] = {"before": held.status, "disks": disks}
    note_host(inputs, held.host)
    cmdlet = "Remove-SCVirtualMachine"
    return _begin(caller, held, REMOVE, cmdlet, inputs, status=MachineStatus.DELETING)


def _repair(
    caller: Caller, machine: VirtualMachine, *, retry: bool, undo: bool, dismiss: bool
) -> Job:
    if [retry, undo, dismiss].count(True) != 1:
        raise Invalid("Repair takes exactly one of Retry, Undo and Dismiss.")
    held = _held(caller, machine)
    roles.require_any(caller, *roles.CHANGE)
    if undo:
        raise WrongState("The failed job cannot be undone.", advice="Remove the machine instead.")
    if dismiss:
        return _begin_operation(caller, held, OPERATIONS["Refresh"])
    job = Job.objects.filter(pk=held.failed_job_id or uuid.UUID(int=0)).first()
    if job is None:
        raise WrongState(f"The machine {held.name} has no failed job to repair.")
    return jobs.restart(caller, job)


def _begin_operation(caller: Caller, machine: VirtualMachine, operation: Operation) -> Job:
    live = jobs.live_job(machine)
    if live is not None and live.recipe == operation.recipe.name:
        return live
    _require_idle(machine, live)
    if machine.status not in operation.allowed or machine.host is None:
        raise WrongState(
            f"The machine {machine.name} is {machine.status_string}: "
            f"{operation.name} is not possible.",
        )
    inputs: dict[str, Any] = {"before": machine.status}
    note_host(inputs, machine.host)
    changes = {"status": operation.busy} if operation.busy is not None else {}
    return _begin(caller, machine, operation.recipe, operation.cmdlet, inputs, **changes)


def _begin(
    caller: Caller,
    machine: VirtualMachine,
    recipe: Any,
    cmdlet: str,
    inputs: dict[str, Any],
    **changes: Any,
) -> Job:
    job = jobs.begin(caller, machine, recipe, cmdlet=cmdlet, inputs=inputs)
    VirtualMachine.objects.filter(pk=machine.pk).update(
        **changes, most_recent_job_id=job.pk, modified_at=Now()
    )
    return job


def _held(caller: Caller, machine: VirtualMachine) -> VirtualMachine:
    """Return the machine with its row locked; NotFound when it is gone or not the caller's."""
    held = (
        VirtualMachine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("host")
        .filter(pk=machine.pk)
        .first()
    )
    if held is None:
        raise NotFound(f"There is no virtual machine {machine.pk}.")
    roles.require_own(caller, held)
    return held


def _require_idle(machine: VirtualMachine, live: Job | None = None) -> None:
    live = live or jobs.live_job(machine)
    if live is not None:
        raise Conflict(
            f"“{live.title}” is still under way on {machine.name}.",
            advice="Wait until it has ended.",
        )


def _take_size(machine: VirtualMachine, cores: int, memory_mb: int) -> None:
    """Check the limits and take the room that another size needs."""
    if machine.status != MachineStatus.POWER_OFF:
        raise WrongState(
            f"The machine {machine.name} is {machine.status_string}: "
            "processors and memory can be changed only while it is off.",
            advice="Stop it first.",
        )
    more = quota.Size(cores=cores - machine.cores, memory_mb=memory_mb - machine.memory_mb)
    quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)
    placement.resize(machine, cores, memory_mb)
