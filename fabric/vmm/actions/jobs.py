"""Jobs: begun by other actions, restarted and cancelled here."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from fabric.durable import engine, sweep
from fabric.durable.recipe import Recipe
from fabric.durable.states import LIVE, JobState
from fabric.vmm import wake
from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.jobs import WORKS
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import MachineStatus

# No recipe: what was done at once and is only written down.
RECORD = "record"


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

    The cmdlet is the recipe's own unless another is given. IntegrityError when the caller's request
    has begun a job before.
    """
    work = WORKS[recipe.name]
    job = engine.start(
        Job,
        recipe,
        subject=machine.pk,
        inputs=inputs,
        secrets=secrets,
        id=id or uuid.uuid4(),
        server_id=machine.server_id,
        role=machine.role,
        owner_name=caller.principal or machine.owner_name,
        host_id=machine.host_id,
        template_id=machine.template_id if work.timed else None,
        cmdlet=cmdlet or work.cmdlet,
        target_name=machine.name,
        request_key=caller.request_key or None,
    )
    wake.begin_on_commit()
    return job


def record(
    caller: Caller, *, server_id: uuid.UUID, cmdlet: str, title: str, thing: Model, kind: str = ""
) -> Job:
    """Write down what was done at once, in its transaction, as a job that has succeeded."""
    role, done = caller.tenant_role, timezone.now()
    job: Job = Job.objects.create(
        server_id=server_id,
        role=role,
        lane=Job(role=role).own_lane(),
        recipe=RECORD,
        title=title,
        subject=thing.pk,
        state=JobState.SUCCEEDED,
        percent=100,
        started_at=done,
        ended_at=done,
        owner_name=caller.principal,
        cmdlet=cmdlet,
        target_type=kind or type(thing).__name__,
        target_name=str(thing)[:255],
        request_key=caller.request_key or None,
    )
    return job


def live_job(machine: VirtualMachine) -> Job | None:
    """Return the job that works on a machine now, or holds it: a clone's holds its source."""
    live = Job.objects.filter(state__in=LIVE)
    found: Job | None = live.filter(subject=machine.pk).first()
    if found is None and machine.status == MachineStatus.UNDER_UPDATE:
        found = live.filter(pk=machine.most_recent_job_id).first()
    return found


@transaction.atomic
def restart(caller: Caller, job: Job) -> Job:
    """Resume the job that a machine failed in last, from the step it failed in.

    A machine part that was found missing is made again from its disk on.
    """
    _require_work(job)
    machine = _machine_of(caller, job)
    work = WORKS[job.recipe]
    work.require(caller, machine)
    held = Job.objects.get(pk=job.pk)
    if held.state in LIVE:
        return held
    if held.state != JobState.FAILED:
        raise WrongState(f"The job “{held.title}” has not failed: it is {held.state}.")
    _require_latest(machine, held)
    refusal = work.refusal(held)
    if refusal:
        raise WrongState(refusal, advice="Ask for it again.")
    sweep.resume(held, work.recipe, step=work.resume_at(held))
    if machine is not None:
        # It works for whom the machine belongs to by now, and is theirs alone to see.
        Job.objects.filter(pk=held.pk).update(
            role=machine.role_id, lane=Job(role=machine.role).own_lane()
        )
        VirtualMachine.objects.filter(pk=machine.pk).update(
            status=work.busy or machine.status,
            deployment_error=None,
            most_recent_job_id=held.pk,
        )
    wake.advance_on_commit(held.pk)
    held.refresh_from_db()
    return held


@transaction.atomic
def cancel(caller: Caller, job: Job) -> Job:
    """Ask a job to stop before its next step, where that leaves things as they are on record.

    What a creation made stays until it is removed. WrongState when it cannot be stopped, or not
    any more.
    """
    _require_work(job)
    machine = _machine_of(caller, job)
    work = WORKS[job.recipe]
    work.require(caller, machine)
    now = Job.objects.get(pk=job.pk)
    if work.recipe.cancel_before is None:
        raise WrongState(f"The job “{job.title}” cannot be stopped.")
    if now.state in LIVE and not work.recipe.cancellable_at(now.step):
        raise WrongState(f"The job “{job.title}” cannot be stopped any more.")
    sweep.request_cancel(job)
    wake.advance_on_commit(job.pk)
    job.refresh_from_db()
    return job


def _require_work(job: Job) -> None:
    if job.recipe == RECORD:
        raise WrongState(f"The job “{job.title}” was done at once: there is nothing to do again.")


def _require_latest(machine: VirtualMachine | None, job: Job) -> None:
    """Raise Conflict when something else has worked on the job's subject since, or does now."""
    if machine is not None:
        live = live_job(machine)
    else:
        live = Job.objects.filter(subject=job.subject, state__in=LIVE).first()
    if live is not None:
        raise Conflict(f"“{live.title}” is still under way on {job.target_name}.")
    if machine is not None and machine.failed_job_id != job.pk:
        raise Conflict("A later job has worked on the machine since.")


def _machine_of(caller: Caller, job: Job) -> VirtualMachine | None:
    """Return the job's machine, locked; None when it works on none. NotFound when it is gone."""
    machine = (
        VirtualMachine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("role")
        .visible_to(caller)
        .filter(pk=job.subject)
        .first()
    )
    if machine is None and not WORKS[job.recipe].of_fabric:
        raise NotFound("The virtual machine of this job is not there.")
    return machine
