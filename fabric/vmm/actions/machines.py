"""Virtual machines: operate, change, remove. Other verbs have their own modules, named here too."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from fabric.hypervisors.base import Capability
from fabric.vmm import capability, placement, quota, roles
from fabric.vmm.actions import fields, held, jobs, repairs
from fabric.vmm.actions.clones import clone, of_checkpoint
from fabric.vmm.actions.creation import NewAdapter, create
from fabric.vmm.actions.grants import grant_machine
from fabric.vmm.actions.owners import give
from fabric.vmm.actions.rebuilding import rebuild
from fabric.vmm.actions.storing import deploy_stored, library_hosts, store
from fabric.vmm.drivers import open_driver
from fabric.vmm.errors import Invalid, WrongState
from fabric.vmm.jobs import OPERATIONS, REMOVE, UPDATE
from fabric.vmm.jobs.hosts import note_host, note_of
from fabric.vmm.jobs.operate import Operation
from fabric.vmm.jobs.rebuild import NAMES as REBUILDS
from fabric.vmm.models import Job, StartAction, StopAction, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import REMOVABLE, MachineStatus

__all__ = [
    "NewAdapter",
    "clone",
    "create",
    "deploy_stored",
    "give",
    "grant_machine",
    "of_checkpoint",
    "operate",
    "rebuild",
    "remove",
    "store",
    "update",
]

ALIASES = {"Pause": "Suspend", "Save": "SaveState", "Restart": "Reset"}
REPAIR = "Repair"
# Operations that are more than power.
OTHERS = {"Store": store, "Deploy": deploy_stored}


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

    Repair with `retry` resumes the failed job, with `undo` goes back to what was before it, with
    `dismiss` believes what the host says.
    """
    wanted = ALIASES.get(operation, operation)
    if wanted == REPAIR:
        return _repair(caller, machine, retry=retry, undo=undo, dismiss=dismiss)
    if wanted in OTHERS:
        return OTHERS[wanted](caller, machine)
    known = OPERATIONS.get(wanted)
    if known is None:
        raise Invalid(f"There is no operation {operation!r}.")
    row = held.held(caller, machine)
    roles.require_all(caller, *roles.OPERATION_PERMISSIONS[wanted], clouds=[row.cloud_id])
    return _begin_operation(caller, row, known)


@transaction.atomic
def update(
    caller: Caller,
    machine: VirtualMachine,
    *,
    name: str | None = None,
    description: str | None = None,
    tag: str | None = None,
    cost_center: str | None = None,
    start_action: str | None = None,
    stop_action: str | None = None,
    cores: int | None = None,
    memory_mb: int | None = None,
) -> Job:
    """Change a machine. What is None stays.

    Processors and memory change while it is off, or while it runs where its host can do that.
    """
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    held.require_idle(row)
    changes = _words(description, tag, cost_center, start_action, stop_action)
    inputs: dict[str, Any] = {"before": row.status}
    note_host(inputs, row.host)
    if name is not None:
        _rename(row, fields.name(name, "virtual machine"), inputs, changes)
    size = {
        "cores": row.cores if cores is None else fields.cores(cores),
        "memory_mb": row.memory_mb if memory_mb is None else fields.memory_mb(memory_mb),
    }
    old_size = {"cores": row.cores, "memory_mb": row.memory_mb}
    if size != old_size:
        changes |= _take_size(row, size)
        inputs |= {"size": size, "old_size": old_size}
    if "size" in inputs or "name" in inputs:
        changes["status"] = MachineStatus.UNDER_UPDATE
    return held.begin(caller, row, UPDATE, inputs=inputs, **changes)


@transaction.atomic
def remove(caller: Caller, machine: VirtualMachine) -> Job:
    """Remove a machine that is off, stored or failed; one under way is returned as it is."""
    row = held.held(caller, machine)
    roles.require_all(caller, "Remove", clouds=[row.cloud_id])
    live = jobs.live_job(row)
    if live is not None and live.recipe == REMOVE.name:
        return live
    held.require_idle(row, live)
    if row.status not in REMOVABLE:
        raise WrongState(
            f"The machine {row.name} is {row.status_string}: it cannot be removed.",
            advice="Stop it first.",
        )
    drives = list(row.disks.all())
    # A move that failed may have left it on either host.
    hosts = [note_of(host) for host in (row.host, row.moving_to) if host is not None]
    images = [drive.stored_image for drive in drives if drive.stored_image]
    inputs: dict[str, Any] = {
        "before": row.status,
        "disks": [str(drive.pk) for drive in drives],
        "hosts": hosts,
        "images": images,
        "library": library_hosts(row) if images else [],
    }
    note_host(inputs, row.host)
    return held.begin(caller, row, REMOVE, inputs=inputs, status=MachineStatus.DELETING)


