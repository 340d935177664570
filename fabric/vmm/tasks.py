"""Celery's doors. Messages carry ids only; the rows decide."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from fabric.durable import engine, nudge
from fabric.durable import sweep as durable_sweep
from fabric.vmm import healing, performance
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Job


@shared_task(name="fabric.vmm.tasks.advance")
def advance(job_id: str, **_: object) -> None:
    """Take the steps of a job that can be taken now."""
    after = engine.advance(Job, RECIPES, job_id)
    nudge.nudge_again(advance, job_id, after)


@shared_task(name="fabric.vmm.tasks.sweep")
def sweep(**_: object) -> None:
    """Wake the jobs that nobody is coming for."""
    for job_id in durable_sweep.overdue(Job):
        nudge.nudge(advance, job_id)


@shared_task(name="fabric.vmm.tasks.sample")
def sample(**_: object) -> None:
    """Read the load of all guests, and see which silent hosts answer again."""
    performance.sample(timezone.now())
    healing.heal()
