"""Ask a stamp for all jobs we wait for, in one query, and wake those that ended.

One chain of passes runs per stamp: `Stamp.next_watch_at` says when the next one may, so a pass
that comes early (a second message) does nothing. A chain that was lost is found by the sweep.
"""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from celery import signature
from django.db import connection, models
from django.utils import timezone

from fabric import registry
from fabric.durable import nudge
from fabric.durable.states import LIVE
from fabric.jobs import standing
from fabric.models import Job, Machine, Stamp
from fabric.providers.base import Provider, RemoteJob
from fabric.providers.errors import ProviderFault
from fabric.sync import absence, devices, machines

log = logging.getLogger(__name__)
PASS_SECONDS = 10.0
AWAY_SECONDS = 2.0
FIRST_LOOK_SECONDS = 0.1
WATCH = "fabric.tasks.watch"
SOON_SECONDS = 0.35
LOST_AFTER = timedelta(seconds=3)
UNSEEN_FOR = timedelta(seconds=30)
WAITING_STEP = "wait_"


@dataclass(frozen=True)
class Pass:
    """What a pass came to: jobs to call now, and the seconds to the next pass (None: no more)."""

    woken: tuple[uuid.UUID, ...] = ()
    after: float | None = None


def _waiting() -> models.QuerySet[Job]:
    """Return the jobs that wait for the far side; in its other steps a job keeps its own time."""
    return Job.objects.filter(
        state__in=LIVE, remote_ref__isnull=False, step__startswith=WAITING_STEP
    )


def want_look(stamp_id: uuid.UUID) -> None:
    """Have the stamp watched soon, unless a pass comes soon anyway."""
    now = timezone.now()
    passes = Stamp.objects.filter(pk=stamp_id).exclude(
        # The message of one that is due may wait its turn for a while; a lost one is swept up.
        next_watch_at__gt=now - LOST_AFTER,
        next_watch_at__lte=now + timedelta(seconds=SOON_SECONDS),
    )
    if passes.update(next_watch_at=now + timedelta(seconds=FIRST_LOOK_SECONDS)):
        nudge.nudge(signature(WATCH), stamp_id, after=FIRST_LOOK_SECONDS)


def lost() -> list[uuid.UUID]:
    """Return the stamps with waiting jobs that nobody watches any more."""
    return list(
        Stamp.objects.filter(
            next_watch_at__lt=timezone.now() - LOST_AFTER,
            jobs__state__in=LIVE,
            jobs__remote_ref__isnull=False,
            jobs__step__startswith=WAITING_STEP,
        )
        .values_list("pk", flat=True)
        .distinct()
    )


def run(stamp_id: str) -> Pass:
    """Take one pass, unless it is too early for one."""
    now = timezone.now()
    if not Stamp.objects.filter(pk=stamp_id, next_watch_at__lte=now).update(
        next_watch_at=now + timedelta(seconds=PASS_SECONDS)
    ):
        return Pass()
    stamp = Stamp.objects.select_related("provider").get(pk=stamp_id)
    waiting = list(
        _waiting()
        .filter(stamp_id=stamp_id)
        .only("id", "remote_ref", "remote", "machine_id", "due_at", "started_at")
    )
    result = Pass()
    if waiting:
        try:
            with absence.watching(stamp):
                result = Pass(_look(stamp, waiting), _pace(waiting, now))
        except absence.Away as away:
            result = Pass((), min(away.retry_after or AWAY_SECONDS, PASS_SECONDS))
        except ProviderFault as fault:
            log.warning("watching %s: %s", stamp.friendly_name, fault.message)
            result = Pass((), AWAY_SECONDS)
    _release(stamp_id, result.after)
    return result


def _look(stamp: Stamp, waiting: list[Job]) -> tuple[uuid.UUID, ...]:
    provider = registry.provider_for(stamp.provider)
    asked = [job for job in waiting if not job.remote.get("completed")]
    told = {
        job.id: job
        for job in (provider.jobs(stamp.pk, [job.remote_ref for job in asked]) if asked else ())
    }
    news, now = [], timezone.now().isoformat()
    for job in asked:
        before, job.remote = job.remote, _describe(told.get(job.remote_ref), job.remote)
        if job.remote.get("completed"):
            # What is read from here on shows what came of it.
            job.remote["seen_at"] = now
        if job.remote != before:
            news.append(job)
    if news:
        _write(news)
    ended = [job for job in waiting if job.remote.get("completed")]
    _read_machines(stamp, provider, ended)
    return _wake(ended)


