"""Celery's doors to the service plane. Messages carry ids; unknown arguments are tolerated."""

from __future__ import annotations

import uuid
from typing import Any

from celery import shared_task

from fabric.durable import engine
from fabric.durable import sweep as sweeping
from fabric.durable.nudge import nudge, nudge_again
from fabric.jobs import RECIPES, asking, provision, settling
from fabric.jobs import watch as watching
from fabric.models import Job
from fabric.sync import accounts, stamps


@shared_task
def begin(more: str = "", **_: Any) -> None:
    """Begin the next job in line; with `more`, have the one after it begun as well."""
    job_id, after = engine.begin(Job, RECIPES)
    if job_id is None:
        return
    if more:
        nudge(begin, more)
    nudge_again(advance, job_id, after)


@shared_task
def advance(job_id: str, **_: Any) -> None:
    """Take a job as far as it goes now."""
    nudge_again(advance, job_id, engine.advance(Job, RECIPES, job_id))


@shared_task
def watch(stamp_id: str, **_: Any) -> None:
    """Take one pass over the far side's jobs of a stamp."""
    result = watching.run(stamp_id)
    for job_id in result.woken:
        nudge(advance, job_id)
    if result.after is not None:
        nudge(watch, stamp_id, after=result.after)


@shared_task
def sweep(**_: Any) -> None:
    """Find the jobs and the watches that nobody is coming for."""
    overdue = sweeping.overdue(Job)
    for job_id in overdue.begun:
        nudge(advance, job_id)
    if overdue.waiting:
        nudge(begin, "more")
    for stamp_id in watching.lost():
        nudge(watch, stamp_id)


@shared_task
def sync(**_: Any) -> None:
    """Start a pass over every stamp that is due."""
    for stamp_id in stamps.claim_due():
        nudge(sync_stamp, stamp_id)


@shared_task
def sync_stamp(stamp_id: str, **_: Any) -> None:
    """Read one stamp; what failed only because it was away begins again."""
    if stamps.run(stamp_id):
        for _job_id in provision.retry_after_absence(uuid.UUID(stamp_id)):
            nudge(begin)


@shared_task
def check_account(provider_id: str, **_: Any) -> None:
    """Ask every service of an endpoint what its account may do, and note the answers."""
    accounts.check(provider_id)


@shared_task
def tick(**_: Any) -> None:
    """Run the schedules that are due."""
    asking.act("run_due")()


@shared_task
def leases(**_: Any) -> None:
    """Warn of the ends of machines, and bring them about."""
    asking.act("end_leases")()


@shared_task
def settle(**_: Any) -> None:
    """Read the machines of which nobody knows what came of their change."""
    settling.sweep()
