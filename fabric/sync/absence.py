"""Whether a stamp is there, shared by all processes through its row.

While one is away it is asked by one at a time and seldom, so that those who wait for it never take
the workers away from the others. Whoever gets an answer again lets everybody know.
"""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from fabric.models import Machine, Stamp
from fabric.providers.errors import NoAnswer, ProviderFault, Unreachable
from fabric.states import GONE
from fabric.sync import turns

FIRST_SECONDS = 2.0
LONGEST_SECONDS = 60.0
# One that refuses at once costs next to nothing, so it is asked again before long.
DOUBLINGS = 2
# A hanging endpoint holds a worker for a quarter of the time at most.
TIMES_ITS_HANG = 3.0
MOST_FAILURES = 1000


class Away(NoAnswer):
    """It did not answer lately, and it is not this one's turn to find out."""


def require_there(stamp: Stamp) -> None:
    """Raise Away unless the stamp is there, or it is time to ask it again: then this one may."""
    if stamp.away_since is None:
        return
    now = timezone.now()
    turn = Stamp.objects.filter(pk=stamp.pk).filter(
        Q(next_probe_at=None) | Q(next_probe_at__lte=now) | Q(away_since=None)
    )
    # Held as long as asking may take; what comes of it sets the next time.
    if turn.update(next_probe_at=now + timedelta(seconds=LONGEST_SECONDS)):
        return
    raise Away(
        f"{stamp.friendly_name} has not answered since {stamp.away_since:%H:%M:%S} UTC.",
        retry_after=_seconds_until(stamp.next_probe_at, now),
    )


def _seconds_until(moment: datetime | None, now: datetime) -> float:
    left = (moment - now).total_seconds() if moment else 0.0
    return min(max(left, FIRST_SECONDS), LONGEST_SECONDS)


@contextmanager
def watching(stamp: Stamp) -> Iterator[None]:
    """Ask the stamp inside: that it does not answer, or does again, is noted for all.

    Raises Away without asking when it is away and another's turn.
    """
    require_there(stamp)
    began = time.monotonic()
    try:
        yield
    except NoAnswer as fault:
        gone(stamp, fault, time.monotonic() - began)
        raise
    except Unreachable:
        # An answer that broke off, a service that fails, an order not answered in time: it may be
        # there or not, but who asks next waits as long.
        _leave_to_others(stamp, time.monotonic() - began)
        raise
    except ProviderFault:
        # It answered, though not as wished.
        answered(stamp)
        raise
    except BaseException:
        _leave_to_others(stamp)
        raise
    answered(stamp)


def _leave_to_others(stamp: Stamp, took: float = 0.0) -> None:
    if stamp.away_since is not None:
        wait = min(max(FIRST_SECONDS, took * TIMES_ITS_HANG), LONGEST_SECONDS)
        Stamp.objects.filter(pk=stamp.pk).update(
            next_probe_at=timezone.now() + timedelta(seconds=wait)
        )


def gone(stamp: Stamp, fault: ProviderFault, took: float) -> None:
    """Note that nobody answers, since when, and when to ask again: later the longer it hangs."""
    now = timezone.now()
    wait = max(FIRST_SECONDS * 2 ** min(stamp.failures, DOUBLINGS), took * TIMES_ITS_HANG)
    wait = min(wait, LONGEST_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311
    is_noted = turns.rows_of(stamp).update(
        away_since=Coalesce("away_since", now),
        failures=Least(F("failures") + 1, MOST_FAILURES),
        next_probe_at=now + timedelta(seconds=wait),
        problem=fault.message,
    )
    if not is_noted:
        # Its endpoint lives elsewhere by now: this was said of the one before.
        return
    turns.endpoint_of(stamp).update(away_since=Coalesce("away_since", now), problem=fault.message)
    mark_unreachable(stamp.pk)


def answered(stamp: Stamp, *, is_read: bool = False) -> None:
    """Note that it is there; after it was away everything is read anew, unless it was just now."""
    if stamp.away_since is None:
        return
    soon = {} if is_read else {"full_sync_at": None, "next_sync_at": timezone.now()}
    if not turns.rows_of(stamp).update(away_since=None, failures=0, next_probe_at=None, **soon):
        return
    turns.endpoint_of(stamp).update(away_since=None)
    stamp.away_since = None


def mark_unreachable(stamp_id: uuid.UUID) -> None:
    """Remember since when a stamp's machines cannot be asked; their last state is kept."""
    Machine.objects.filter(stamp_id=stamp_id, unreachable_since=None).exclude(
        state__in=GONE
    ).update(unreachable_since=timezone.now())