def _read_machines(stamp: Stamp, provider: Provider, ended: list[Job]) -> None:
    """Read the machines of these jobs, and tell each what state its machine has come to."""
    remote_ids = _remote_ids(ended)
    if not remote_ids:
        return
    seen = machines.refresh(provider, stamp.pk, list(remote_ids.values()))
    devices.refresh_if_told(provider, stamp.pk, list(remote_ids.values()))
    told = [job for job in ended if remote_ids.get(job.machine_id) in seen]
    for job in told:
        job.remote[standing.KEY] = seen[remote_ids[job.machine_id]]
    _write(told)


def _wake(ended: Iterable[Job]) -> tuple[uuid.UUID, ...]:
    """Make due those that sleep, and return them; the others have been woken already."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE fabric_job SET due_at = clock_timestamp(), nudged_at = clock_timestamp()
               WHERE id = ANY(%s) AND state IN ('waiting', 'running') AND remote_ref IS NOT NULL
               AND starts_with(step, %s) AND due_at > clock_timestamp() RETURNING id""",
            [[job.pk for job in ended], WAITING_STEP],
        )
        return tuple(row[0] for row in cursor.fetchall())


def _write(news: list[Job]) -> None:
    """Write what was told of each far-side job, unless the row waits for another one by now."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE fabric_job AS job SET remote = told.remote::jsonb
               FROM unnest(%s::uuid[], %s::uuid[], %s::text[]) AS told (id, ref, remote)
               WHERE job.id = told.id AND job.remote_ref = told.ref""",
            [
                [job.pk for job in news],
                [job.remote_ref for job in news],
                [json.dumps(job.remote) for job in news],
            ],
        )


def _remote_ids(ended: Iterable[Job]) -> dict[uuid.UUID, uuid.UUID]:
    """Return the far side's ids of machines whose job went well; a failure is told by the job."""
    machine_ids = [job.machine_id for job in ended if job.remote.get("succeeded")]
    found = Machine.objects.filter(pk__in=machine_ids, remote_id__isnull=False)
    return dict(found.exclude(state="deleting").values_list("pk", "remote_id"))


def _describe(remote: RemoteJob | None, before: dict) -> dict:
    if remote is None:
        now = timezone.now()
        since = datetime.fromisoformat(before.get("unseen_since", now.isoformat()))
        if now - since < UNSEEN_FOR:
            return {**before, "unseen_since": since.isoformat()}
        # The far side forgot the job; the machine itself tells what became of it.
        return {**before, "completed": True, "succeeded": True, "status": "Forgotten"}
    return {
        "status": remote.status,
        "completed": remote.completed,
        "succeeded": remote.succeeded,
        "percent": remote.percent,
        "problem": remote.problem,
        "advice": remote.advice,
        "steps": [
            {
                "title": step.title,
                "state": step.state,
                "percent": step.percent,
                "started_at": step.started_at.isoformat() if step.started_at else None,
                "ended_at": step.ended_at.isoformat() if step.ended_at else None,
            }
            for step in remote.steps
        ],
    }


def _pace(waiting: list[Job], now: datetime) -> float:
    """Look often at young jobs, seldom at old ones, and less often the more there are."""
    youngest = max((job.started_at for job in waiting if job.started_at), default=now)
    age = (now - youngest).total_seconds()
    base = 0.1 if age < 2 else 0.3 if age < 15 else 1.0 if age < 120 else 2.0
    return base + 0.004 * len(waiting)


def _release(stamp_id: str, after: float | None) -> None:
    now = timezone.now()
    # Where no pass follows, the next one wanted must not think that a message is on its way.
    next_at = now - 2 * LOST_AFTER if after is None else now + timedelta(seconds=after * 0.9)
    Stamp.objects.filter(pk=stamp_id).update(next_watch_at=next_at)
