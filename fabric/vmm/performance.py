"""Load curves: asked of each host in one question, kept as one bounded row a machine and frame.

Samples that fall into the same span of a frame are averaged into one point, whose time is that of
its first sample. Memory is in MB, network in kbit/s, processor in percent.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils import timezone

from fabric.hypervisors.base import Counters
from fabric.hypervisors.errors import DriverFault, Unreachable
from fabric.vmm import health
from fabric.vmm.drivers import open_driver
from fabric.vmm.models import Host, VirtualMachine
from fabric.vmm.models.performance import Frame

log = logging.getLogger(__name__)

Curve = tuple[str, list[int], list[datetime]]

COUNTERS = (
    ("CPUUsage", "cpu_percent"),
    ("MemoryUsage", "memory_mb"),
    ("StorageIOPSUsage", "storage_iops"),
    ("NetworkIOUsage", "network_kbps"),
)
# Seconds a point, points kept, seconds between updates.
FRAMES = {Frame.HOUR: (60, 60, 20), Frame.DAY: (900, 96, 60), Frame.MONTH: (21_600, 120, 900)}
# An hour is metered when it is over: its first points stay ten minutes longer than they are shown.
SPARE = {Frame.HOUR: 10}
TICK_SECONDS = 20
# Machines a statement: enough to pay for it, few enough to hold no lock for long.
BATCH = 1000


def curves(machine: VirtualMachine, frame: str) -> list[Curve]:
    """Return the four curves of a machine, oldest point first; empty ones before the first sample.

    The name of the frame is taken in any case.
    """
    told = curves_of(VirtualMachine.objects.filter(pk=machine.pk), frame)
    return told[0][1] if told else [(counter, [], []) for counter, _ in COUNTERS]


def curves_of(
    machines: QuerySet[VirtualMachine], frame: str
) -> list[tuple[VirtualMachine, list[Curve]]]:
    """Return the machines, each with its curves as `curves` tells them. One query."""
    wanted = Frame(frame.lower())
    seconds, points, _ = FRAMES[wanted]
    # After a pause of the sampling the row holds points older than the frame.
    oldest = timezone.now() - timedelta(seconds=seconds * points)
    held = FilteredRelation("performance", condition=Q(performance__frame=wanted))
    fields = ("times", *(field for _, field in COUNTERS))
    # Under names of their own: a machine has memory_mb too.
    lists = {f"curve_{field}": F(f"held__{field}") for field in fields}
    found = []
    for machine in machines.only("server").annotate(held=held).annotate(**lists):
        times: list[datetime] = machine.curve_times or []
        first = max(sum(moment < oldest for moment in times), len(times) - points)
        rows = ((counter, getattr(machine, f"curve_{field}") or []) for counter, field in COUNTERS)
        found.append((machine, [(name, row[first:], times[first:]) for name, row in rows]))
    return found


def host_curves(host: Host, frame: str) -> list[Curve]:
    """Return the four curves of a host: the sums of the machines that are on it now. One query.

    Its processor is what they use of its own cores.
    """
    wanted = Frame(frame.lower())
    seconds, points, _ = FRAMES[wanted]
    with connection.cursor() as cursor:
        cursor.execute(
            _OF_HOST,
            {
                "host": host.pk,
                "frame": str(wanted),
                "seconds": seconds,
                "cores": max(1, host.cores),
                "oldest": timezone.now() - timedelta(seconds=seconds * points),
            },
        )
        rows = cursor.fetchall()
    times = [row[0] for row in rows]
    return [
        (counter, [int(row[place]) for row in rows], times)
        for place, (counter, _) in enumerate(COUNTERS, 1)
    ]


def sample(now: datetime) -> int:
    """Ask every host for the load of all its guests; return how many were told.

    Who answered, and who did not, is written down as the hosts' health.
    """
    count = 0
    told: list[Counters] = []
    answered: list[UUID] = []
    silent: dict[UUID, str] = {}
    for pk, kind, name in Host.objects.values_list("pk", "hypervisor", "name"):
        try:
            told += open_driver(kind, name).counters()
            answered.append(pk)
        except DriverFault as fault:
            log.info("no counters from host %s: %s", name, fault.code)
            if isinstance(fault, Unreachable):
                silent[pk] = fault.message
        except Exception:
            log.exception("no counters from host %s, reference %s", name, uuid.uuid4().hex[:8])
        if len(told) >= BATCH:
            count += _recorded(told, now)
    count += _recorded(told, now)
    health.note_answers(answered, silent)
    return count


def _recorded(told: list[Counters], now: datetime) -> int:
    """Record what was told so far, and forget it."""
    count = len(told)
    record(told, now)
    told.clear()
    return count


def record(told: Sequence[Counters], now: datetime) -> None:
    """Add counters to the curves of the machines they belong to; one statement a frame.

    Of a machine that two hosts told of, the last word counts.
    """
    if not told:
        return
    once = {counters.id: counters for counters in told}
    samples = [
        list(once),
        *([_kept(getattr(each, field)) for each in once.values()] for _, field in COUNTERS),
    ]
    for frame, (seconds, points, every) in FRAMES.items():
        is_due = int(now.timestamp()) // TICK_SECONDS % (every // TICK_SECONDS) == 0
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                _INSERT + (_MERGE if is_due else "DO NOTHING"),
                {
                    "frame": str(frame),
                    "now": now,
                    "seconds": seconds,
                    "points": points + SPARE.get(frame, 0),
                    **{f"s{i}": values for i, values in enumerate(samples)},
                },
            )


def _kept(value: int) -> int:
    """Return what a column can keep of a number; a host may say anything."""
    return min(max(value, 0), 2_147_483_647)


_FIELDS = [field for _, field in COUNTERS]
# A machine being deleted is locked, and skipped.
_INSERT = f"""
INSERT INTO vmm_performance AS p (id, machine_id, frame, times, {", ".join(_FIELDS)}, weight)
SELECT gen_random_uuid(), vm.id, %(frame)s, ARRAY[%(now)s::timestamptz],
    ARRAY[s1], ARRAY[s2], ARRAY[s3], ARRAY[s4], 1
