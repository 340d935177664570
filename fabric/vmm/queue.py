"""The line for slots of hosts: who is in it, who comes first, who is to be woken.

A number in this line is given when a job joins it: behind the last of its lane, and never before
what is being served. A job that is placed waits for its host, the others for any of their cloud.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from celery import current_app
from django.db import connection
from django.db.models import Count, F, Q, QuerySet

from fabric.durable import nudge
from fabric.durable.errors import LostClaim
from fabric.vmm.models import Cloud, Host, HostGroup, Job, VirtualMachine

# The number of one more job of a lane. Takes: server, lane, server, server.
_NEXT = """GREATEST(0,
    (SELECT turn + 1 FROM vmm_job WHERE queued_at IS NOT NULL AND server_id = %s AND lane = %s
     ORDER BY turn DESC LIMIT 1),
    (SELECT max(turn) FROM vmm_job WHERE holds_slot AND server_id = %s),
    (SELECT min(turn) FROM vmm_job WHERE queued_at IS NOT NULL AND server_id = %s))"""


@dataclass(frozen=True)
class View:
    """The line as one job sees it: its number, and by host the free slots and who is before it.

    Those before it that are not placed are under None.
    """

    number: int
    free: Mapping[UUID, int]
    before: Mapping[UUID | None, int]

    def open_on(self, host_id: UUID) -> int:
        """Return how many slots of a host no placed job before this one waits for."""
        return max(0, self.free.get(host_id, 0) - self.before.get(host_id, 0))

    @property
    def is_our_turn(self) -> bool:
        """Tell whether a slot is left once all before this one have taken theirs."""
        return sum(self.open_on(host) for host in self.free) > self.before.get(None, 0)


def exists(server_id: UUID) -> bool:
    """Tell whether anybody is in line. One look at a small index."""
    return _line(server_id).exists()


def look(job: Job, host_id: UUID | None) -> View:
    """Return the line as it is for a job that is in it, or would join it now."""
    hosts = hosts_for(job, host_id)
    free = free_slots(hosts)
    number = job.turn if job.queued_at is not None else _next_number(job)
    rivals = _before(job, number).filter(_may_use(hosts))
    return View(number, free, dict(rivals.values_list("host").annotate(Count("pk"))))


def join(job: Job, host_id: UUID | None) -> None:
    """Put a claimed job in line, for one host or for any."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE vmm_job SET queued_at = clock_timestamp(), host_id = %s, turn = {_NEXT}
                WHERE id = %s AND claim_token = %s RETURNING queued_at, turn""",  # noqa: S608
            [host_id, *_lane(job), job.pk, job.claim_token],
        )
        row = cursor.fetchone()
    if row is None:
        raise LostClaim
    job.queued_at, job.turn = row
    job.host_id = host_id


def place(job: Job) -> int:
    """Return the place in line of a job that is in it, 1 for the first."""
    before = _before(job, job.turn)
    if job.host_id is not None:
        before = before.filter(Q(host=job.host_id) | Q(host=None))
    return before.count() + 1


def hosts_for(job: Job, host_id: UUID | None) -> QuerySet[Host]:
    """Return the host a job waits for, or all that its machine's cloud may use now."""
    if host_id is not None:
        return Host.objects.filter(pk=host_id)
    hosts = Host.objects.filter(server=job.server_id, is_available=True, is_in_maintenance=False)
    cloud = VirtualMachine.objects.filter(pk=job.subject).values_list("cloud", flat=True).first()
    if cloud is None:
        return hosts
    tops = set(
        Cloud.host_groups.through.objects.filter(cloud=cloud).values_list("hostgroup", flat=True)
    )
    parents = _parents(job.server_id)
    return hosts.filter(group__in=[each for each in parents if tops & _upwards(each, parents)])


def free_slots(hosts: QuerySet[Host]) -> dict[UUID, int]:
    """Return the hosts with free slots, and how many."""
    rows = hosts.filter(busy_slots__lt=F("slots"))
    return dict(rows.values_list("pk", F("slots") - F("busy_slots")))


def wake_first(server_id: UUID, host_id: UUID | None) -> None:
    """Wake those first in line for the free slots of a host, or of every host of the server."""
    if not exists(server_id):
        return
    hosts = Host.objects.filter(server=server_id, **({"pk": host_id} if host_id else {}))
    chosen: set[UUID] = set()
    for host, free in free_slots(hosts).items():
        fitting = _line(server_id).filter(_may_use(Host.objects.filter(pk=host)))
        first = fitting.exclude(pk__in=chosen).order_by("turn", "queued_at")[:free]
        chosen.update(first.values_list("pk", flat=True))
    wake(chosen)


def wake(jobs: Collection[UUID]) -> None:
    """Make these jobs due and send their messages; one that is due already has its own."""
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE vmm_job SET due_at = clock_timestamp(), nudged_at = clock_timestamp()
               WHERE id = ANY(%s) AND queued_at IS NOT NULL AND due_at > clock_timestamp()
               RETURNING id""",
            [list(jobs)],
        )
        woken = [row[0] for row in cursor.fetchall()]
    for job_id in woken:
        nudge.nudge(current_app.signature("fabric.vmm.tasks.advance"), job_id)


def _line(server_id: UUID) -> QuerySet[Job]:
    return Job.objects.filter(server=server_id, queued_at__isnull=False)


def _before(job: Job, number: int) -> QuerySet[Job]:
    """Return who comes before a job with this number; equal numbers go by when they came."""
    earlier = Q(turn__lt=number)
    same = Q(turn=number) if job.queued_at is None else Q(turn=number, queued_at__lt=job.queued_at)
    return _line(job.server_id).filter(earlier | same).exclude(pk=job.pk)


def _may_use(hosts: QuerySet[Host]) -> Q:
    """Return a filter for jobs in line that wait for one of these hosts, or could be put there."""
    groups = dict(hosts.values_list("group", "server").distinct())
    parents = {pk: up for server in set(groups.values()) for pk, up in _parents(server).items()}
    above = {up for group in groups for up in _upwards(group, parents)}
    clouds = Cloud.host_groups.through.objects.filter(hostgroup__in=above).values("cloud")
    machines = VirtualMachine.objects.filter(cloud__in=clouds).values("pk")
    return Q(host__in=hosts.values("pk")) | Q(host=None, subject__in=machines)


def _parents(server_id: UUID) -> dict[UUID, UUID | None]:
    return dict(HostGroup.objects.filter(server=server_id).values_list("pk", "parent"))


def _upwards(group: UUID, parents: Mapping[UUID, UUID | None]) -> set[UUID]:
    """Return a group and those above it."""
    found: set[UUID] = set()
    at: UUID | None = group
    while at is not None and at not in found:
        found.add(at)
        at = parents.get(at)
    return found


def _next_number(job: Job) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_NEXT}", _lane(job))
        return int(cursor.fetchone()[0])


def _lane(job: Job) -> list[object]:
    return [job.server_id, job.lane, job.server_id, job.server_id]
