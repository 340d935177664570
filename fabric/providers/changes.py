"""What can be changed of a machine: one dataclass for each, as `Provider.change` takes them.

Ids are the far side's. `known` tells what an earlier try, whose reply was lost, has made: one that
is not among those the machine had before.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from fabric.providers.guests import GuestInputs


@dataclass(frozen=True)
class Configure:
    """None leaves a value as it is."""

    machine_id: uuid.UUID
    name: str | None = None
    description: str | None = None
    cores: int | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class AddDisk:
    """An empty disk of a size, or a copy of a disk of the library. Its name finds it again."""

    machine_id: uuid.UUID
    name: str
    size_gb: int | None = None
    library_disk_id: uuid.UUID | None = None


@dataclass(frozen=True)
class GrowDisk:
    machine_id: uuid.UUID
    disk_id: uuid.UUID
    size_gb: int


@dataclass(frozen=True)
class RemoveDisk:
    machine_id: uuid.UUID
    disk_id: uuid.UUID


@dataclass(frozen=True)
class AddAdapter:
    """`known` are all adapters it had when this was first asked for. `address` is a fixed one, ""
    has the network's pool choose."""

    machine_id: uuid.UUID
    network_id: uuid.UUID
    known: frozenset[uuid.UUID]
    address: str = ""


@dataclass(frozen=True)
class ChangeAdapter:
    """None leaves network or address as it is."""

    machine_id: uuid.UUID
    adapter_id: uuid.UUID
    network_id: uuid.UUID | None = None
    address: str | None = None


@dataclass(frozen=True)
class RemoveAdapter:
    machine_id: uuid.UUID
    adapter_id: uuid.UUID


@dataclass(frozen=True)
class MakeCheckpoint:
    """`known` are all checkpoints it had when this was first asked for."""

    machine_id: uuid.UUID
    name: str
    known: frozenset[uuid.UUID]
    description: str = ""


@dataclass(frozen=True)
class RestoreCheckpoint:
    machine_id: uuid.UUID
    checkpoint_id: uuid.UUID


@dataclass(frozen=True)
class RemoveCheckpoint:
    machine_id: uuid.UUID
    checkpoint_id: uuid.UUID


@dataclass(frozen=True)
class RenameCheckpoint:
    machine_id: uuid.UUID
    checkpoint_id: uuid.UUID
    name: str
    description: str


@dataclass(frozen=True)
class InsertMedia:
    machine_id: uuid.UUID
    media_id: uuid.UUID


@dataclass(frozen=True)
class EjectMedia:
    machine_id: uuid.UUID


@dataclass(frozen=True)
class Store:
    """Move a stopped machine into the library, off its host."""

    machine_id: uuid.UUID


@dataclass(frozen=True)
class DeployStored:
    """Bring a stored machine back onto a host."""

    machine_id: uuid.UUID


@dataclass(frozen=True, kw_only=True)
class Rebuild(GuestInputs):
    """Fresh disks from a template for the same machine: its MACs and addresses stay. `known` are
    the disks it had when this was first asked for."""

    machine_id: uuid.UUID
    template_id: uuid.UUID
    known: frozenset[uuid.UUID]


Change = (
    Configure
    | AddDisk
    | GrowDisk
    | RemoveDisk
    | AddAdapter
    | ChangeAdapter
    | RemoveAdapter
    | MakeCheckpoint
    | RestoreCheckpoint
    | RemoveCheckpoint
    | RenameCheckpoint
    | InsertMedia
    | EjectMedia
    | Store
    | DeployStored
    | Rebuild
)
