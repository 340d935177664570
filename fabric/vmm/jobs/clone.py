"""Clone a machine: copies of its disks through the library, deployed as another machine.

`inputs` name the `source` with its host (`source_host`). The source is held while its disks are
copied: busy by its status, and by the clone's job as its latest. With a `checkpoint` the disks are
those of then: the source need not be off, and stands afterwards where it stood (`source_before`).
"""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.durable.states import LIVE
from fabric.vmm import roles, slots
from fabric.vmm.errors import WrongState
from fabric.vmm.jobs import deploy
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver_at, note_of, source_stood
from fabric.vmm.jobs.images import ensure_made
from fabric.vmm.jobs.store import DROP, forget_copies
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import Checkpoint, Job, VirtualMachine
from fabric.vmm.states import SETTLED, MachineStatus


def ensure_source_held(turn: Turn) -> None:
    """See that nobody starts, changes or removes the source meanwhile."""
    if turn.memo.get("copied"):
        return
    source = (
        VirtualMachine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("host", "role")
        .filter(pk=turn.job.inputs["source"])
        .first()
    )
    if source is None:
        raise WrongState("The machine to clone is there no more.", advice="Remove the clone.")
    is_held = (source.status, source.most_recent_job_id) == (
        MachineStatus.UNDER_UPDATE,
        turn.job.pk,
    )
    if is_held:
        return
    clone = VirtualMachine.objects.select_related("role").get(pk=turn.job.subject)
    if _tenant(clone) != _tenant(source):
        # What is on its disks by now is for its new owner to give away.
        raise WrongState(
            "The machine to clone belongs to somebody else by now.", advice="Remove the clone."
        )
    _require_ready(turn, source)
    turn.memo["source_before"] = source.status
    if source.host is not None:
        # It may have been moved since it was held first.
        turn.memo["source_host"] = note_of(source.host)
    hold(source, turn.job.pk)


def _tenant(machine: VirtualMachine) -> UUID | None:
    return machine.role.tenant_id if machine.role is not None else None


def _require_ready(turn: Turn, source: VirtualMachine) -> None:
    is_busy = Job.objects.filter(subject=source.pk, state__in=LIVE).exists()
    checkpoint = turn.job.inputs.get("checkpoint")
    if checkpoint is None:
        if is_busy or source.status != MachineStatus.POWER_OFF:
            raise WrongState(
                f"The machine to clone, {source.name}, is {source.status_string} and must be off.",
                advice="Stop it, then resume.",
            )
        return
    if not Checkpoint.objects.filter(pk=checkpoint, machine=source.pk, is_complete=True).exists():
        raise WrongState(
            f"The machine {source.name} has no such checkpoint any more.",
            advice="Remove the new machine.",
        )
    if is_busy or source.status not in SETTLED:
        raise WrongState(
            f"The machine {source.name} is {source.status_string}: its checkpoint cannot be "
            "copied now.",
            advice="Resume when nothing is at work on it.",
        )


def hold(source: VirtualMachine, job_id: Any) -> None:
    """Make a machine busy with its own clone; its row is locked."""
    VirtualMachine.objects.filter(pk=source.pk).update(
        status=MachineStatus.UNDER_UPDATE, most_recent_job_id=job_id
    )


def ensure_copied(turn: Turn) -> Again | None:
    """Have the source's host copy its disks into the library, and prove the copies."""
    if turn.memo.get("copied"):
        return None
    inputs = turn.job.inputs
    host = driver_at(turn, turn.memo.get("source_host") or inputs["source_host"])
    if "checkpoint" not in inputs:
        return ensure_made(host, inputs["copies"])
    then = UUID(inputs["source"]), UUID(inputs["checkpoint"])
    return ensure_made(host, inputs["copies"], partial(host.ensure_checkpoint_image, *then))


def ensure_source_free(turn: Turn) -> None:
    """Let go of the source."""
    turn.memo["copied"] = True
    _free(turn)


def _free(turn: Turn) -> None:
    VirtualMachine.objects.filter(
        pk=turn.job.inputs["source"],
        status=MachineStatus.UNDER_UPDATE,
        most_recent_job_id=turn.job.pk,
    ).update(status=source_stood(turn))


def ensure_finished(turn: Turn) -> None:
    """Write what has become of the clone."""
    forget_copies(turn)
    deploy.ensure_finished(turn)


def failed(turn: Turn, fault: Fault) -> None:
    """Let go of the source, and keep the clone with the reason."""
    _free(turn)
    deploy.failed(turn, fault)


def cancelled(turn: Turn) -> None:
    """Let go of the source; what was made of the clone stays until it is removed."""
    _free(turn)
    deploy.cancelled(turn)


def resume_at(job: Any) -> str | None:
    """Begin anew while the copies were not all made, since the source was let go of."""
    if job.step == DROP.name:
        return None
    return deploy.resume_at(job) if job.memo.get("copied") else HOLD.name


HOLD = step("ensure_source_held", "Hold the source", ensure_source_held, local=True, share=5)
_COPY = step("ensure_copied", "Copy the disks of the source", ensure_copied, share=40, limit=14_400)
_FREE = step("ensure_source_free", "Let go of the source", ensure_source_free, local=True, share=5)
_FINISH = step("ensure_finished", "Finish", ensure_finished, local=True, share=5)


def _recipe(name: str, title: str, *steps: Step) -> Recipe:
    recipe = Recipe(
        name,
        title,
        (HOLD, _COPY, _FREE, *deploy.LANDING, *steps, DROP, _FINISH),
        failed=failed,
        cancelled=cancelled,
        cancel_before=deploy.ATTACH.name,
    )
    return slots.heavy(recipe, placed_by=deploy.PLACE.name)


_CLONE = "Clone virtual machine"
_OF_CHECKPOINT = "Create virtual machine from checkpoint"
CLONE = _recipe("clone", _CLONE, deploy.START)
CLONE_OFF = _recipe("clone_off", _CLONE)
OF_CHECKPOINT = _recipe("of_checkpoint", _OF_CHECKPOINT, deploy.START)
OF_CHECKPOINT_OFF = _recipe("of_checkpoint_off", _OF_CHECKPOINT)

WORKS = tuple(
    Work(
        recipe,
        "New-SCVirtualMachine",
        any_of=roles.DEPLOY,
        busy=MachineStatus.UNDER_CREATION,
        resume_at=resume_at,
    )
    for recipe in (CLONE, CLONE_OFF, OF_CHECKPOINT, OF_CHECKPOINT_OFF)
)
