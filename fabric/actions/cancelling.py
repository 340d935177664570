"""Take work out of the line that has not begun. What has begun goes on to its end."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric import access
from fabric.durable import sweep
from fabric.errors import NotPossible
from fabric.jobs import leave
from fabric.jobs.change import CHANGE, names_before
from fabric.jobs.copy import COPY
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.group import GROUP_RUN
from fabric.jobs.operate import OPERATE
from fabric.jobs.rebuild import REBUILD
from fabric.jobs.remove import REMOVE
from fabric.jobs.rescue import RESCUE
from fabric.jobs.restart import RESTART
from fabric.models import Job, Machine
from fabric.states import MachineState
from plans.actions import quota
from tenants.actions import operations
from tenants.models import User
from tenants.rights import Right

MAKES = (DEPLOY.name, COPY.name)
CHANGES = tuple(recipe.name for recipe in (CHANGE, OPERATE, REBUILD, REMOVE, RESCUE, RESTART))
CANCELLABLE = (*MAKES, *CHANGES, GROUP_RUN.name)
TOLD = gettext_noop("Cancelled before it began.")


def why_not(job: Job) -> str | None:
    """Return why a job cannot be cancelled, None while it can."""
    if job.is_final:
        return _("It has ended already.")
    if job.recipe not in CANCELLABLE or job.started_at is not None:
        return _("It has begun: it goes on to its end.")
    if job.recipe == REMOVE.name and job.parent_id and leave.is_under_way(job.subscription_id):
        return _("It is being deleted, as its whole subscription is.")
    return None


@transaction.atomic
def cancel(*, by: User, job: Job) -> None:
    """Cancel a job nobody has begun: nothing was asked of the cloud, so nothing is left of it.

    Whoever asked for it may, and who may configure machines; an API key only with that scope.
    Locks the machine.
    """
    machine = None
    if job.machine_id:
        machine = Machine.objects.select_for_update(of=("self",)).get(pk=job.machine_id)
    if by.key is not None or by.email != job.actor_email:
        access.require_member(by, job.subscription, Right.AUTHOR)
    job.refresh_from_db()
    reason = why_not(job)
    if reason or not sweep.take_out(job):
        raise NotPossible(reason or _("It has begun: it goes on to its end."))
    if machine is not None:
        _put_back(job, machine)
    operations.failed(job.operation_id, TOLD)


def _put_back(job: Job, machine: Machine) -> None:
    if job.recipe in MAKES:
        Machine.objects.filter(pk=machine.pk).update(
            state=MachineState.DELETED, addresses=[], status_text=""
        )
        quota.release_all(machine.pk)
        return
    Machine.objects.filter(pk=machine.pk).update(
        state=job.inputs["was"], status_text="", **names_before(job.inputs, machine)
    )
    if job.inputs.get("holding"):
        quota.release(job.inputs["holding"])
