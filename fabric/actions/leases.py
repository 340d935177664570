"""The ends of machines: warn three days and one day before, then turn them off or delete them.

What was done is written with the job that does it, so that nothing is done twice; whoever runs
this, and however often.
"""

from __future__ import annotations

import logging
import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from fabric.actions import held, machines, power
from fabric.models import EndAction, Machine
from fabric.states import GONE, MachineState, Verb
from tenants.errors import Refused

log = logging.getLogger(__name__)
WARNINGS = (timedelta(days=3), timedelta(days=1))
AT_ONCE = 500
_ON = (MachineState.RUNNING, MachineState.PAUSED)
_OFF = (MachineState.STOPPED, MachineState.SAVED, MachineState.STORED)


def run_due() -> None:
    """Warn of the ends that come near, and bring about those that have come."""
    now = timezone.now()
    with_end = Machine.objects.filter(ends_at__isnull=False).exclude(state__in=GONE)
    for pk in _ids(with_end.filter(_due_for_warning(now))):
        _warn(pk)
    for pk in _ids(with_end.filter(ends_at__lte=now)):
        try:
            _end(pk)
        except Refused as refusal:
            # It is busy, or its subscription suspended: asked again next time.
            log.info("machine %s does not end yet: %s", pk, refusal.message)


def _ids(found: QuerySet[Machine]) -> list[uuid.UUID]:
    # In any order: some that cannot end now must not stand before the others for ever.
    return list(found.order_by("?").values_list("pk", flat=True)[:AT_ONCE])


def _due_for_warning(now: datetime) -> Q:
    """Return the condition: an end to come, and no warning since the last moment for one."""
    due = Q()
    for before in WARNINGS:
        unwarned = Q(end_warned_at=None) | Q(end_warned_at__lt=F("ends_at") - before)
        due |= Q(ends_at__lte=now + before) & unwarned
    return due & Q(ends_at__gt=now)


@transaction.atomic
def _warn(pk: uuid.UUID) -> None:
    now = timezone.now()
    machine = held.lock(Machine(pk=pk))
    if not Machine.objects.filter(_due_for_warning(now), pk=pk).exists():
        return
    Machine.objects.filter(pk=pk).update(end_warned_at=now)
    held.done(machine, None, "machine.lease.warn", _told(machine))


@transaction.atomic
def _end(pk: uuid.UUID) -> None:
    """Begin the end of a machine and forget its date, both or neither."""
    machine = held.lock(Machine(pk=pk))
    if machine.ends_at is None or machine.ends_at > timezone.now() or machine.state in GONE:
        return
    if machine.end_action == EndAction.DELETE:
        machines.delete(by=None, machine=machine)
    elif machine.state in _ON:
        granted = machine.subscription.plan.offering.granted
        is_paused = machine.state == MachineState.PAUSED
        verb = Verb.STOP if is_paused or "Stop" in granted else Verb.SHUTDOWN
        power.operate(by=None, machine=machine, verb=verb)
    elif machine.state not in _OFF:
        # It is busy, or may run still for all we know.
        raise Refused(machine.state)
    held.done(machine, None, "machine.lease.end", _told(machine))
    Machine.objects.filter(pk=pk).update(ends_at=None, end_warned_at=None)


def _told(machine: Machine) -> dict[str, str]:
    assert machine.ends_at is not None
    return {"ends_at": machine.ends_at.isoformat(), "end_action": machine.end_action}
