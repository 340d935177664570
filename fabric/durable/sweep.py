"""Find jobs whose nudge was lost, whose lease ran out, or whose time has come; stop and resume."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from fabric.durable.models import JobRow
from fabric.durable.recipe import Recipe
from fabric.durable.states import FINAL, LIVE, JobState, StepState

BATCH = 500


@dataclass(frozen=True)
class Overdue:
    """Jobs that nobody is coming for: those to go on with, and how many wait to be begun."""

    begun: tuple[uuid.UUID, ...] = ()
    waiting: int = 0


def overdue(model: type[JobRow]) -> Overdue:
    """Return, and mark as nudged, the jobs that nobody is coming for."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE {table} SET nudged_at = clock_timestamp() WHERE id IN (
                SELECT id FROM {table}
                WHERE state IN (%s, %s) AND due_at <= clock_timestamp()
                AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
                AND (nudged_at < due_at
                     OR nudged_at < clock_timestamp() - make_interval(secs => %s))
                ORDER BY due_at LIMIT %s FOR UPDATE SKIP LOCKED)
                RETURNING id, started_at IS NOT NULL""",  # noqa: S608 - the only variable is our own table's name
            [*LIVE, settings.JOB_NUDGE_GRACE_SECONDS, BATCH],
        )
        rows = cursor.fetchall()
    begun = tuple(id for id, is_begun in rows if is_begun)
    return Overdue(begun, len(rows) - len(begun))


def resume(job: Any, recipe: Recipe, *, step: str | None = None) -> bool:
    """Put a failed job before the step it failed in (or `step`); False if it was not failed."""
    steps = [dict(entry) for entry in job.steps]
    first = recipe.index(step or job.step)
    for entry in steps[first:]:
        entry["state"] = StepState.PENDING
        for key in ("started_at", "ended_at", "percent", "message"):
            entry.pop(key, None)
    changed = (
        type(job)
        ._default_manager.filter(pk=job.pk, state=JobState.FAILED)
        .update(
            state=JobState.WAITING,
            step=recipe.steps[first].name,
            steps=steps,
            memo={**job.memo, "resumed": True},
            attempt=0,
            fault=None,
            message="",
            ended_at=None,
            cancel_requested_at=None,
            claimed_until=None,
            due_at=Now(),
            nudged_at=Now(),
        )
    )
    return bool(changed)


def take_out(job: Any) -> bool:
    """End a job that nobody has begun; False if somebody has, or it has ended."""
    changed = (
        type(job)
        ._default_manager.filter(pk=job.pk, state=JobState.WAITING, started_at=None)
        .update(state=JobState.CANCELLED, ended_at=Now(), sealed="", cancel_requested_at=Now())
    )
    return bool(changed)


def request_cancel(job: Any) -> bool:
    """Ask a live job to stop before its next step; False if it has ended."""
    changed = (
        type(job)
        ._default_manager.filter(pk=job.pk, cancel_requested_at=None)
        .exclude(state__in=FINAL)
        .update(cancel_requested_at=Now(), due_at=Now(), nudged_at=Now())
    )
    return bool(changed)
