"""One pass over a stamp: inventory, machines, load. A stamp that is away spoils no other."""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from fabric import registry
from fabric.models import Provider, Stamp
from fabric.providers.errors import ProviderFault
from fabric.sync import inventory, load, machines

log = logging.getLogger(__name__)
EVERY = timedelta(seconds=20)


def claim_due() -> list[str]:
    """Return the ids of stamps whose time has come, and set their next one."""
    now = timezone.now()
    due = list(Stamp.objects.filter(next_sync_at__lte=now).values_list("pk", flat=True))
    return [
        str(pk)
        for pk in due
        if Stamp.objects.filter(pk=pk, next_sync_at__lte=now).update(next_sync_at=now + EVERY)
    ]


def run(stamp_id: str) -> bool:
    """Read a stamp once and write the rows; False when it could not be read, which is noted on its
    row."""
    stamp = Stamp.objects.select_related("provider").filter(pk=stamp_id).first()
    if stamp is None:
        return False
    try:
        provider = registry.provider_for(stamp.provider)
        offered = provider.inventory(stamp.pk)
        inventory.apply(stamp, offered)
        if not offered.clouds:
            # Who is shown no cloud is told of no machines: they are not gone.
            machines.mark_unreachable(stamp.pk)
        else:
            asked_at = timezone.now()
            seen = machines.apply(stamp.pk, provider.machines(stamp.pk))
            machines.mark_missing(stamp.pk, seen, asked_at)
        Stamp.objects.filter(pk=stamp.pk).update(synced_at=timezone.now())
        if offered.clouds:
            load.run(provider, stamp.pk)
    except ProviderFault as fault:
        log.warning("stamp %s: %s", stamp.friendly_name, fault.message)
        Stamp.objects.filter(pk=stamp.pk).update(problem=fault.message)
        Provider.objects.filter(pk=stamp.provider_id).update(problem=fault.message)
        machines.mark_unreachable(stamp.pk)
        return False
    Provider.objects.filter(pk=stamp.provider_id).update(problem="", seen_at=timezone.now())
    return True


def soon(provider: Provider) -> list[str]:
    """Make every stamp of an endpoint due now; return their ids."""
    Stamp.objects.filter(Q(provider=provider)).update(next_sync_at=timezone.now())
    return [str(pk) for pk in provider.stamps.values_list("pk", flat=True)]
