"""What the page of a job shows: where it stands, what to expect, what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from fabric.abilities import why_not
from fabric.actions import cancelling
from fabric.durable import line
from fabric.durable.states import LIVE, JobState
from fabric.models import Job
from fabric.providers.abilities import JOB_STEPS
from fabric.states import GONE
from portal.templatetags.jobs import job_state, job_title
from portal.tenant_site.expected import expected
from tenants.models import User

DEPLOY = "machine.deploy"
# What the portal notes among the inputs for itself.
OUR_NOTES = ("title", "was", "holding", "wanted", "by")


@dataclass(frozen=True)
class Event:
    """A line of a job's log. `state` is a step's: running (it began), done, failed."""

    at: datetime
    title: str
    state: str
    message: str = ""


def log_of(job: Job) -> list[Event]:
    """Return what happened, the oldest first, as the steps of both sides tell it."""
    events = [*_events(job.steps), *_events(job.remote.get("steps") or ())]
    return sorted(events, key=lambda event: event.at)


def _events(steps: Iterable[dict]) -> Iterable[Event]:
    for step in steps:
        began, ended = (
            parse_datetime(step[name]) if step.get(name) else None
            for name in ("started_at", "ended_at")
        )
        if began:
            yield Event(began, step["title"], "running")
        if ended:
            yield Event(ended, step["title"], step["state"], step.get("message") or "")


def ordered(job: Job) -> list[tuple[str, Any]]:
    """Return what was ordered, in the words of the order; secrets are not among the inputs."""
    return [
        (name, value)
        for name, value in job.inputs.items()
        if name not in OUR_NOTES and value not in (None, "", [], {})
    ]


def work(job: Job, user: User) -> dict[str, Any]:
    """Return what the live part of the page shows, of what it began only what they may see."""
    is_live = job.state in LIVE
    children = job.children.visible_to(user).select_related("machine")
    return {
        "job": job,
        "is_live": is_live,
        "place": line.place(job) if is_live else None,
        "said": in_short(job),
        "expected": expected(job) if is_live else None,
        "no_steps": why_not(job.stamp.provider, JOB_STEPS) if job.stamp else "",
        "can_resume": can_resume(job),
        "can_cancel": is_live and cancelling.why_not(job) is None,
        "can_remove": is_failed_deployment(job),
        "log": log_of(job),
        "children": list(children.order_by("created_at")),
    }


def in_short(job: Job) -> str:
    """Return where the job stands, for who hears the page: the step it is at, or how it ended."""
    steps = [_(step["title"]) for step in job.shown_steps if step["state"] == "running"]
    if job.is_final or not steps:
        return f"{job_title(job)}: {job_state(job)}"
    return ", ".join(steps)


def can_resume(job: Job) -> bool:
    """Tell whether the job may go on from where it failed: it is the last work on its machine."""
    machine = job.machine
    if job.state != JobState.FAILED or machine is None:
        return False
    if machine.is_busy or machine.state in GONE:
        return False
    return not machine.jobs.filter(created_at__gt=job.created_at).exists()


def is_failed_deployment(job: Job) -> bool:
    """Tell whether what the job left of a machine waits to be removed."""
    return (
        job.recipe == DEPLOY
        and job.state == JobState.FAILED
        and job.machine is not None
        and job.machine.state == "failed"
    )