def _repair(
    caller: Caller, machine: VirtualMachine, *, retry: bool, undo: bool, dismiss: bool
) -> Job:
    repairs.require_one(retry=retry, undo=undo, dismiss=dismiss)
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[row.cloud_id])
    if retry:
        return repairs.retry(caller, row)
    if undo and row.status == MachineStatus.CREATION_FAILED:
        return remove(caller, row)
    if undo:
        return repairs.undo(caller, row)
    return repairs.dismiss(caller, row) or _begin_operation(caller, row, OPERATIONS["Refresh"])


def _begin_operation(caller: Caller, machine: VirtualMachine, operation: Operation) -> Job:
    live = jobs.live_job(machine)
    if live is not None and live.recipe == operation.recipe.name:
        return live
    held.require_idle(machine, live)
    if machine.moving_to_id is not None and operation is not OPERATIONS["Refresh"]:
        raise WrongState(f"An earlier move of {machine.name} has to be repaired first.")
    if machine.status not in operation.allowed or machine.host is None:
        raise WrongState(
            f"The machine {machine.name} is {machine.status_string}: "
            f"{operation.name} is not possible.",
        )
    inputs: dict[str, Any] = {"before": machine.status}
    note_host(inputs, machine.host)
    changes: dict[str, Any] = {"status": operation.busy} if operation.busy is not None else {}
    return held.begin(caller, machine, operation.recipe, inputs=inputs, **changes)


def _words(
    description: str | None,
    tag: str | None,
    cost_center: str | None,
    start_action: str | None,
    stop_action: str | None,
) -> dict[str, Any]:
    """Return what changes on the row alone, checked."""
    changes: dict[str, Any] = {}
    if description is not None:
        changes["description"] = fields.prose(description)
    if tag is not None:
        changes["tag"] = fields.tag(tag)
    if cost_center is not None:
        center = cost_center.strip()[:64]
        changes["cost_center"] = fields.prose(center, "The cost center", field="cost_center")
    for field, value, known in (
        ("start_action", start_action, StartAction),
        ("stop_action", stop_action, StopAction),
    ):
        if value is None:
            continue
        if value not in known.values:
            words = ", ".join(known.values)
            raise Invalid(f"{value!r} is not one of {words}.", field=field)
        changes[field] = value
    return changes


def _rename(
    machine: VirtualMachine, name: str, inputs: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Ask for another name on the host, when it is there to be asked; else on the books alone."""
    if name == machine.name:
        return
    if machine.host is not None and machine.status in held.SETTLED:
        inputs |= {"name": name, "old_name": machine.name}
        return
    changes["name"] = name
    creation = repairs.failed_job(machine)
    is_made_by_it = machine.status == MachineStatus.CREATION_FAILED or (
        creation is not None and creation.recipe in REBUILDS
    )
    if is_made_by_it and creation is not None:
        # When it is resumed it is to make what the books say.
        Job.objects.filter(pk=creation.pk).update(inputs={**creation.inputs, "name": name})


def _take_size(machine: VirtualMachine, size: dict[str, int]) -> dict[str, int]:
    """Check the limits and take the room another size needs; return what is held meanwhile.

    That is the larger of both, until the host is known to have let go of what it had.
    """
    if machine.status != MachineStatus.POWER_OFF:
        _require_live_resize(machine)
    capability.require(machine, cores=size["cores"], memory_mb=size["memory_mb"])
    more = quota.Size(
        cores=max(0, size["cores"] - machine.cores),
        memory_mb=max(0, size["memory_mb"] - machine.memory_mb),
    )
    quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)
    both = {
        "cores": max(size["cores"], machine.cores),
        "memory_mb": max(size["memory_mb"], machine.memory_mb),
    }
    placement.resize(machine, **both)
    return both


def _require_live_resize(machine: VirtualMachine) -> None:
    if machine.status == MachineStatus.RUNNING and machine.host is not None:
        driver = open_driver(machine.host.hypervisor, machine.host.name)
        if Capability.LIVE_RESIZE in driver.capabilities:
            return
    raise WrongState(
        f"The machine {machine.name} is {machine.status_string}: "
        "processors and memory can be changed only while it is off.",
        advice="Stop it first.",
    )
