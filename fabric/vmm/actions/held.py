"""A machine held for an action: its row locked before any other, nothing else at work on it."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

from fabric.durable.recipe import Recipe
from fabric.vmm import roles
from fabric.vmm.actions import jobs
from fabric.vmm.errors import Conflict, NotFound, WrongState
from fabric.vmm.jobs import WORKS
from fabric.vmm.jobs.hosts import note_host
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.roles import Caller
from fabric.vmm.states import SETTLED as SETTLED


def held(caller: Caller, machine: VirtualMachine) -> VirtualMachine:
    """Return the machine with its row locked; NotFound when it is gone or not the caller's."""
    found = (
        VirtualMachine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("host", "role")
        .filter(pk=machine.pk)
        .first()
    )
    if found is None:
        raise NotFound(f"There is no virtual machine {machine.pk}.")
    roles.require_own(caller, found)
    return found


def require_idle(machine: VirtualMachine, live: Job | None = None) -> None:
    """Raise Conflict when a job works on the machine now."""
    live = live or jobs.live_job(machine)
    if live is not None:
        raise Conflict(
            f"“{live.title}” is still under way on {machine.name}.",
            advice="Wait until it has ended.",
        )


def require_status(
    machine: VirtualMachine, allowed: Collection[str], what: str, *, advice: str = ""
) -> None:
    """Raise WrongState, naming both, unless the machine is on a host and stands in one of these."""
    if machine.status not in allowed or machine.host_id is None:
        raise WrongState(
            f"The machine {machine.name} is {machine.status_string}: {what}.", advice=advice
        )


def begin(
    caller: Caller,
    machine: VirtualMachine,
    recipe: Recipe,
    *,
    inputs: dict[str, Any],
    cmdlet: str = "",
    secrets: dict[str, str] | None = None,
    id: uuid.UUID | None = None,
    **changes: Any,
) -> Job:
    """Start a job on a held machine and write what changes on its row meanwhile."""
    job = jobs.begin(caller, machine, recipe, cmdlet=cmdlet, inputs=inputs, secrets=secrets, id=id)
    VirtualMachine.objects.filter(pk=machine.pk).update(**changes, most_recent_job_id=job.pk)
    return job


def begin_change(caller: Caller, machine: VirtualMachine, recipe: Recipe, **inputs: Any) -> Job:
    """Start a job on a held machine that is well, and that it leaves as it stands."""
    notes: dict[str, Any] = {"before": machine.status, **inputs}
    note_host(notes, machine.host)
    busy = WORKS[recipe.name].busy
    return begin(caller, machine, recipe, inputs=notes, status=busy or machine.status)
