"""Rebuild a machine: its host lets go of it with its disks, and it is made anew of a template.

It keeps its id, name, size, MACs and addresses. `inputs`: see deploy.py and leaving.py; `fresh` are
the disks it will have, `of` what it will be made of. Storage of the larger of both is held from the
beginning, so that nothing is lost for want of quota. Once its old disks are gone it can only go on.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from fabric.durable.errors import Fault
from fabric.durable.recipe import Recipe, Step, Turn
from fabric.vmm import placement, quota, roles, slots
from fabric.vmm.errors import NoSuitableHost
from fabric.vmm.jobs import deploy, leaving, truth
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import locked, status_after, write
from fabric.vmm.jobs.store import MEDIA
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import (
    DiskDrive,
    StorageClassification,
    VirtualHardDisk,
    VirtualMachine,
    VMTemplate,
)
from fabric.vmm.states import MachineStatus


def ensure_held(turn: Turn) -> None:
    """Hold the quota for the fresh disks, also after it was given back."""
    hold(locked(turn), turn.job.inputs)


def hold(machine: VirtualMachine, inputs: dict[str, Any]) -> None:
    """Count the larger of what a machine has and what it will have; its row is locked."""
    more = quota.Size(
        storage_gb=max(0, inputs["of"]["storage_gb"] - machine.storage_gb),
        points=max(0, inputs["of"]["points"] - machine.points),
    )
    quota.require_room(machine.role, machine.cloud, more, member=machine.owner_name)
    VirtualMachine.objects.filter(pk=machine.pk).update(
        storage_gb=machine.storage_gb + more.storage_gb, points=machine.points + more.points
    )


def ensure_swapped(turn: Turn) -> None:
    """Have our books follow: the old disks are gone, the fresh ones have room, here if they can.

    Where its host has none any more, the next step chooses another one.
    """
    machine = locked(turn)
    host = machine.host
    swap(machine, turn.job.inputs)
    if host is None:
        return
    try:
        with transaction.atomic():
            placement.place(VirtualMachine(pk=machine.pk), among=[host])
    except NoSuitableHost:
        pass


def swap(machine: VirtualMachine, inputs: dict[str, Any]) -> None:
    """Give back all room of a locked machine, and write what it is made of from now on."""
    placement.release(machine)
    machine.disks.all().delete()
    fresh = inputs["fresh"]
    sources = _left(VirtualHardDisk, [disk["source"] for disk in fresh])
    kinds = _left(StorageClassification, [disk["classification"] for disk in fresh])
    DiskDrive.objects.bulk_create(
        DiskDrive(
            id=UUID(disk["id"]),
            machine=machine,
            source_id=sources.get(disk["source"]),
            classification_id=kinds.get(disk["classification"]),
            name=disk["name"],
            image=disk["image"],
            size_gb=disk["size_gb"],
            lun=disk["lun"],
        )
        for disk in fresh
    )
    made_of = dict(inputs["of"])
    template = _left(VMTemplate, [made_of.pop("template")])
    VirtualMachine.objects.filter(pk=machine.pk).update(
        template=next(iter(template.values()), None),
        hypervisor_id=None,
        last_restored_id=None,
        **made_of,
    )


def _left(model: Any, ids: list[str | None]) -> dict[str | None, UUID]:
    """What is still there of these, by id: a library may have lost things since."""
    rows = model.objects.filter(pk__in=[id for id in ids if id])
    return {str(pk): pk for pk in rows.values_list("pk", flat=True)}


def failed(turn: Turn, fault: Fault) -> None:
    """Leave a machine whose host surely still has it as it was; another one is to be resumed."""
    if _is_untouched(turn.job.step, fault.code):
        _let_be(turn, status_after(fault, turn.job.inputs["before"]))
        write(turn, failed_job_id=turn.job.pk)
        return
    write(
        turn,
        status=MachineStatus.UPDATE_FAILED,
        failed_job_id=turn.job.pk,
        deployment_error={**fault.told(), "step": turn.job.step},
    )


def cancelled(turn: Turn) -> None:
    """Leave the machine as it was."""
    _let_be(turn, turn.job.inputs["before"])


def _let_be(turn: Turn, status: str) -> None:
    locked(turn)
    write(turn, status=status, points=turn.job.inputs["points"])
    truth.count_storage(turn.job.subject)


def _is_untouched(step_name: str, code: str) -> bool:
    """Tell whether the host was not asked to let go of the machine, or refused to."""
    return step_name == HOLD.name or (step_name == leaving.REMOVED.name and code == "rejected")


def resume_at(job: Any) -> str | None:
    """Hold quota again that was given back; else as other deployments."""
    code = (job.fault or {}).get("code", "")
    return HOLD.name if _is_untouched(job.step, code) else deploy.resume_at(job)


HOLD = step("ensure_held", "Check limits", ensure_held, local=True, share=5)
_SWAP = step("ensure_swapped", "Release the old disks", ensure_swapped, local=True, share=5)


def _recipe(name: str, *steps: Step) -> Recipe:
    recipe = Recipe(
        name,
        "Rebuild virtual machine",
        (
            HOLD,
            *leaving.STEPS,
            _SWAP,
            *deploy.LANDING,
            MEDIA,
            deploy.START,
            deploy.SET_UP,
            *steps,
            deploy.FINISH,
        ),
        failed=failed,
        cancelled=cancelled,
        # Once its host was asked there is no way back.
        cancel_before=HOLD.name,
    )
    return slots.heavy(recipe, placed_by=deploy.PLACE.name)


REBUILD = _recipe("rebuild")
REBUILD_STOPPED = _recipe("rebuild_stopped", deploy.STOP)
NAMES = frozenset({REBUILD.name, REBUILD_STOPPED.name})

WORKS = tuple(
    Work(
        recipe,
        "Update-SCVirtualMachine",
        any_of=roles.DEPLOY,
        busy=MachineStatus.UNDER_UPDATE,
        resume_at=resume_at,
    )
    for recipe in (REBUILD, REBUILD_STOPPED)
)