FROM unnest(%(s0)s::uuid[], %(s1)s::int[], %(s2)s::int[], %(s3)s::int[], %(s4)s::int[])
    AS told (id, s1, s2, s3, s4)
JOIN vmm_virtualmachine AS vm ON vm.id = told.id
ORDER BY vm.id FOR KEY SHARE OF vm SKIP LOCKED
ON CONFLICT (machine_id, frame)
"""  # noqa: S608 - made of our own column names only
_SAME_POINT = """floor(extract(epoch FROM p.times[cardinality(p.times)]) / %(seconds)s)
    = floor(extract(epoch FROM %(now)s::timestamptz) / %(seconds)s)"""
_END = "cardinality(p.times)"


def _grown(field: str) -> str:
    last = f"p.{field}[{_END}]"
    return f"""{field} = CASE WHEN {_SAME_POINT}
        THEN p.{field}[:{_END} - 1] ||
            (({last}::bigint * p.weight + excluded.{field}[1]) / (p.weight + 1))::int
        ELSE p.{field}[{_END} - %(points)s + 2:] || excluded.{field} END"""


_MERGE = f"""DO UPDATE SET {", ".join(map(_grown, _FIELDS))},
    weight = CASE WHEN {_SAME_POINT} THEN p.weight + 1 ELSE 1 END,
    times = CASE WHEN {_SAME_POINT} THEN p.times
        ELSE p.times[{_END} - %(points)s + 2:] || excluded.times END"""
_OF_HOST = """
SELECT min(told.at), least(100, round(sum(told.cpu * vm.cores)::numeric / %(cores)s)),
    sum(told.memory), sum(told.iops), sum(told.kbps)
FROM vmm_performance AS p
JOIN vmm_virtualmachine AS vm ON vm.id = p.machine_id
CROSS JOIN LATERAL unnest(
    p.times, p.cpu_percent, p.memory_mb, p.storage_iops, p.network_kbps
) AS told (at, cpu, memory, iops, kbps)
WHERE vm.host_id = %(host)s AND p.frame = %(frame)s AND told.at >= %(oldest)s
GROUP BY floor(extract(epoch FROM told.at) / %(seconds)s) ORDER BY 1
"""
