"""Write what hangs on machines into our rows: disks, adapters, checkpoints, the disc inside."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from typing import Any

from django.db import transaction
from django.utils import timezone

from fabric.models import Adapter, Checkpoint, Disk, Machine, Media, Network
from fabric.providers.base import Devices, Provider
from fabric.states import GONE


def refresh(provider: Provider, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> None:
    """Read what hangs on these machines and write it."""
    if ids:
        apply(stamp_id, provider.devices(stamp_id, ids))


def apply(stamp_id: uuid.UUID, told: Iterable[Devices]) -> None:
    """Write the devices of the machines that were told of; a machine left out keeps its rows."""
    for devices in told:
        with transaction.atomic():
            _write(stamp_id, devices)


def _write(stamp_id: uuid.UUID, devices: Devices) -> None:
    """Write one machine's, under its lock: two who read it at once do not mix."""
    machine = (
        Machine.objects.select_for_update(of=("self",), no_key=True)
        .filter(stamp_id=stamp_id, remote_id=devices.machine_id)
        .exclude(state__in=GONE)
        .first()
    )
    if machine is None:
        return
    networks = set(
        Network.objects.filter(pk__in=[each.network_id for each in devices.adapters]).values_list(
            "pk", flat=True
        )
    )
    _keep(Disk, machine, {each.id: _plain(each) for each in devices.disks})
    _keep(
        Adapter,
        machine,
        {
            each.id: {
                **_plain(each),
                "network_id": each.network_id if each.network_id in networks else None,
                "addresses": list(each.addresses),
            }
            for each in devices.adapters
        },
    )
    _keep_checkpoints(machine, devices)
    media = Media.objects.filter(pk=devices.media_id).first() if devices.media_id else None
    Machine.objects.filter(pk=machine.pk).update(media=media, devices_synced_at=timezone.now())


def _keep_checkpoints(machine: Machine, devices: Devices) -> None:
    """Write checkpoints with their parents, which are rows of the same machine."""
    _keep(
        Checkpoint,
        machine,
        {
            each.id: {
                "name": each.name,
                "description": each.description,
                "created_at": each.created_at,
                "is_current": each.id == devices.current_checkpoint_id,
            }
            for each in devices.checkpoints
        },
    )
    rows = {row.remote_id: row for row in machine.checkpoints.all()}
    for each in devices.checkpoints:
        parent = rows.get(each.parent_id) if each.parent_id else None
        row = rows[each.id]
        if row.parent_id != (parent.pk if parent else None):
            row.parent = parent
            row.save(update_fields=["parent"])


def _plain(device: Any) -> dict[str, Any]:
    """Return a device's own values by the names of our columns."""
    return {name: value for name, value in vars(device).items() if name not in ("id", "machine_id")}


def _keep(model: Any, machine: Machine, told: dict[uuid.UUID, dict[str, Any]]) -> None:
    """Make a machine's rows of a kind those that were told; what did not change is not written."""
    rows = {row.remote_id: row for row in model.objects.filter(machine=machine)}
    gone = [row.pk for remote_id, row in rows.items() if remote_id not in told]
    if gone:
        model.objects.filter(pk__in=gone).delete()
    for remote_id, values in told.items():
        row = rows.get(remote_id)
        if row is None:
            model.objects.create(machine=machine, remote_id=remote_id, **values)
        elif any(getattr(row, name) != value for name, value in values.items()):
            model.objects.filter(pk=row.pk).update(**values)
