"""Repair machines whose last job failed: go on with it, undo it, or let it be."""

from __future__ import annotations

from typing import Any

from fabric.durable.recipe import Recipe
from fabric.vmm import roles
from fabric.vmm.actions import held, jobs
from fabric.vmm.errors import Invalid, WrongState
from fabric.vmm.jobs import WORKS
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller


def failed_job(machine: VirtualMachine) -> Job | None:
    """Return the job that a machine failed in last and was not repaired since."""
    if machine.failed_job_id is None:
        return None
    job: Job | None = Job.objects.filter(pk=machine.failed_job_id).first()
    return job


def require_one(*, retry: bool, undo: bool, dismiss: bool) -> None:
    """Raise Invalid unless exactly one way of repairing is asked for."""
    if [retry, undo, dismiss].count(True) != 1:
        raise Invalid("Repair takes exactly one of Retry, Undo and Dismiss.")


def retry(caller: Caller, machine: VirtualMachine) -> Job:
    """Resume the failed job of a held machine."""
    return jobs.restart(caller, _failed(machine))


def undo(caller: Caller, machine: VirtualMachine) -> Job:
    """Undo what the failed job of a held machine did; a creation is undone by removing it."""
    job = _failed(machine)
    work = WORKS[job.recipe]
    if work.undo is None or work.refusal(job):
        raise WrongState(
            work.refusal(job) or f"“{job.title}” cannot be undone.",
            advice="Resume it, or remove the machine.",
        )
    return _begin(caller, machine, job, work.undo)


def dismiss(caller: Caller, machine: VirtualMachine) -> Job | None:
    """Let the failed job of a held machine be; None when reading the machine again is enough."""
    job = failed_job(machine)
    settling = WORKS[job.recipe].dismiss if job is not None else None
    if job is None or settling is None:
        return None
    return _begin(caller, machine, job, settling)


def _begin(caller: Caller, machine: VirtualMachine, job: Job, recipe: Recipe) -> Job:
    held.require_idle(machine)
    roles.require_any(caller, *roles.CHANGE, clouds=[machine.cloud_id])
    inputs: dict[str, Any] = {**WORKS[job.recipe].undoing(job), "before": machine.status}
    busy = WORKS[recipe.name].busy
    return held.begin(caller, machine, recipe, inputs=inputs, status=busy or machine.status)


def _failed(machine: VirtualMachine) -> Job:
    job = failed_job(machine)
    if job is None:
        raise WrongState(f"The machine {machine.name} has no failed job to repair.")
    return job
