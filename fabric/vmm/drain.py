"""Empty a host: no more machines come to it, and those it has are moved away, one job each.

A drain is a state, not a job: as long as it is on, a move is begun for every machine left without
one. A machine whose moves failed too often in a row is left, with the reason.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from fabric.durable.states import LIVE, JobState
from fabric.vmm import roles
from fabric.vmm.actions import held, jobs, moves
from fabric.vmm.errors import NotFound, VMMError, WrongState
from fabric.vmm.jobs.move import MOVE
from fabric.vmm.models import Host, Job, VirtualMachine
from fabric.vmm.roles import Caller

MOST_FAILURES = 3


@dataclass(frozen=True)
class Stuck:
    """A machine that a drain cannot move, and why."""

    machine_id: UUID
    name: str
    reason: str
    tries: int


@dataclass(frozen=True)
class Progress:
    """How far a drain has come: machines in all, gone, on their way, in line, and stuck."""

    total: int
    done: int
    moving: int
    waiting: int
    failed: tuple[Stuck, ...]

    @property
    def left(self) -> int:
        """Return how many machines the host still has."""
        return self.total - self.done


def start(caller: Caller, host: Host) -> Host:
    """Take a host out of placement and begin to move its machines away; again: begin anew."""
    with transaction.atomic():
        row = _lock(caller, host)
        row.is_in_maintenance = True
        row.drain_total = VirtualMachine.objects.filter(host=row).count()
        row.save(update_fields=["is_in_maintenance", "drain_total"])
        Host.objects.filter(pk=row.pk).update(drain_started_at=Now())
    _move_away(row.pk, caller.principal)
    row.refresh_from_db()
    return row


def stop(caller: Caller, host: Host) -> Host:
    """Begin no more moves, and take those back that wait in line; the host stays in maintenance."""
    with transaction.atomic():
        row = _lock(caller, host)
        row.drain_started_at, row.drain_total = None, 0
        row.save(update_fields=["drain_started_at", "drain_total"])
    for job in _moves(_on(row.pk), LIVE):
        if MOVE.cancellable_at(job.step):
            try:
                jobs.cancel(caller, job)
            except (NotFound, WrongState):
                continue
    return row


def go_on() -> int:
    """Begin a move for every machine that a drain left without one; return how many."""
    draining = Host.objects.filter(drain_started_at__isnull=False)
    # Whoever ended the maintenance wants its machines to stay.
    draining.filter(is_in_maintenance=False).update(drain_started_at=None, drain_total=0)
    return sum(_move_away(pk) for pk in draining.values_list("pk", flat=True))


def progress(host: Host) -> Progress:
    """Return how far the drain of a host has come. Three queries."""
    left = list(VirtualMachine.objects.filter(host=host).order_by("name"))
    live = {job.subject: job for job in _moves((machine.pk for machine in left), LIVE)}
    failures = _failures(host, left)
    stuck = []
    for machine in left:
        if machine.pk in live:
            continue
        machine.host = host
        failed = failures.get(machine.pk, [])
        reason = moves.obstacle(machine) or (failed[0].message if failed else "")
        if reason:
            stuck.append(Stuck(machine.pk, machine.name, reason, len(failed)))
    waiting = sum(1 for job in live.values() if MOVE.cancellable_at(job.step))
    total = max(host.drain_total, len(left))
    return Progress(total, total - len(left), len(live) - waiting, waiting, tuple(stuck))


def _move_away(host_id: UUID, principal: str = "") -> int:
    host = Host.objects.get(pk=host_id)
    machines = list(VirtualMachine.objects.filter(host=host).order_by("-memory_mb", "name"))
    live = set(
        Job.objects.filter(subject__in=[m.pk for m in machines], state__in=LIVE).values_list(
            "subject", flat=True
        )
    )
    failures = _failures(host, machines)
    caller = Caller(is_administrator=True, principal=principal or "drain")
    begun = 0
    for machine in machines:
        may_try = len(failures.get(machine.pk, ())) < MOST_FAILURES
        if machine.pk not in live and may_try:
            begun += _begin(caller, machine, host)
    return begun


@transaction.atomic
def _begin(caller: Caller, machine: VirtualMachine, host: Host) -> bool:
    """Begin the move of one machine, unless something came between."""
    try:
        row = held.held(caller, machine)
        held.require_idle(row)
    except VMMError:
        return False
    if row.host_id != host.pk or moves.obstacle(row):
        return False
    moves.begin(caller, row)
    return True


def _failures(host: Host, machines: Iterable[VirtualMachine]) -> dict[UUID, list[Job]]:
    """Return the moves that failed in a row since the drain began, the latest first."""
    if host.drain_started_at is None:
        return {}
    since = Job.objects.filter(
        subject__in=[machine.pk for machine in machines],
        recipe=MOVE.name,
        created_at__gte=host.drain_started_at,
    )
    found: dict[UUID, list[Job]] = defaultdict(list)
    ended: set[UUID] = set()
    for job in since.order_by("-created_at"):
        if job.state != JobState.FAILED:
            ended.add(job.subject)
        elif job.subject not in ended:
            found[job.subject].append(job)
    return found


def _moves(subjects: Iterable[UUID], states: Iterable[str]) -> list[Job]:
    return list(
        Job.objects.filter(subject__in=list(subjects), recipe=MOVE.name, state__in=list(states))
    )


def _on(host_id: UUID) -> list[UUID]:
    return list(VirtualMachine.objects.filter(host=host_id).values_list("pk", flat=True))


def _lock(caller: Caller, host: Host) -> Host:
    found = Host.objects.select_for_update(no_key=True).filter(pk=host.pk).first()
    if found is None:
        raise NotFound(f"There is no host {host.name}.")
    roles.require_fabric(caller, [found.group_id])
    return found
