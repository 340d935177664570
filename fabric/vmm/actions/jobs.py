"""Jobs: begun by other actions, restarted and cancelled here."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from fabric.durable import engine, sweep
from fabric.durable.nudge import nudge_on_commit
from fabric.durable.recipe import Recipe
from fabric.durable.states import LIVE, JobState
from fabric.vmm import tasks
from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.jobs import RECIPES, WORKS
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller


def begin(
    caller: Caller,
    machine: VirtualMachine,
    recipe: Recipe,
    *,
    inputs: dict[str, Any],
    cmdlet: str = "",
    secrets: dict[str, str] | None = None,
    id: uuid.UUID | None = None,
) -> Job:
    """Start a job on a machine, inside the transaction that holds the machine's row.

    The cmdlet is the recipe's own unless another is given.
    """
    job = engine.start(
        Job,
        recipe,
        subject=machine.pk,
        inputs=inputs,
        secrets=secrets,
        id=id or uuid.uuid4(),
        server_id=machine.server_id,
        role_id=machine.role_id,
        owner_name=caller.principal or machine.owner_name,
        host_id=machine.host_id,
        template_id=machine.template_id,
        cmdlet=cmdlet or WORKS[recipe.name].cmdlet,
        target_name=machine.name,
    )
    nudge_on_commit(tasks.begin)
    return job


def live_job(machine: VirtualMachine) -> Job | None:
    """Return the job that works on a machine now."""
    return Job.objects.filter(subject=machine.pk, state__in=LIVE).first()


@transaction.atomic
def restart(caller: Caller, job: Job) -> Job:
    """Resume the job that a machine failed in last, from the step it failed in.

    A machine part that was found missing is made again from its disk on.
    """
    machine = _machine_of(caller, job)
    work = WORKS[job.recipe]
    work.require(caller)
    held = Job.objects.get(pk=job.pk)
    if held.state in LIVE:
        return held
    if held.state != JobState.FAILED:
        raise WrongState(f"The job “{held.title}” has not failed: it is {held.state}.")
    if machine.failed_job_id != held.pk:
        raise Conflict("A later job has worked on the machine since.")
    live = live_job(machine)
    if live is not None:
        raise Conflict(f"“{live.title}” is still under way on {machine.name}.")
    refusal = work.refusal(held)
    if refusal:
        raise WrongState(refusal, advice="Ask for it again.")
    recipe = work.recipe
    is_missing = (held.fault or {}).get("code") == "missing"
    names = [step.name for step in recipe.steps]
    back = "ensure_disks" if is_missing and "ensure_disks" in names else None
    sweep.resume(held, recipe, step=back)
    VirtualMachine.objects.filter(pk=machine.pk).update(
        status=work.busy or machine.status,
        deployment_error=None,
        most_recent_job_id=held.pk,
        modified_at=Now(),
    )
    nudge_on_commit(tasks.advance, held.pk)
    held.refresh_from_db()
    return held


@transaction.atomic
def cancel(caller: Caller, job: Job) -> Job:
    """Ask a creation to stop before its next step; what was made stays until removed."""
    _machine_of(caller, job)
    WORKS[job.recipe].require(caller)
    if RECIPES[job.recipe].cancel_before is None:
        raise WrongState(f"The job “{job.title}” cannot be stopped.")
    sweep.request_cancel(job)
    nudge_on_commit(tasks.advance, job.pk)
    job.refresh_from_db()
    return job


def _machine_of(caller: Caller, job: Job) -> VirtualMachine:
    machine = (
        VirtualMachine.objects.select_for_update(no_key=True)
        .visible_to(caller)
        .filter(pk=job.subject)
        .first()
    )
    if machine is None:
        raise NotFound("The virtual machine of this job is not there.")
    return machine
