"""Schedules: made, paused, and run when they are due, with the rights of who made them."""

from __future__ import annotations

import datetime as dt
import logging
import uuid
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import DatabaseError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric import crontab
from fabric.actions import groups, ordering, power
from fabric.errors import NotPossible
from fabric.models import Group, Machine, RunOutcome, Schedule, ScheduledAction, ScheduleRun
from fabric.states import GONE, missing_for
from plans.models import Subscription
from tenants import rights
from tenants.actions import operations
from tenants.errors import NotPermitted, Refused
from tenants.models import User
from tenants.rights import Right

log = logging.getLogger(__name__)
LATEST = dt.timedelta(hours=1)
KEPT = dt.timedelta(days=90)
AT_ONCE = 100
# The clock serves everybody in one line: none may fill it.
MOST = 100


@dataclass(frozen=True)
class Target:
    """What a schedule acts on: one of the three."""

    machine: Machine | None = None
    group: Group | None = None
    tag: str = ""


@transaction.atomic
def create(
    *,
    by: User,
    subscription: Subscription,
    name: str,
    action: str,
    target: Target,
    cron: str,
    time_zone: str,
) -> Schedule:
    """Return a new schedule, switched on."""
    rights.require(by, subscription.tenant, Right.SCHEDULES)
    if not subscription.is_active:
        raise NotPossible(_("The subscription is not active."), field="subscription")
    if subscription.schedules.count() >= MOST:
        raise NotPossible(_("At most %(n)d schedules in a subscription.") % {"n": MOST})
    schedule = Schedule(subscription=subscription, created_by=by)
    _describe(schedule, by, name, action, target, cron, time_zone)
    schedule.save(force_insert=True)
    _done(schedule, by, "schedule.create")
    return schedule


@transaction.atomic
def change(
    *,
    by: User,
    schedule: Schedule,
    name: str,
    action: str,
    target: Target,
    cron: str,
    time_zone: str,
) -> None:
    """Change a schedule, which acts with the rights of who changed it from now on."""
    schedule = _locked(schedule, by)
    schedule.created_by = by
    _describe(schedule, by, name, action, target, cron, time_zone)
    if not schedule.is_enabled:
        schedule.next_at = None
    schedule.save()
    _done(schedule, by, "schedule.change")


@transaction.atomic
def pause(*, by: User, schedule: Schedule) -> None:
    """Switch a schedule off. Repeatable."""
    schedule = _locked(schedule, by)
    if schedule.is_enabled:
        Schedule.objects.filter(pk=schedule.pk).update(
            is_enabled=False, next_at=None, off_reason=""
        )
        _done(schedule, by, "schedule.pause")


@transaction.atomic
def resume(*, by: User, schedule: Schedule) -> None:
    """Switch a schedule on; it acts with the rights of who did so. Repeatable."""
    schedule = _locked(schedule, by)
    if schedule.is_enabled:
        return
    _require_action(schedule.subscription, by, schedule.action)
    if not schedule.subscription.is_active:
        raise NotPossible(_("The subscription is not active."))
    if schedule.machine is not None and schedule.machine.state in GONE:
        raise NotPossible(_("The machine is deleted."))
    Schedule.objects.filter(pk=schedule.pk).update(
        is_enabled=True,
        off_reason="",
        created_by=by,
        next_at=crontab.next_run(schedule.cron, schedule.time_zone, timezone.now()),
    )
    _done(schedule, by, "schedule.resume")


@transaction.atomic
def delete(*, by: User, schedule: Schedule) -> None:
    """Delete a schedule and its log of runs."""
    schedule = _locked(schedule, by)
    _done(schedule, by, "schedule.delete")
    schedule.delete()


def run_due(now: dt.datetime | None = None) -> int:
    """Run every schedule whose time has come, each once however many ask; return how many.

    The next time is written in the transaction in which the work is begun.
    """
    moment = now or timezone.now()
    broken: set[uuid.UUID] = set()
    for taken in range(AT_ONCE):
        with transaction.atomic():
            schedule = (
                Schedule.objects.due(moment)
                .exclude(pk__in=broken)
                .select_for_update(of=("self",), skip_locked=True)
                .select_related("subscription__tenant", "machine", "group", "created_by")
                .first()
            )
            if schedule is None:
                return taken - len(broken)
            try:
                with transaction.atomic():
                    _run(schedule, moment)
            except Exception:
                # It is still due; it must not stand before the others.
                log.exception("schedule %s cannot be run", schedule.pk)
                broken.add(schedule.pk)
    return AT_ONCE - len(broken)


