"""Decide on a difference: adopt what the host says, repair what it has, or ignore it.

Adopting changes our books and asks no host. Repairing is a durable job on the host. Nothing that
holds data is removed unless `repair` of that very difference was asked for.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from fabric.durable import engine
from fabric.durable.recipe import Recipe
from fabric.durable.states import LIVE
from fabric.vmm import placement, quota, roles, wake
from fabric.vmm.actions import adoption, fields, held
from fabric.vmm.errors import Conflict, Invalid, NotFound, WrongState
from fabric.vmm.jobs import drift as recipes
from fabric.vmm.jobs.hosts import note_host
from fabric.vmm.models import (
    Cloud,
    Drift,
    DriftKind,
    DriftState,
    Job,
    LibraryShare,
    UserRole,
    VirtualMachine,
)
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

ADOPTED, IGNORED = "adopted", "ignored"
# What may be done about a kind beside ignoring it, and the words on the button.
ADOPTABLE = {
    DriftKind.UNKNOWN_MACHINE: "Adopt into a cloud",
    DriftKind.MISSING_MACHINE: "Forget the machine",
    DriftKind.MOVED: "Accept its new host",
    DriftKind.RESIZED: "Accept its new size",
    DriftKind.RENAMED: "Accept its new name",
    DriftKind.ORPHAN_DISK: "Take it into the library",
    DriftKind.MISSING_DISK: "Forget the disk",
}
REPAIRABLE = {
    DriftKind.UNKNOWN_MACHINE: "Remove it from the host",
    DriftKind.MOVED: "Move it back",
    DriftKind.RESIZED: "Give it its size back",
    DriftKind.RENAMED: "Give it its name back",
    DriftKind.ORPHAN_DISK: "Remove the disk",
}
# Repairs after which data are gone for good.
LOSES_DATA = frozenset({DriftKind.UNKNOWN_MACHINE, DriftKind.ORPHAN_DISK})


@transaction.atomic
def ignore(caller: Caller, drift: Drift) -> Drift:
    """Leave a difference as it is; it stays listed as ignored, until it changes."""
    found = _open(caller, drift)
    Drift.objects.filter(pk=found.pk).update(
        state=DriftState.IGNORED, settled_by=caller.principal, settled_how=IGNORED
    )
    return found


@transaction.atomic
def reopen(caller: Caller, drift: Drift) -> Drift:
    """Have an ignored difference stand open again."""
    found = _open(caller, drift)
    if found.state != DriftState.IGNORED:
        raise WrongState("This difference stands open already.")
    Drift.objects.filter(pk=found.pk).update(state=DriftState.OPEN, settled_by="", settled_how="")
    return found


@transaction.atomic
def adopt(
    caller: Caller,
    drift: Drift,
    *,
    cloud: Cloud | None = None,
    role: UserRole | None = None,
    owner_name: str = "",
    share: LibraryShare | None = None,
) -> Job | None:
    """Have our books say what the host says; a job where that takes one.

    An unknown machine needs the cloud it is to be in, an orphan disk the share it is kept on.
    """
    found = _open(caller, drift)
    kind = DriftKind(found.kind)
    if kind == DriftKind.UNKNOWN_MACHINE:
        if cloud is None:
            raise Invalid("Choose the cloud that the machine is to be in.", field="cloud")
        adoption.adopt(caller, found, cloud=cloud, role=role, owner_name=owner_name)
    elif kind == DriftKind.ORPHAN_DISK:
        if share is None:
            raise Invalid("Choose the library share that keeps the disk.", field="share")
        return _shelve(caller, found, share)
    elif kind == DriftKind.MISSING_MACHINE:
        return _forget(caller, found)
    elif kind == DriftKind.MISSING_DISK:
        _forget_disk(caller, found)
    else:
        _follow(caller, found, kind)
    _settle(caller, found)
    return None


@transaction.atomic
def repair(caller: Caller, drift: Drift) -> Job:
    """Have the host be what our books say; what they do not know is removed from it."""
    found = _open(caller, drift)
    kind = DriftKind(found.kind)
    if kind not in REPAIRABLE:
        raise WrongState(f"What is {kind.label.lower()} cannot be repaired, only adopted.")
    if kind in LOSES_DATA:
        recipes.require_strange(found.object_id, found.host.name)
        recipe = (
            recipes.REMOVE_STRANGER if kind == DriftKind.UNKNOWN_MACHINE else recipes.REMOVE_ORPHAN
        )
        return _begin(caller, found, recipe, {})
    return _mend(caller, found, kind)


def _mend(caller: Caller, drift: Drift, kind: DriftKind) -> Job:
    machine = _machine(caller, drift)
    inputs: dict[str, Any] = {"drift": str(drift.pk), "before": machine.status}
    note_host(inputs, drift.host)
    status = MachineStatus.UNDER_UPDATE
    if kind == DriftKind.MOVED:
        if machine.host is None:
            raise WrongState(f"The machine {machine.name} is on no host.")
        recipe, status = recipes.BRING_BACK, MachineStatus.UNDER_MIGRATION
        inputs["target"] = machine.host.name
        inputs["volumes"] = {
            str(drive.pk): drive.volume.name if drive.volume else ""
            for drive in machine.disks.select_related("volume")
        }
    elif kind == DriftKind.RESIZED:
        recipe = recipes.RESTORE_SIZE
        inputs |= {"cores": machine.cores, "memory_mb": machine.memory_mb}
    else:
        recipe = recipes.RESTORE_NAME
        inputs["name"] = machine.name
    return held.begin(
        caller, machine, recipe, cmdlet="Repair-SCVirtualMachine", inputs=inputs, status=status
    )


def _follow(caller: Caller, drift: Drift, kind: DriftKind) -> None:
    """Take over a host, a size or a name that the machine has by now."""
    machine = _machine(caller, drift)
    changes: dict[str, Any] = {"modified_at": timezone.now()}
    if kind == DriftKind.RENAMED:
        changes["name"] = fields.name(str(drift.theirs["name"]), "virtual machine", field="")
    elif kind == DriftKind.RESIZED:
        where = f"{machine.name} on {drift.host.name}"
        cores, memory_mb = adoption.size_of(drift.theirs, where)
        more = quota.Size(cores=cores - machine.cores, memory_mb=memory_mb - machine.memory_mb)
        quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)
        placement.resize(machine, cores, memory_mb)
        changes |= {"cores": cores, "memory_mb": memory_mb}
    else:
        placement.reserve_on(machine, drift.host)
        machine.refresh_from_db()
        placement.settle_move(machine)
    VirtualMachine.objects.filter(pk=machine.pk).update(**changes)


def _forget(caller: Caller, drift: Drift) -> Job:
    """Give back all a machine held, once its host has said again that it is not there.

    Disks that are still on the host are orphans from then on, for somebody to decide over.
    """
    machine = _machine(caller, drift)
    if machine.disks.exclude(stored_image="").exists():
        raise WrongState(
            f"The library still has copies of the disks of {machine.name}.",
            advice="Remove the machine itself, or store it again when it is back.",
        )
    inputs: dict[str, Any] = {"drift": str(drift.pk), "before": machine.status}
    note_host(inputs, drift.host)
    return held.begin(caller, machine, recipes.FORGET, inputs=inputs, status=MachineStatus.DELETING)


def _forget_disk(caller: Caller, drift: Drift) -> None:
    machine = _machine(caller, drift)
    drive = machine.disks.filter(pk=drift.object_id).first()
    if drive is None:
        return
    placement.release_disk(drive)
    VirtualMachine.objects.filter(pk=machine.pk).update(
        storage_gb=machine.storage_gb - drive.size_gb, modified_at=timezone.now()
    )
    drive.delete()


def _shelve(caller: Caller, drift: Drift, share: LibraryShare) -> Job:
    inputs = {
        "name": f"{drift.host.name[:60]} {drift.object_id}",
        "image": f"store:{drift.object_id}",
        "size_gb": drift.theirs["size_gb"],
        "share": str(share.pk),
        "description": f"A disk that was left on {drift.host.name}.",
    }
    return _begin(caller, drift, recipes.SHELVE_ORPHAN, inputs)


def _begin(caller: Caller, drift: Drift, recipe: Recipe, inputs: dict[str, Any]) -> Job:
    """Begin a job on a thing that is on no books of ours."""
    live = Job.objects.filter(subject=drift.object_id, state__in=LIVE).first()
    if live is not None:
        if live.recipe == recipe.name:
            return live
        raise Conflict(f"“{live.title}” is still under way on it.")
    inputs["drift"] = str(drift.pk)
    note_host(inputs, drift.host)
    job = engine.start(
        Job,
        recipe,
        subject=drift.object_id,
        inputs=inputs,
        server_id=drift.server_id,
        host=drift.host,
        owner_name=caller.principal,
        cmdlet="Repair-SCVMHost",
        target_type="VMHost",
        target_name=drift.host.name,
    )
    wake.begin_on_commit()
    return job


def _machine(caller: Caller, drift: Drift) -> VirtualMachine:
    if drift.machine is None:
        raise NotFound("The machine is not on our books any more.")
    machine = held.held(caller, drift.machine)
    held.require_idle(machine)
    return machine


def _open(caller: Caller, drift: Drift) -> Drift:
    """Return the difference with its row locked; WrongState when it is settled."""
    found = (
        Drift.objects.select_for_update(of=("self",))
        .visible_to(caller)
        .select_related("host", "machine", "server")
        .filter(pk=drift.pk)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no difference {drift.pk}.")
    roles.require_fabric(caller, [found.host.group_id])
    if found.state == DriftState.SETTLED:
        raise WrongState(f"This was settled already: {found.settled_how}.")
    return found


def _settle(caller: Caller, drift: Drift) -> None:
    Drift.objects.filter(pk=drift.pk).update(
        state=DriftState.SETTLED,
        settled_how=ADOPTED,
        settled_by=caller.principal,
        settled_at=timezone.now(),
        message="",
    )
