"""Whether a change has reached its machine already: read from what is told of it, before a change
whose reply was lost is asked for again.

Of a restore nothing can be seen: what it goes back to may have been current before. Doing it twice
makes no second thing.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fabric.providers import changes
from fabric.providers.base import Devices, RemoteMachine
from fabric.providers.changes import Change

# What a machine is told to be while a change of it is under way.
BUSY: Final[Mapping[type, str]] = {
    changes.MakeCheckpoint: "CreatingCheckpoint",
    changes.RestoreCheckpoint: "RecoveringCheckpoint",
    changes.RemoveCheckpoint: "DeletingCheckpoint",
    changes.Store: "Storing",
    changes.DeployStored: "UnderMigration",
}
BUSY_ELSE: Final = "UnderUpdate"
# Those that make a thing: a job that failed has not made it, whatever is there.
MAKING: Final = (changes.AddDisk, changes.AddAdapter, changes.MakeCheckpoint)
REMOVING: Final = (changes.RemoveDisk, changes.RemoveAdapter, changes.RemoveCheckpoint)
# A change that failed half-way and leaves this is repaired, rather than asked for again.
REPAIRED: Final = (changes.Store, changes.DeployStored, changes.Rebuild)
BROKEN: Final = frozenset(
    {"UpdateFailed", "MigrationFailed", "CreationFailed", "CustomizationFailed"}
)


@dataclass(frozen=True)
class Reached:
    """It is so; `object_id` is what it has made, if it makes anything."""

    object_id: uuid.UUID | None = None


def is_at_work(change: Change, status: str) -> bool:
    """Tell whether a machine stands where this very kind of change has it stand meanwhile."""
    return status == BUSY.get(type(change), BUSY_ELSE)


def look(change: Change, machine: RemoteMachine, devices: Devices) -> Reached | None:
    """Return what has come of a change, None when nothing is seen of it."""
    return _LOOKS[type(change)](change, machine, devices)


def _yes(is_so: bool) -> Reached | None:
    return Reached() if is_so else None


def _made(
    things: Collection[Any], wanted: Mapping[str, Any], known: Collection[uuid.UUID] = ()
) -> Reached | None:
    """The first of these things that has the wanted values, and was not there before."""
    for each in things:
        if each.id not in known and all(getattr(each, name) == wanted[name] for name in wanted):
            return Reached(each.id)
    return None


def _configure(
    change: changes.Configure, machine: RemoteMachine, devices: Devices
) -> Reached | None:
    wanted = {
        "name": change.name,
        "description": None if change.description is None else change.description.strip(),
        "cores": change.cores,
        "memory_mb": change.memory_mb,
    }
    return _yes(
        all(getattr(machine, name) == each for name, each in wanted.items() if each is not None)
    )


def _grow_disk(
    change: changes.GrowDisk, machine: RemoteMachine, devices: Devices
) -> Reached | None:
    return _yes(any(d.id == change.disk_id and d.size_gb >= change.size_gb for d in devices.disks))


def _change_adapter(
    change: changes.ChangeAdapter, machine: RemoteMachine, devices: Devices
) -> Reached | None:
    found = next((each for each in devices.adapters if each.id == change.adapter_id), None)
    if found is None:
        return None
    is_there = change.network_id in (None, found.network_id)
    return _yes(is_there and (not change.address or change.address in found.addresses))


def _rename_checkpoint(
    change: changes.RenameCheckpoint, machine: RemoteMachine, devices: Devices
) -> Reached | None:
    wanted = (change.checkpoint_id, change.name, change.description.strip())
    return _yes(any((c.id, c.name, c.description) == wanted for c in devices.checkpoints))


def _gone(things: Collection[Any], id: uuid.UUID) -> Reached | None:
    return _yes(all(each.id != id for each in things))


def _rebuild(change: changes.Rebuild, machine: RemoteMachine, devices: Devices) -> Reached | None:
    """The books know the fresh disks before these are made: one that broke then is not done."""
    is_fresh = change.known.isdisjoint(disk.id for disk in devices.disks)
    is_done = bool(devices.disks and change.known) and is_fresh
    return _yes(is_done and machine.status not in BROKEN)


_LOOKS: Final[Mapping[type, Callable[[Any, RemoteMachine, Devices], Reached | None]]] = {
    changes.Configure: _configure,
    changes.AddDisk: lambda change, _, devices: _made(devices.disks, {"name": change.name}),
    changes.GrowDisk: _grow_disk,
    changes.RemoveDisk: lambda change, _, devices: _gone(devices.disks, change.disk_id),
    changes.AddAdapter: lambda change, _, devices: _made(
        devices.adapters, {"network_id": change.network_id}, change.known
    ),
    changes.ChangeAdapter: _change_adapter,
    changes.RemoveAdapter: lambda change, _, devices: _gone(devices.adapters, change.adapter_id),
    changes.MakeCheckpoint: lambda change, _, devices: _made(
        devices.checkpoints, {"name": change.name}, change.known
    ),
    changes.RestoreCheckpoint: lambda change, machine, devices: None,
    changes.RemoveCheckpoint: lambda change, _, devices: _gone(
        devices.checkpoints, change.checkpoint_id
    ),
    changes.RenameCheckpoint: _rename_checkpoint,
    changes.InsertMedia: lambda change, _, devices: _yes(devices.media_id == change.media_id),
    changes.EjectMedia: lambda change, _, devices: _yes(devices.media_id is None),
    changes.Store: lambda change, machine, _: _yes(machine.status == "Stored"),
    changes.DeployStored: lambda change, machine, _: _yes(
        machine.status not in {"Stored", "UnderMigration"} | BROKEN
    ),
    changes.Rebuild: _rebuild,
}
