"""Celery's doors. Messages carry ids only; the rows decide."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from fabric.durable import engine, nudge
from fabric.durable import sweep as durable_sweep
from fabric.vmm import drain, drift, healing, metering, performance
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Job


@shared_task(name="fabric.vmm.tasks.begin")
def begin(more: str = "", **_: object) -> None:
    """Begin the next job in line; with `more`, have the one after it begun as well."""
    job_id, after = engine.begin(Job, RECIPES)
    if job_id is None:
        return
    if more:
        nudge.nudge(begin, more)
    nudge.nudge_again(advance, job_id, after)


@shared_task(name="fabric.vmm.tasks.advance")
def advance(job_id: str, **_: object) -> None:
    """Take the steps of a job that can be taken now."""
    after = engine.advance(Job, RECIPES, job_id)
    nudge.nudge_again(advance, job_id, after)


@shared_task(name="fabric.vmm.tasks.sweep")
def sweep(**_: object) -> None:
    """Wake the jobs that nobody is coming for."""
    overdue = durable_sweep.overdue(Job)
    for job_id in overdue.begun:
        nudge.nudge(advance, job_id)
    if overdue.waiting:
        nudge.nudge(begin, "more")


@shared_task(name="fabric.vmm.tasks.sample")
def sample(**_: object) -> None:
    """Read the load of all guests, see which silent hosts answer again, and go on with drains."""
    performance.sample(timezone.now())
    healing.heal()
    drain.go_on()


@shared_task(name="fabric.vmm.tasks.compare")
def compare(**_: object) -> None:
    """Lay our books beside what the hosts have."""
    drift.sweep()


@shared_task(name="fabric.vmm.tasks.meter")
def meter(**_: object) -> None:
    """Write down what was used in the hours that are over."""
    metering.meter(metering.clock())