@dataclass
class _Told:
    """What became of a run; `off` says why the schedule is switched off."""

    outcome: str = RunOutcome.STARTED
    text: str = ""
    results: list[dict[str, Any]] = field(default_factory=list)
    off: str = ""


def _run(schedule: Schedule, now: dt.datetime) -> None:
    due_at = schedule.next_at
    assert due_at is not None
    following = crontab.next_run(schedule.cron, schedule.time_zone, now)
    if schedule.runs.filter(due_at=due_at).exists():
        # A site whose clock is behind wrote this time anew.
        Schedule.objects.filter(pk=schedule.pk).update(next_at=following)
        return
    if now - due_at > LATEST:
        late = gettext_noop(
            "Nobody was there to run it: the server was down. More than an hour late."
        )
        told = _Told(RunOutcome.SKIPPED, late)
    else:
        told = _acted(schedule)
    if following is None and not told.off:
        told.off = gettext_noop("This never comes again.")
    Schedule.objects.filter(pk=schedule.pk).update(
        last_at=now,
        next_at=None if told.off else following,
        is_enabled=not told.off,
        off_reason=told.off,
    )
    ScheduleRun.objects.create(
        schedule=schedule,
        due_at=due_at,
        outcome=told.outcome,
        text=told.text or told.off,
        results=told.results,
    )
    schedule.runs.filter(due_at__lt=now - KEPT).delete()
    if told.off:
        operation = _log(schedule, None, "schedule.switched_off")
        operations.failed(operation, told.off)


def _acted(schedule: Schedule) -> _Told:
    """Begin the work; what breaks on our side costs this run, not the schedule."""
    try:
        with transaction.atomic():
            return _begin(schedule)
    except Refused as refused:
        return _Told(RunOutcome.REFUSED, refused.message)
    except DatabaseError:
        # Two who waited for each other, a connection that broke: tried again at the next tick.
        raise
    except Exception:
        reference = uuid.uuid4().hex[:8]
        log.exception("schedule %s broke, reference %s", schedule.pk, reference)
        return _Told(RunOutcome.REFUSED, f"Something broke on our side (reference {reference}).")


def _begin(schedule: Schedule) -> _Told:
    person, tenant = schedule.created_by, schedule.subscription.tenant
    if person is None or not person.is_active:
        return _off(gettext_noop("Who made it has no account any more."))
    if Right.SCHEDULES not in rights.rights_of(person, tenant):
        return _off(gettext_noop("Who made it may not plan schedules there any more."))
    if not schedule.subscription.is_active:
        return _Told(RunOutcome.REFUSED, gettext_noop("The subscription is not active."))
    if schedule.group is not None:
        return _begin_group(schedule, person)
    if schedule.machine is not None and schedule.machine.state in GONE:
        return _off(gettext_noop("The machine is deleted."))
    machines = [schedule.machine] if schedule.machine else list(_tagged(schedule, person))
    if not machines:
        return _Told(RunOutcome.SKIPPED, gettext_noop("No machine has this tag."))
    return _begin_machines(schedule, person, machines)


def _begin_group(schedule: Schedule, person: User) -> _Told:
    assert schedule.group is not None
    try:
        job = groups.run(by=person, group=schedule.group, verb=schedule.action)
    except NotPermitted as refused:
        return _off(refused.message)
    result = {"name": schedule.group.name, "job": str(job.pk), "refused": ""}
    return _Told(results=[result])


