"""Clone a machine: copies of its disks through the library, deployed as another machine.

`inputs` name the `source` with its host (`source_host`). The source is held while its disks are
copied: busy by its status, and by the clone's job as its latest.
"""

from __future__ import annotations

from typing import Any

from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step, Turn
from fabric.durable.states import LIVE
from fabric.vmm import roles, slots
from fabric.vmm.errors import WrongState
from fabric.vmm.jobs import deploy
from fabric.vmm.jobs.faults import step
from fabric.vmm.jobs.hosts import driver_at
from fabric.vmm.jobs.images import ensure_made
from fabric.vmm.jobs.store import DROP, forget_copies
from fabric.vmm.jobs.work import Work
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.states import MachineStatus


def ensure_source_held(turn: Turn) -> None:
    """See that nobody starts, changes or removes the source meanwhile."""
    if turn.memo.get("copied"):
        return
    source = (
        VirtualMachine.objects.select_for_update(no_key=True)
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
    if not VirtualMachine.objects.filter(pk=turn.job.subject, role=source.role_id).exists():
        # What is on its disks by now is for its new owner to give away.
        raise WrongState(
            "The machine to clone belongs to somebody else by now.", advice="Remove the clone."
        )
    is_busy = Job.objects.filter(subject=source.pk, state__in=LIVE).exists()
    if is_busy or source.status != MachineStatus.POWER_OFF:
        raise WrongState(
            f"The machine to clone, {source.name}, is {source.status_string} and must be off.",
            advice="Stop it, then resume.",
        )
    hold(source, turn.job.pk)


def hold(source: VirtualMachine, job_id: Any) -> None:
    """Make a machine busy with its own clone; its row is locked."""
    VirtualMachine.objects.filter(pk=source.pk).update(
        status=MachineStatus.UNDER_UPDATE, most_recent_job_id=job_id
    )


def ensure_copied(turn: Turn) -> Again | None:
    """Have the source's host copy its disks into the library, and prove the copies."""
    if turn.memo.get("copied"):
        return None
    return ensure_made(driver_at(turn, turn.job.inputs["source_host"]), turn.job.inputs["copies"])


def ensure_source_free(turn: Turn) -> None:
    """Let go of the source."""
    turn.memo["copied"] = True
    _free(turn)


def _free(turn: Turn) -> None:
    VirtualMachine.objects.filter(
        pk=turn.job.inputs["source"],
        status=MachineStatus.UNDER_UPDATE,
        most_recent_job_id=turn.job.pk,
    ).update(status=MachineStatus.POWER_OFF)


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


def _recipe(name: str, *steps: Step) -> Recipe:
    recipe = Recipe(
        name,
        "Clone virtual machine",
        (HOLD, _COPY, _FREE, *deploy.LANDING, *steps, DROP, _FINISH),
        failed=failed,
        cancelled=cancelled,
        cancel_before=deploy.ATTACH.name,
    )
    return slots.heavy(recipe, placed_by=deploy.PLACE.name)


CLONE = _recipe("clone", deploy.START)
CLONE_OFF = _recipe("clone_off")

WORKS = tuple(
    Work(
        recipe,
        "New-SCVirtualMachine",
        any_of=roles.DEPLOY,
        busy=MachineStatus.UNDER_CREATION,
        resume_at=resume_at,
    )
    for recipe in (CLONE, CLONE_OFF)
)
