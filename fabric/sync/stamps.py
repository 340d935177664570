"""One pass over a stamp: inventory, machines, load. A stamp that is away spoils no other."""

from __future__ import annotations

import logging
import random
from datetime import timedelta

from django.utils import timezone

from fabric import registry
from fabric.models import Provider, Stamp
from fabric.providers.errors import ProviderFault, UnknownSet
from fabric.sync import absence, descriptions, devices, inventory, load, passes, turns

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=20)


def claim_due() -> list[str]:
    """Return the ids of stamps whose time has come, and set their next one.

    One that is away has its own time: a message for it would only find that out.
    """
    now = timezone.now()
    stamps = Stamp.objects.filter(next_sync_at__lte=now).exclude(
        away_since__isnull=False, next_probe_at__gt=now
    )
    due = list(stamps.values_list("pk", flat=True))
    # Not all at once: stamps that were registered together would stay together.
    return [
        str(pk)
        for pk in due
        if Stamp.objects.filter(pk=pk, next_sync_at__lte=now).update(
            next_sync_at=now + EVERY * random.uniform(0.9, 1.1)  # noqa: S311
        )
    ]


def run(stamp_id: str) -> bool:
    """Read a stamp once and write the rows; False when it could not be read, which is noted on its
    row."""
    stamp = Stamp.objects.select_related("provider").filter(pk=stamp_id).first()
    if stamp is None:
        return False
    try:
        with turns.alone(stamp.pk) as is_alone:
            if not is_alone:
                return False
            with absence.watching(stamp):
                _read(stamp)
                absence.answered(stamp, is_read=True)
    except (absence.Away, turns.Overtaken):
        return False
    except ProviderFault as fault:
        log.warning("stamp %s: %s", stamp.friendly_name, fault.message)
        if not turns.rows_of(stamp).update(problem=fault.message, full_sync_at=None):
            return False
        turns.endpoint_of(stamp).update(problem=fault.message)
        absence.mark_unreachable(stamp.pk)
        if isinstance(fault, UnknownSet):
            descriptions.forget(stamp.provider)
        return False
    turns.endpoint_of(stamp).update(problem="", seen_at=timezone.now())
    return True


def _read(stamp: Stamp) -> None:
    provider = registry.provider_for(stamp.provider)
    if descriptions.is_due(stamp.provider):
        descriptions.read(stamp.provider, provider)
        provider = registry.provider_for(stamp.provider)
    offered = provider.inventory(stamp.pk)
    turns.require_same(stamp)
    inventory.apply(stamp, offered)
    if offered.clouds:
        mark = stamp.synced_until
        told = passes.run(stamp, provider)
        devices.catch_up(stamp, provider, told, mark)
    else:
        # Who is shown no cloud is told of no machines: they are not gone.
        absence.mark_unreachable(stamp.pk)
        turns.rows_of(stamp).update(full_sync_at=None)
    turns.rows_of(stamp).update(synced_at=timezone.now())
    if offered.clouds and not load.run(provider, stamp.pk):
        descriptions.forget(stamp.provider)


def soon(provider: Provider) -> list[str]:
    """Make every stamp of an endpoint due now, also one that is away; return their ids."""
    now = timezone.now()
    provider.stamps.update(next_sync_at=now)
    provider.stamps.exclude(away_since=None).update(next_probe_at=now)
    return [str(pk) for pk in provider.stamps.values_list("pk", flat=True)]
