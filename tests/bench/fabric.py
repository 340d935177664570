"""500 hosts with 20,000 machines: sample all their load, compare all of them with our books."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from tests.bench.cloud import Cloud
from tests.bench.estate import fill
from tests.bench.table import Row

HOSTS, EACH, MEDDLED = 500, 40, 200
GOAL_SECONDS = 60.0


def measure(cloud: Cloud) -> list[Row]:
    """Sample all, with every row there already, then sweep all."""
    from django.db import connection
    from django.utils import timezone

    from fabric.vmm import drift, performance
    from fabric.vmm.models import Drift

    # Nobody else may sample meanwhile.
    cloud.stack.kill("beat")
    estate = fill(HOSTS, EACH)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    performance.sample(timezone.now())
    # A moment at which all three resolutions are due: most are not, at most moments.
    moment = datetime.fromtimestamp((time.time() // 900 + 1) * 900, UTC)
    sampled = _timed(cloud, lambda: performance.sample(moment))
    _meddle(estate.server_id)
    swept = _timed(cloud, drift.sweep)
    found = Drift.objects.filter(server=estate.server_id, state="open").count()
    cloud.stack.start("beat")
    both = sampled + swept
    return [
        Row(f"{estate.machines:,} machines on {estate.hosts} hosts: load sampled", _told(sampled)),
        Row("  compared with our books", _told(swept)),
        Row("  both", _told(both), f"≤ {GOAL_SECONDS:.0f} s of one core", both <= GOAL_SECONDS),
        Row("  differences found", f"{found}", f"{MEDDLED}", found == MEDDLED),
    ]


def _meddle(server_id: UUID) -> None:
    """Change some machines as somebody at their hosts would."""
    from django.conf import settings

    from fabric.hypervisors.simulated import meddling
    from fabric.vmm.models import VirtualMachine

    rack = settings.SIMULATED_RACK
    machines = VirtualMachine.objects.filter(server=server_id).select_related("host")
    for n, machine in enumerate(machines.order_by("name")[:MEDDLED]):
        if n % 2:
            meddling.rename_guest(rack, machine.host.name, machine.pk, f"renamed-{n}")
        else:
            meddling.resize_guest(rack, machine.host.name, machine.pk, cores=2, memory_mb=2048)


def _told(seconds: float) -> str:
    return f"{seconds:.1f} s"


def _timed(cloud: Cloud, work: Callable[[], object]) -> float:
    """Return the seconds of a core that this process and the database took for it."""
    before = _used(cloud)
    work()
    return _used(cloud) - before


def _used(cloud: Cloud) -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + cloud.stack.cpu_seconds()["postgres"]
