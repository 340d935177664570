"""What hangs on a machine of the fake cloud, and what a change does to it when its job ends."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from fabric.providers import changes
from fabric.providers.base import (
    Devices,
    OrderedAdapter,
    RemoteAdapter,
    RemoteCheckpoint,
    RemoteDisk,
    RemoteNetwork,
)


@dataclass
class Parts:
    """Disks in their order, adapters by slot, the tree of checkpoints; `number` is the machine's
    and makes its addresses."""

    machine_id: uuid.UUID
    number: int
    disks: list[RemoteDisk] = field(default_factory=list)
    adapters: list[RemoteAdapter] = field(default_factory=list)
    checkpoints: list[RemoteCheckpoint] = field(default_factory=list)
    media_id: uuid.UUID | None = None
    current_id: uuid.UUID | None = None

    @property
    def storage_gb(self) -> int:
        return sum(disk.size_gb for disk in self.disks)

    def shown(self, *, is_running: bool) -> Devices:
        """The parts as the contract tells them; a guest that is off has no addresses of its own."""
        adapters = (
            each if is_running or each.is_static else replace(each, addresses=())
            for each in self.adapters
        )
        return Devices(
            machine_id=self.machine_id,
            disks=tuple(self.disks),
            adapters=tuple(adapters),
            checkpoints=tuple(self.checkpoints),
            media_id=self.media_id,
            current_checkpoint_id=self.current_id,
        )

    def plug(self, network: RemoteNetwork | None, address: str, id: uuid.UUID) -> None:
        """Add an adapter; the network gives it an address unless one is ordered."""
        slot = max((each.slot for each in self.adapters), default=-1) + 1
        given = address or f"10.20.{self.number // 50}.{self.number % 50 * 5 + slot + 4}"
        self.adapters.append(
            RemoteAdapter(
                id=id,
                machine_id=self.machine_id,
                slot=slot,
                network_id=network.id if network else None,
                network_name=network.name if network else "",
                mac=f"00:1D:D8:{self.number // 256:02X}:{self.number % 256:02X}:{slot:02X}",
                is_static=network is not None,
                addresses=(given,) if network else (),
            )
        )

    def add_disk(self, name: str, size_gb: int, id: uuid.UUID) -> None:
        """Add a disk at the first free place."""
        taken = {disk.lun for disk in self.disks}
        lun = next(n for n in range(len(taken) + 1) if n not in taken)
        is_boot = not self.disks
        disk = RemoteDisk(id, self.machine_id, name, size_gb, "SCSI", 0, lun, is_boot)
        self.disks = sorted([*self.disks, disk], key=lambda each: each.lun)


def made_for(
    machine_id: uuid.UUID,
    number: int,
    name: str,
    storage_gb: int,
    wanted: Iterable[tuple[OrderedAdapter, RemoteNetwork | None]],
) -> Parts:
    """Return the parts of a new machine."""
    parts = Parts(machine_id, number)
    parts.add_disk(f"{name}_disk_1", storage_gb, uuid.uuid4())
    for adapter, network in wanted:
        parts.plug(network, adapter.address, uuid.uuid4())
    return parts


def copied(source: Parts, machine_id: uuid.UUID, number: int) -> Parts:
    """Return the parts of a copy: its own disks, on the same networks, without checkpoints."""
    parts = Parts(machine_id, number)
    for disk in source.disks:
        parts.add_disk(disk.name, disk.size_gb, uuid.uuid4())
    for each in source.adapters:
        network = None
        if each.network_id is not None:
            network = RemoteNetwork(each.network_id, each.network_name, "", None, isolation="")
        parts.plug(network, "", uuid.uuid4())
    return parts


def carry_out(
    change: changes.Change, parts: Parts, id: uuid.UUID, networks: Mapping[uuid.UUID, RemoteNetwork]
) -> None:
    """Do to the parts what a change says; `id` is that of what it makes."""
    act = _ACTS.get(type(change))
    if act is not None:
        act(change, parts, id, networks)


Networks = Mapping[uuid.UUID, RemoteNetwork]


def _add_disk(change: changes.AddDisk, parts: Parts, id: uuid.UUID, _: Networks) -> None:
    parts.add_disk(change.name, change.size_gb or 1, id)


def _grow_disk(change: changes.GrowDisk, parts: Parts, *_: object) -> None:
    parts.disks = [
        replace(disk, size_gb=change.size_gb) if disk.id == change.disk_id else disk
        for disk in parts.disks
    ]


def _remove_disk(change: changes.RemoveDisk, parts: Parts, *_: object) -> None:
    parts.disks = [disk for disk in parts.disks if disk.id != change.disk_id]


def _add_adapter(
    change: changes.AddAdapter, parts: Parts, id: uuid.UUID, networks: Networks
) -> None:
    parts.plug(networks[change.network_id], change.address, id)


def _change_adapter(
    change: changes.ChangeAdapter, parts: Parts, _: uuid.UUID, networks: Networks
) -> None:
    for at, adapter in enumerate(parts.adapters):
        if adapter.id == change.adapter_id:
            if change.network_id is not None:
                there = networks[change.network_id]
                adapter = replace(adapter, network_id=there.id, network_name=there.name)
            if change.address:
                adapter = replace(adapter, is_static=True, addresses=(change.address,))
            parts.adapters[at] = adapter


def _remove_adapter(change: changes.RemoveAdapter, parts: Parts, *_: object) -> None:
    parts.adapters = [each for each in parts.adapters if each.id != change.adapter_id]


def _make_checkpoint(
    change: changes.MakeCheckpoint, parts: Parts, id: uuid.UUID, _: Networks
) -> None:
    parts.checkpoints.append(
        RemoteCheckpoint(
            id=id,
            machine_id=parts.machine_id,
            parent_id=parts.current_id,
            name=change.name,
            description=change.description,
            created_at=datetime.now(UTC),
        )
    )
    parts.current_id = id


def _restore_checkpoint(change: changes.RestoreCheckpoint, parts: Parts, *_: object) -> None:
    parts.current_id = change.checkpoint_id


def _remove_checkpoint(change: changes.RemoveCheckpoint, parts: Parts, *_: object) -> None:
    """Those below it move up, and so does the place where the machine is."""
    gone = next(each for each in parts.checkpoints if each.id == change.checkpoint_id)
    parts.checkpoints = [
        replace(each, parent_id=gone.parent_id) if each.parent_id == gone.id else each
        for each in parts.checkpoints
        if each.id != gone.id
    ]
    if parts.current_id == gone.id:
        parts.current_id = gone.parent_id


def _rename_checkpoint(change: changes.RenameCheckpoint, parts: Parts, *_: object) -> None:
    parts.checkpoints = [
        replace(each, name=change.name, description=change.description)
        if each.id == change.checkpoint_id
        else each
        for each in parts.checkpoints
    ]


def _insert(change: changes.InsertMedia, parts: Parts, *_: object) -> None:
    parts.media_id = change.media_id


def _eject(change: changes.EjectMedia, parts: Parts, *_: object) -> None:
    parts.media_id = None


def _rebuild(change: changes.Rebuild, parts: Parts, *_: object) -> None:
    parts.disks = [replace(disk, id=uuid.uuid4()) for disk in parts.disks]
    parts.checkpoints, parts.current_id = [], None


_ACTS: Final[Mapping[type, Callable[..., Any]]] = {
    changes.AddDisk: _add_disk,
    changes.GrowDisk: _grow_disk,
    changes.RemoveDisk: _remove_disk,
    changes.AddAdapter: _add_adapter,
    changes.ChangeAdapter: _change_adapter,
    changes.RemoveAdapter: _remove_adapter,
    changes.MakeCheckpoint: _make_checkpoint,
    changes.RestoreCheckpoint: _restore_checkpoint,
    changes.RemoveCheckpoint: _remove_checkpoint,
    changes.RenameCheckpoint: _rename_checkpoint,
    changes.InsertMedia: _insert,
    changes.EjectMedia: _eject,
    changes.Rebuild: _rebuild,
}
