"""500 hosts with 20,000 machines: sample all their load, compare all of them with our books."""

from __future__ import annotations

import resource
from collections.abc import Callable

from tests.bench.cloud import Cloud
from tests.bench.estate import fill
from tests.bench.table import Row

HOSTS, EACH = 500, 40
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
    sampled = _timed(cloud, lambda: performance.sample(timezone.now()))
    swept = _timed(cloud, drift.sweep)
    strangers = Drift.objects.filter(server=estate.server_id, state="open").count()
    cloud.stack.start("beat")
    both = sampled + swept
    return [
        Row(f"{estate.machines:,} machines on {estate.hosts} hosts: load sampled", _told(sampled)),
        Row("  compared with our books", _told(swept)),
        Row("  both", _told(both), f"≤ {GOAL_SECONDS:.0f} s of one core", both <= GOAL_SECONDS),
        Row("  differences found where there are none", f"{strangers}", "0", strangers == 0),
    ]


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
