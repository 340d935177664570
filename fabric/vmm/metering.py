"""Metering: what every machine and cloud held and used in every full hour, told once and for good.

Only machines that belong to a subscription are metered: those of the fabric's own people are
nobody's to pay for. A machine counts from its order to its end, running or not, and in an hour of
which it was there a moment. A cloud is metered for each subscription with machines in it.
Hosts tell one number for the network of a guest: it is shared out evenly among its adapters, and
between what they send and what they receive, so that the sums are what was measured.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Min

from fabric.vmm import meteringsql
from fabric.vmm.models import Allocation, Meter, Metered, UsageRecord

log = logging.getLogger(__name__)

HOUR: Final = timedelta(hours=1)
# The last samples of an hour are in by then, and performance.py still has its first.
GRACE: Final = timedelta(minutes=1)
BATCH: Final = 100_000
# How often to wait for writers, how long others may have to wait behind, and how long in between.
ATTEMPTS: Final = 20
LONGEST_STALL_MS: Final = 100
PAUSE_SECONDS: Final = 0.1

_OF_MACHINES: Final = (
    "CPUAllocationCount-Min",
    "CPUAllocationCount-Max",
    "MemoryAllocated-Min",
    "MemoryAllocated-Max",
    "CrossDiskSizeAllocated-Min",
    "CrossDiskSizeAllocated-Max",
    "CPUPercentUtilization-Min",
    "CPUPercentUtilization-Max",
    "CPUPercentUtilization-Median",
    "MemoryConsumed-Min",
    "MemoryConsumed-Max",
    "MemoryConsumed-Median",
    "CrossDiskIOPerSecond-Min",
    "CrossDiskIOPerSecond-Max",
    "CrossDiskIOPerSecond-Median",
)
# Memory in MB, disks in bytes, network in KB a second.
METRICS: Final[dict[int, tuple[str, ...]]] = {
    Metered.MACHINE: _OF_MACHINES,
    Metered.CLOUD: _OF_MACHINES,
    Metered.ADAPTER: (
        "PerNICKBSentPerSecond-Min",
        "PerNICKBSentPerSecond-Max",
        "PerNICKBSentPerSecond-Median",
        "PerNICKBSentPerSecond-Average",
        "PerNICKBReceivedPerSecond-Min",
        "PerNICKBReceivedPerSecond-Max",
        "PerNICKBReceivedPerSecond-Median",
        "PerNICKBReceivedPerSecond-Average",
    ),
}


def records(after: int, most: int) -> list[UsageRecord]:
    """Return the records that follow an id, in the order they appeared in. One query."""
    return list(UsageRecord.objects.filter(pk__gt=after).order_by("pk")[:most])


def clock() -> datetime:
    """Return the time by the clock that the triggers note changes by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def meter(now: datetime) -> int:
    """Meter every full hour that is over and was not metered; return how many records that made.

    Repeatable. Each hour is a transaction of its own, and while one process is at it any other
    leaves at once: so ids rise in the order in which records can be read.
    """
    if not _is_due(now) or not _wait_for_writers():
        return 0
    written = 0
    while (count := _meter_hour(now)) is not None:
        written += count
    _forget(now)
    return written


def _is_due(now: datetime) -> bool:
    meter = Meter.objects.first()
    if meter is None:
        meter, _ = Meter.objects.get_or_create(pk=1, defaults={"metered_until": _beginning(now)})
    return meter.metered_until + HOUR + GRACE <= now


def _beginning(now: datetime) -> datetime:
    first = Allocation.objects.aggregate(first=Min("from_at"))["first"]
    return _hour_of(min(first or now, now))


def _wait_for_writers() -> bool:
    """Wait for the transactions that noted something of the hours to be metered.

    The triggers lock first and look at the clock then, so what is noted after this is of later.
    Whoever writes meanwhile queues behind this one: so it steps back soon and comes again, long
    before the database looks for deadlocks.
    """
    for _attempt in range(ATTEMPTS):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL lock_timeout = {LONGEST_STALL_MS}")
                cursor.execute(meteringsql.BARRIER)
                cursor.execute("SET LOCAL lock_timeout = DEFAULT")
        except OperationalError:
            time.sleep(PAUSE_SECONDS)
        else:
            return True
    log.warning("usage is metered later: a transaction that changes machines is still open")
    return False


def _meter_hour(now: datetime) -> int | None:
    """Meter the oldest hour not metered; None when there is none, or somebody else is at it."""
    with transaction.atomic(), connection.cursor() as cursor:
        held = Meter.objects.select_for_update(skip_locked=True).first()
        if held is None:
            return None
        start = max(held.metered_until, _hour_of(now - _kept_for()))
        end = start + HOUR
        if end + GRACE > now:
            return None
        hour = {"start": start, "end": end}
        written = 0
        for statement in (meteringsql.MACHINES, meteringsql.ADAPTERS, meteringsql.CLOUDS):
            cursor.execute(statement, hour)
            written += cursor.rowcount
        for statement in meteringsql.DONE_WITH:
            cursor.execute(statement, hour)
        Meter.objects.filter(pk=held.pk).update(metered_until=end)
    return written


def _forget(now: datetime) -> None:
    """Remove the records that are older than the retention, so many at a time."""
    oldest = UsageRecord.objects.order_by("pk").first()
    cutoff = _hour_of(now - _kept_for())
    if oldest is not None and oldest.start_at < cutoff:
        with connection.cursor() as cursor:
            cursor.execute(meteringsql.FORGET, {"cutoff": cutoff, "most": BATCH})


def _kept_for() -> timedelta:
    return timedelta(days=settings.USAGE_RETENTION_DAYS)


def _hour_of(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
