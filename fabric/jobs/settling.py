"""Have quota and rows follow what is really there, once a change is over.

A change that ended well was read back; one that failed is read as well before it ends. Where that
was not possible the machine is marked, keeps what was reserved, and is read by the sweep.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Mapping

from django.db import transaction
from django.db.models import Sum
from django.utils import timezone

from fabric import registry
from fabric.durable.states import LIVE
from fabric.models import Job, Machine, Stamp
from fabric.providers.base import Provider
from fabric.providers.errors import ProviderFault
from fabric.states import GONE, MachineState
from fabric.sync import absence, devices, machines
from fabric.vault.errors import VaultLocked
from plans.actions import quota

log = logging.getLogger(__name__)
AT_ONCE = 50


def read(
    provider: Provider, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> Mapping[uuid.UUID, str]:
    """Read machines and what hangs on them; return the state each is in, by the far side's id."""
    seen = machines.refresh(provider, stamp_id, ids)
    devices.refresh(provider, stamp_id, ids)
    return seen


def settle(machine_id: uuid.UUID) -> None:
    """Make the machine's size and its part of the quota what was read. Call it in a transaction."""
    machine = (
        Machine.objects.select_for_update(of=("self",), no_key=True)
        .select_related("subscription")
        .get(pk=machine_id)
    )
    storage = machine.disks.aggregate(total=Sum("size_gb"))["total"] or machine.storage_gb
    Machine.objects.filter(pk=machine.pk).update(storage_gb=storage, unsettled_at=None)
    quota.settle(
        machine.subscription,
        subject=machine.pk,
        there={"cores": machine.cores, "memory_mb": machine.memory_mb, "storage_gb": storage},
    )


def leave_open(machine_id: uuid.UUID) -> None:
    """Mark a machine of which it is not known what came of its change."""
    Machine.objects.filter(pk=machine_id).update(unsettled_at=timezone.now())


def sweep() -> int:
    """Read the machines that were left open, and settle them; return how many."""
    open_ones = Machine.objects.filter(unsettled_at__isnull=False, remote_id__isnull=False)
    # Those that cannot be read now must not stand before the others.
    open_ones = open_ones.filter(stamp__away_since=None)
    open_ones = open_ones.exclude(state__in=(*GONE, MachineState.MISSING)).exclude(
        pk__in=Job.objects.filter(state__in=LIVE, machine__isnull=False).values("machine")
    )
    by_stamp: dict[uuid.UUID, list[Machine]] = {}
    for machine in open_ones.order_by("?")[:AT_ONCE]:
        by_stamp.setdefault(machine.stamp_id, []).append(machine)
    return sum(_sweep_stamp(stamp_id, found) for stamp_id, found in by_stamp.items())


def _sweep_stamp(stamp_id: uuid.UUID, found: Collection[Machine]) -> int:
    stamp = Stamp.objects.select_related("provider").get(pk=stamp_id)
    asked_at = timezone.now()
    try:
        with absence.watching(stamp):
            provider = registry.provider_for(stamp.provider)
            read(provider, stamp_id, [each.remote_id for each in found if each.remote_id])
    except (ProviderFault, VaultLocked) as fault:
        log.info("settling %s: %s", stamp.friendly_name, fault)
        return 0
    return sum(_settle_read(machine.pk, asked_at) for machine in found)


@transaction.atomic
def _settle_read(machine_id: uuid.UUID, asked_at: object) -> bool:
    """Settle a machine that was read just now and that nobody has begun to work on since."""
    machine = Machine.objects.select_for_update(of=("self",), no_key=True).get(pk=machine_id)
    is_read = machine.devices_synced_at is not None and machine.devices_synced_at >= asked_at
    if not is_read or machine.jobs.filter(state__in=LIVE).exists():
        return False
    settle(machine_id)
    return True