def _begin_machines(schedule: Schedule, person: User, machines: list[Machine]) -> _Told:
    told, forbidden = _Told(), ""
    # In the order in which everybody locks several.
    for machine in sorted(machines, key=lambda each: each.pk):
        result = {"name": machine.name, "job": "", "refused": ""}
        try:
            with transaction.atomic():
                job = power.operate(by=person, machine=machine, verb=schedule.action)
            result["job"] = str(job.pk)
        except NotPermitted as refused:
            result["refused"] = forbidden = refused.message
        except Refused as refused:
            result["refused"] = refused.message
        told.results.append(result)
    told.results.sort(key=lambda result: result["name"])
    if any(result["job"] for result in told.results):
        return told
    if forbidden and all(result["refused"] == forbidden for result in told.results):
        return _Told(RunOutcome.REFUSED, "", told.results, off=forbidden)
    told.outcome, told.text = RunOutcome.SKIPPED, told.results[0]["refused"]
    return told


def _off(reason: str) -> _Told:
    return _Told(RunOutcome.REFUSED, off=reason)


def _tagged(schedule: Schedule, person: User) -> Any:
    mine = Machine.objects.visible_to(person).filter(subscription=schedule.subscription)
    return mine.filter(tags__contains=[schedule.tag]).order_by("name").distinct()


def _describe(
    schedule: Schedule,
    by: User,
    name: str,
    action: str,
    target: Target,
    cron: str,
    time_zone: str,
) -> None:
    name = name.strip()
    if not 0 < len(name) <= 80 or not name.isprintable():
        raise Refused(_("Between 1 and 80 characters."), field="name")
    if action not in ScheduledAction.values:
        raise Refused(_("Choose what to do."), field="action")
    _require_action(schedule.subscription, by, action)
    if target.group is not None and action not in groups.RIGHT_FOR:
        raise Refused(_("A group is started, shut down or stopped."), field="action")
    if not crontab.is_zone(time_zone):
        raise Refused(_("There is no such time zone."), field="time_zone")
    problem = crontab.problem(cron, time_zone)
    if problem:
        raise Refused(problem, field="cron")
    # In the spelling that machines have theirs in.
    target = replace(target, tag="".join(ordering.tags_of([target.tag], field="tag")))
    _check_target(schedule.subscription, by, target)
    schedule.name, schedule.action = name, action
    schedule.machine, schedule.group, schedule.tag = target.machine, target.group, target.tag
    schedule.cron, schedule.time_zone = " ".join(cron.split()), time_zone
    schedule.next_at = crontab.next_run(cron, time_zone, timezone.now())


def _require_action(subscription: Subscription, by: User, action: str) -> None:
    """Refuse an act that they might not ask for themselves: a schedule knows nothing of the key of
    who made it, and acts with all of their rights."""
    lacking = missing_for(action, rights.rights_of(by, subscription.tenant))
    if lacking:
        raise NotPermitted(
            _("Your role does not allow this: %(right)s.") % {"right": Right(lacking).label},
            field="action",
        )


def _check_target(subscription: Subscription, by: User, target: Target) -> None:
    """Refuse what is not the subscription's, or not for this person to see."""
    chosen = [part for part in (target.machine, target.group, target.tag) if part]
    if len(chosen) != 1:
        raise Refused(_("Choose a machine, a group or a tag."), field="target")
    for part, rows in ((target.machine, Machine.objects), (target.group, Group.objects)):
        if part is None:
            continue
        mine = rows.visible_to(by).filter(subscription=subscription, pk=part.pk)
        if not mine.exists():
            raise NotPermitted(_("Choose one of this subscription's."), field="target")


def _locked(schedule: Schedule, by: User) -> Schedule:
    """Return the schedule, locked, if the person may change it."""
    rights.require(by, schedule.subscription.tenant, Right.SCHEDULES)
    found = (
        Schedule.objects.select_for_update(of=("self",))
        .select_related("subscription__tenant", "machine", "group")
        .filter(pk=schedule.pk)
        .first()
    )
    if found is None:
        raise NotPossible(_("The schedule is gone."))
    return found


def _done(schedule: Schedule, by: User, action: str) -> None:
    operations.succeeded(_log(schedule, by, action))


def _log(schedule: Schedule, by: User | None, action: str) -> uuid.UUID:
    return operations.started(
        action,
        by=by,
        tenant=schedule.subscription.tenant,
        object_type="schedule",
        object_id=schedule.pk,
        object_name=schedule.name,
        parameters={
            "action": schedule.action,
            "cron": schedule.cron,
            "time_zone": schedule.time_zone,
        },
    )
