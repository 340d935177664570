"""Write what hangs on machines into our rows: disks, adapters, checkpoints, what lies in the drive.

Read when a job on a machine has ended, and by passes for machines that changed since the last one,
and some of those never read. All of it in bulk: queries do not grow with the number of machines.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from fabric.models import Adapter, Checkpoint, Disk, Machine, Media, Network, Stamp
from fabric.providers.base import Devices, Provider, RemoteMachine
from fabric.providers.errors import NoAnswer, ProviderFault
from fabric.states import GONE, MachineState
from fabric.sync.machines import WHOLE

log = logging.getLogger(__name__)

# So many are read in one pass: of those that changed, and of those never read.
MOST_CHANGED: Final = 400
MOST_UNREAD: Final = 80
# Where nobody tells what changed, these are read again, the longest ago first.
MOST_AGAIN: Final = 40
# What was written a while before the last pass may be shown only by this one.
WINDOW: Final = timedelta(seconds=60)

Values = dict[str, Any]


def refresh(provider: Provider, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """Read what hangs on these machines, by the far side's ids, and write it."""
    if ids:
        asked_at = timezone.now()
        apply(stamp_id, provider.devices(stamp_id, ids), asked_at)


def refresh_if_told(provider: Provider, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """Read them where something else is more important: an endpoint that answers something strange
    spoils nothing else."""
    try:
        refresh(provider, stamp_id, ids)
    except NoAnswer:
        raise
    except ProviderFault as fault:
        log.warning("devices on stamp %s: %s", stamp_id, fault.message)


def catch_up(
    stamp: Stamp, provider: Provider, told: Iterable[RemoteMachine], mark: datetime | None
) -> None:
    """Read the machines told that changed after the mark, and some of those never read.

    More than one pass takes are marked as never read, for the passes to come.
    """
    ours = Machine.objects.filter(stamp=stamp, remote_id__isnull=False).exclude(state__in=GONE)
    changed = _changed(ours, told, mark)
    if len(changed) > MOST_CHANGED:
        ours.filter(remote_id__in=changed[MOST_CHANGED:]).update(devices_synced_at=None)
        changed = changed[:MOST_CHANGED]
    settled = ours.exclude(state__in=(MachineState.CREATING, MachineState.MISSING))
    unread = settled.filter(devices_synced_at=None)[:MOST_UNREAD]
    if mark is None:
        unread = settled.order_by(F("devices_synced_at").asc(nulls_first=True))[:MOST_AGAIN]
    ids = [*changed, *unread.values_list("remote_id", flat=True)]
    refresh_if_told(provider, stamp.pk, list(dict.fromkeys(ids)))


def _changed(ours: Any, told: Iterable[RemoteMachine], mark: datetime | None) -> list[uuid.UUID]:
    """The far side's ids of ours that changed after the mark, or were shown too late for it."""
    if mark is None:
        return []
    late = {
        each.id: each.modified_at
        for each in told
        if each.modified_at and each.modified_at > mark - WINDOW
    }
    rows = ours.filter(remote_id__in=late).values_list("remote_id", "devices_synced_at")
    return [
        id for id, synced_at in rows if late[id] > mark or synced_at is None or synced_at < late[id]
    ]


@transaction.atomic
def apply(stamp_id: uuid.UUID, told: Iterable[Devices], asked_at: datetime) -> None:
    """Write the rows of these machines that differ, and remove those not told any more.

    A machine read after the question was asked is left alone. Locks the machines.
    """
    by_remote = {each.machine_id: each for each in told}
    fresh = Q(devices_synced_at=None) | Q(devices_synced_at__lt=asked_at)
    held = (
        Machine.objects.filter(fresh, stamp_id=stamp_id, remote_id__in=by_remote)
        .exclude(state__in=GONE)
        .order_by("pk")
        .select_for_update(no_key=True)
        .only("remote_id", "state", "storage_gb", "media_id")
    )
    machines = {machine: by_remote[machine.remote_id] for machine in held if machine.remote_id}
    if not machines:
        return
    networks = _present(
        Network, (a.network_id for each in machines.values() for a in each.adapters)
    )
    _write(Disk, machines, _disks)
    _write(Adapter, machines, lambda each: _adapters(each, networks))
    _write_checkpoints(machines)
    _write_machines(machines, asked_at)


def _present(model: Any, ids: Iterable[uuid.UUID | None]) -> set[uuid.UUID]:
    """Those of the ids that we have a row of."""
    wanted = {id for id in ids if id}
    if not wanted:
        return set()
    return set(model.objects.filter(pk__in=wanted).values_list("pk", flat=True))


def _disks(told: Devices) -> Iterator[tuple[uuid.UUID, Values]]:
    for disk in told.disks:
        yield (
            disk.id,
            {
                "name": disk.name[:200],
                "size_gb": disk.size_gb,
                "bus_type": disk.bus_type[:10],
                "bus": disk.bus,
                "lun": disk.lun,
                "is_boot": disk.is_boot,
            },
        )


def _adapters(told: Devices, networks: Collection[uuid.UUID]) -> Iterator[tuple[uuid.UUID, Values]]:
    for adapter in told.adapters:
        yield (
            adapter.id,
            {
                "slot": adapter.slot,
                "network_id": adapter.network_id if adapter.network_id in networks else None,
                "network_name": adapter.network_name[:200],
                "mac": adapter.mac[:20],
                "is_static": adapter.is_static,
                "addresses": list(adapter.addresses),
            },
        )


def _checkpoints(told: Devices) -> Iterator[tuple[uuid.UUID, Values]]:
    for checkpoint in told.checkpoints:
        yield (
            checkpoint.id,
            {
                "name": checkpoint.name[:200],
                "description": checkpoint.description[:2000],
                "created_at": checkpoint.created_at,
                "is_current": checkpoint.id == told.current_checkpoint_id,
            },
        )


def _write(model: Any, machines: Mapping[Machine, Devices], read: Any) -> list[Any]:
    """Bring the rows of one kind to what is told; return all that there are then."""
    known = {
        (row.machine_id, row.remote_id): row
        for row in model.objects.filter(machine__in=list(machines))
    }
    kept, made, changed, columns = [], [], [], set()
    for machine, told in machines.items():
        for remote_id, values in read(told):
            columns |= values.keys()
            row = known.pop((machine.pk, remote_id), None)
            if row is None:
                row = model(machine=machine, remote_id=remote_id, **values)
                made.append(row)
            elif any(getattr(row, name) != value for name, value in values.items()):
                for name, value in values.items():
                    setattr(row, name, value)
                changed.append(row)
            kept.append(row)
    if known:
        model.objects.filter(pk__in=[row.pk for row in known.values()]).delete()
    if made:
        model.objects.bulk_create(made, batch_size=500)
    if changed:
        model.objects.bulk_update(changed, sorted(columns), batch_size=500)
    return kept


def _write_checkpoints(machines: Mapping[Machine, Devices]) -> None:
    """Write the rows first and then what is below what: a child may be told before its parent."""
    rows = {
        (row.machine_id, row.remote_id): row for row in _write(Checkpoint, machines, _checkpoints)
    }
    moved = []
    for machine, told in machines.items():
        for checkpoint in told.checkpoints:
            row = rows[machine.pk, checkpoint.id]
            parent = rows.get((machine.pk, checkpoint.parent_id)) if checkpoint.parent_id else None
            parent_id = parent.pk if parent else None
            if row.parent_id != parent_id:
                row.parent_id = parent_id
                moved.append(row)
    if moved:
        Checkpoint.objects.bulk_update(moved, ["parent"], batch_size=500)


def _write_machines(machines: Mapping[Machine, Devices], asked_at: datetime) -> None:
    """Note as of when they were read, what is in the drive, and what its disks come to; one that
    turns out to be of another size is to be settled.

    One that is being made has not got all of its disks yet.
    """
    media = _present(Media, (each.media_id for each in machines.values()))
    changed, grown = [], []
    for machine, told in machines.items():
        before = (machine.media_id, machine.storage_gb)
        machine.media_id = told.media_id if told.media_id in media else None
        if told.disks and machine.state != MachineState.CREATING:
            machine.storage_gb = sum(disk.size_gb for disk in told.disks)
        if (machine.media_id, machine.storage_gb) != before:
            changed.append(machine)
        if machine.storage_gb != before[1] and machine.state in WHOLE:
            grown.append(machine.pk)
    if changed:
        Machine.objects.bulk_update(changed, ["media", "storage_gb"], batch_size=500)
    if grown:
        Machine.objects.filter(pk__in=grown).update(unsettled_at=timezone.now())
    Machine.objects.filter(pk__in=[machine.pk for machine in machines]).update(
        # When it was asked, not when it is written: what was asked later is newer, however early.
        devices_synced_at=asked_at
    )
