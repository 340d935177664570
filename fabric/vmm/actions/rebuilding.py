"""Rebuild machines: the same machine, with fresh disks of a template, and its guest set up anew."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction

from fabric.vmm import computernames, placement, roles
from fabric.vmm.actions import held, jobs, repairs, setups, sources
from fabric.vmm.actions.setups import Asked
from fabric.vmm.actions.sources import Source, Wanted
from fabric.vmm.actions.storing import landing, media_of
from fabric.vmm.errors import Conflict, NoSuitableHost, VMMError, WrongState
from fabric.vmm.jobs.hosts import erase_secrets, note_host, note_of
from fabric.vmm.jobs.rebuild import NAMES, REBUILD, REBUILD_STOPPED, hold, swap
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import SETTLED, MachineStatus

# Where one stands whose rebuilding failed.
_BROKEN = frozenset({MachineStatus.UPDATE_FAILED, MachineStatus.MISSING})


@transaction.atomic
def rebuild(
    caller: Caller,
    machine: VirtualMachine,
    *,
    template_id: uuid.UUID,
    guest: Asked | None = None,
    computer_name: str = "",
    start: bool = True,
) -> Job:
    """Give a machine fresh disks of a template, and set its guest up as if it were new.

    All data on its disks are lost. Its id, name, size, MACs and addresses stay. Room and quota are
    checked before anything is touched. Conflict when it has checkpoints. One under way is returned
    as it is.
    """
    asked = guest or Asked()
    row = held.held(caller, machine)
    roles.require_any(caller, *roles.DEPLOY, clouds=[row.cloud_id])
    if asked.lets_in:
        roles.require_all(caller, "AllowLocalAdmin", clouds=[row.cloud_id])
    live = jobs.live_job(row)
    if live is not None and live.recipe in NAMES:
        return live
    held.require_idle(row, live)
    _require_ready(row)
    source = _source(caller, row, template_id)
    as_new = _as_of(row, source)
    source.require_fits(as_new, row.cloud, row.adapters.count())
    source.require_classifications(row.cloud)
    setup = setups.decide(as_new, source, asked)
    as_new.computer_name = _computer_name(caller, as_new, source, computer_name.strip())
    inputs = _inputs(row, as_new, source, start=start)
    inputs |= {"settings": dict(setup.settings), "secrets": sorted(setup.secrets)}
    hold(row, inputs)
    _require_room(row, inputs)
    # What an earlier one was given and never used.
    erase_secrets(row.pk)
    recipe = REBUILD if start else REBUILD_STOPPED
    secrets, status = dict(setup.secrets), MachineStatus.UNDER_UPDATE
    return held.begin(caller, row, recipe, inputs=inputs, secrets=secrets, status=status)


def _require_ready(machine: VirtualMachine) -> None:
    what = "it cannot be rebuilt"
    failed = repairs.failed_job(machine)
    was_rebuilt = failed is not None and failed.recipe in NAMES
    if machine.moving_to_id is not None or machine.stored_on_id is not None:
        raise WrongState(f"An earlier job on {machine.name} has to be repaired first.")
    if machine.status not in (SETTLED | _BROKEN if was_rebuilt else SETTLED):
        raise WrongState(f"The machine {machine.name} is {machine.status_string}: {what}.")
    if machine.host_id is None and not was_rebuilt:
        raise WrongState(f"The machine {machine.name} is on no host: {what}.")
    checkpoint = machine.checkpoints.first()
    if checkpoint is not None:
        raise Conflict(
            f"The machine {machine.name} has checkpoints ({checkpoint.name}), which would be lost.",
            advice="Remove its checkpoints first.",
        )


def _source(caller: Caller, machine: VirtualMachine, template_id: uuid.UUID) -> Source:
    return sources.find(
        caller,
        machine.cloud,
        Wanted(
            template_id=template_id,
            cores=machine.cores,
            memory_mb=machine.memory_mb,
            is_dynamic_memory=machine.is_dynamic_memory,
            is_highly_available=machine.is_highly_available,
        ),
    )


def _as_of(machine: VirtualMachine, source: Source) -> VirtualMachine:
    """The machine as it will be, not saved: what orders are checked by."""
    template = source.template
    assert template is not None
    kept = (
        *("pk", "server", "cloud", "role", "owner_name", "name", "computer_name"),
        *("cores", "memory_mb", "is_dynamic_memory", "is_highly_available"),
    )
    made = VirtualMachine(**{field: getattr(machine, field) for field in kept})
    made.template = template
    made.os_name, made.os_type = template.os_name, template.os_type
    made.storage_gb = sum(disk.size_gb for disk in source.disks)
    made.points, made.generation = source.points, source.generation
    return made


def _computer_name(caller: Caller, machine: VirtualMachine, source: Source, asked: str) -> str:
    """The name asked for, else the one it has, if its new system can have it."""
    if asked and asked.casefold() not in (
        machine.computer_name.casefold(),
        machine.name.casefold(),
    ):
        source.require_open(caller, "name", "a computer name")
    if asked:
        return computernames.require_name(asked, machine.os_type)
    try:
        return computernames.require_name(machine.computer_name, machine.os_type)
    except VMMError:
        return computernames.made_of(machine)


def _inputs(
    machine: VirtualMachine, as_new: VirtualMachine, source: Source, *, start: bool
) -> dict[str, Any]:
    drives = list(machine.disks.all())
    inputs: dict[str, Any] = {
        **landing(as_new, start=start),
        "before": machine.status,
        "points": machine.points,
        "disks": [str(drive.pk) for drive in drives],
        "hosts": [note_of(machine.host)] if machine.host is not None else [],
        "media": media_of(machine),
        "fresh": [
            {
                "id": str(drive.pk),
                "source": drive.source_id and str(drive.source_id),
                "classification": drive.classification_id and str(drive.classification_id),
                "name": drive.name,
                "image": drive.image,
                "size_gb": drive.size_gb,
                "lun": drive.lun,
            }
            for drive in source.drives(as_new)
        ],
        "of": {
            "template": str(as_new.template_id),
            "os_name": as_new.os_name,
            "os_type": as_new.os_type,
            "generation": as_new.generation,
            "computer_name": as_new.computer_name,
            "storage_gb": as_new.storage_gb,
            "points": as_new.points,
        },
    }
    note_host(inputs, machine.host)
    return inputs


def _require_room(machine: VirtualMachine, inputs: dict[str, Any]) -> None:
    """Raise NoSuitableHost when no host has room for the fresh disks once the old ones are gone.

    Tried on our books, and taken back.
    """
    with transaction.atomic():
        swap(VirtualMachine.objects.get(pk=machine.pk), inputs)
        ratings = placement.rate(VirtualMachine(pk=machine.pk))
        transaction.set_rollback(True)
    if all(rating.excluded for rating in ratings):
        raise NoSuitableHost(
            f"No host has room for {machine.name} with {inputs['of']['storage_gb']} GB of fresh "
            "disks.",
            advice="Choose a template with smaller disks; nothing was changed.",
        )
