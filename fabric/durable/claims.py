"""Claims of job rows, and the only writer of a claimed one.

A claim is a lease with a fencing token: every write names the token, so a worker that wakes up
late writes nothing.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from psycopg.types.json import Jsonb

from fabric.durable.errors import LostClaim
from fabric.durable.models import JobRow
from fabric.durable.states import JobState

Row = TypeVar("Row", bound=JobRow)


def claim(model: type[Row], job_id: uuid.UUID | str) -> Row | None:
    """Take the lease of a due job; None when it is final, not due, or somebody else's."""
    return _claim(model, "%s", [str(job_id)])


def claim_next(model: type[Row]) -> Row | None:
    """Take the lease of the job whose turn it is to begin; None when none is waiting."""
    table = connection.ops.quote_name(model._meta.db_table)
    chosen = f"""(SELECT id FROM {table} WHERE state = 'waiting' AND started_at IS NULL
        AND due_at <= clock_timestamp()
        ORDER BY turn, created_at LIMIT 1 FOR UPDATE SKIP LOCKED)"""  # noqa: S608
    return _claim(model, chosen, [])


def _claim(model: type[Row], chosen: str, which: list[str]) -> Row | None:
    table = connection.ops.quote_name(model._meta.db_table)
    asked = time.monotonic()
    rows = model._default_manager.raw(
        f"""UPDATE {table} SET claim_token = claim_token + 1, attempt = attempt + 1,
            state = %s, started_at = COALESCE(started_at, clock_timestamp()),
            claimed_until = clock_timestamp() + make_interval(secs => %s)
            WHERE id = {chosen} AND state IN (%s, %s) AND due_at <= clock_timestamp()
            AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
            RETURNING *""",  # noqa: S608 - the only variables are our own
        [
            JobState.RUNNING,
            settings.JOB_LEASE_SECONDS,
            *which,
            JobState.WAITING,
            JobState.RUNNING,
        ],
    )
    job = next(iter(rows), None)
    if job is not None:
        job.held_until = asked + settings.JOB_LEASE_SECONDS
    return job


@dataclass(frozen=True)
class In:
    """A moment so many seconds from now, by the database's clock."""

    seconds: float = 0.0


def write(job: Any, **values: Any) -> None:
    """The only writer of a claimed row. Raises LostClaim when the token is no longer ours.

    Written out, because a job is written more often than anything else.
    """
    sets: list[str] = []
    params: list[Any] = []
    for name, value in values.items():
        if isinstance(value, In):
            sets.append(f"{name} = clock_timestamp() + make_interval(secs => %s)")
            params.append(value.seconds)
        else:
            sets.append(f"{name} = %s")
            params.append(Jsonb(value) if name in ("memo", "steps", "fault") else value)
    table = connection.ops.quote_name(job._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET {', '.join(sets)} WHERE id = %s AND claim_token = %s",  # noqa: S608
            [*params, job.pk, job.claim_token],
        )
        if cursor.rowcount != 1:
            raise LostClaim
    for name, value in values.items():
        if not isinstance(value, In):
            setattr(job, name, value)
