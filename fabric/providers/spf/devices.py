"""What hangs on machines: one query for up to 40 of them, everything expanded in their rows."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from functools import partial
from typing import Final

from fabric.providers.base import Devices, RemoteAdapter, RemoteCheckpoint, RemoteDisk
from fabric.providers.spf import reading
from fabric.providers.spf.reading import Row

ADAPTERS: Final = "VirtualNetworkAdapters"
EXPAND: Final = f"VirtualDiskDrives,{ADAPTERS},VirtualDVDDrives"
CHECKPOINTS: Final = ",VMCheckpoints"
_STATIC: Final = "static"


def read(row: Row) -> Devices:
    """Read a row of VirtualMachines with its devices expanded; raises Unreadable."""
    machine_id = reading.own_id(row)
    made, plugged = reading.several(row, "VMCheckpoints"), reading.several(row, ADAPTERS)
    checkpoints = reading.each(partial(_checkpoint, machine_id), made, "VMCheckPoints")
    drives = reading.several(row, "VirtualDVDDrives")
    held = (reading.guid(drive, "ISOId") for drive in drives)
    return Devices(
        machine_id=machine_id,
        disks=_disks(machine_id, reading.several(row, "VirtualDiskDrives")),
        adapters=reading.each(partial(_adapter, machine_id), plugged, ADAPTERS),
        checkpoints=checkpoints,
        media_id=next((id for id in held if id), None),
        current_checkpoint_id=_current(row, checkpoints),
    )


def _disks(machine_id: uuid.UUID, rows: Sequence[Row]) -> tuple[RemoteDisk, ...]:
    """The drives in their order: IDE goes before SCSI, and the first one is started from."""

    def place(row: Row) -> tuple[bool, int, int]:
        is_ide = reading.text(row, "BusType").upper() == "IDE"
        return not is_ide, reading.whole(row, "Bus"), reading.whole(row, "LUN")

    ordered = sorted((row for row in rows if reading.guid(row, "ID")), key=place)
    return tuple(
        RemoteDisk(
            id=reading.own_id(row),
            machine_id=machine_id,
            name=reading.text(row, "Name"),
            size_gb=reading.gigabytes(row, "Size"),
            bus_type=reading.text(row, "BusType") or "SCSI",
            bus=reading.whole(row, "Bus"),
            lun=reading.whole(row, "LUN"),
            is_boot=at == 0,
        )
        for at, row in enumerate(ordered)
    )


def _adapter(machine_id: uuid.UUID, row: Row) -> RemoteAdapter:
    return RemoteAdapter(
        id=reading.own_id(row),
        machine_id=machine_id,
        slot=reading.whole(row, "SlotId"),
        network_id=reading.guid(row, "VMNetworkId"),
        network_name=reading.text(row, "VMNetworkName"),
        mac=reading.text(row, "MACAddress", "PhysicalAddress"),
        is_static=reading.text(row, "IPv4AddressType").lower() == _STATIC,
        addresses=reading.addresses([row]),
    )


def _checkpoint(machine_id: uuid.UUID, row: Row) -> RemoteCheckpoint:
    return RemoteCheckpoint(
        id=reading.own_id(row),
        machine_id=machine_id,
        parent_id=reading.guid(row, "ParentCheckpointID"),
        name=reading.text(row, "Name"),
        description=reading.text(row, "Description"),
        created_at=reading.moment(row, "AddedTime"),
    )


def _current(row: Row, checkpoints: Sequence[RemoteCheckpoint]) -> uuid.UUID | None:
    """Our SPF tells it; of others the one restored last is as good as known, else the newest."""
    known = {each.id for each in checkpoints}
    for name in ("CurrentCheckpointId", "LastRestoredCheckpointId"):
        told = reading.guid(row, name)
        if told in known:
            return told
    newest = max(checkpoints, key=_made_at, default=None)
    return newest.id if newest else None


def _made_at(checkpoint: RemoteCheckpoint) -> float:
    return checkpoint.created_at.timestamp() if checkpoint.created_at else 0.0
