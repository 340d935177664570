"""What the fake cloud refuses: orders and changes that VMM would refuse as well, in its words."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import Final

from fabric.providers import changes
from fabric.providers.base import MachineOrder, RemoteNetwork, TenantOrder
from fabric.providers.changes import Change
from fabric.providers.errors import Forbidden, Missing, Rejected
from fabric.providers.fake.world import FakeMachine

SETTLED: Final = frozenset({"Running", "PowerOff", "Paused", "Saved"})
DEPLOY: Final = ("Create", "CreateFromVHDOrTemplate")
CHANGE: Final = ("Author", *DEPLOY)
# One of these permissions is enough.
PERMISSIONS: Final[Mapping[type, tuple[str, ...]]] = {
    changes.MakeCheckpoint: ("Checkpoint",),
    changes.RemoveCheckpoint: ("Checkpoint",),
    changes.RenameCheckpoint: ("Checkpoint",),
    changes.RestoreCheckpoint: ("Checkpoint", "CheckpointRestoreOnly"),
    changes.Store: ("Store",),
    changes.DeployStored: ("Store",),
    changes.Rebuild: DEPLOY,
}
BEGINS: Final[Mapping[type, frozenset[str]]] = {
    changes.Store: frozenset({"PowerOff"}),
    changes.DeployStored: frozenset({"Stored"}),
    changes.Configure: SETTLED | {"Stored"},
    changes.RenameCheckpoint: SETTLED,
    changes.Rebuild: SETTLED | {"CreationFailed"},
}
_OF_DISKS: Final = (changes.AddDisk, changes.GrowDisk, changes.RemoveDisk, changes.Store)

Sizes = Mapping[str, int]


def require_order(
    role: TenantOrder, order: MachineOrder, networks: Collection[RemoteNetwork]
) -> None:
    """Raise unless the role may make this machine."""
    require_any(role, DEPLOY)
    if order.cloud_id != role.cloud_id:
        raise Rejected("The cloud is not in the scope of the user role.")
    granted = set(role.resources)
    if order.template_id is not None and ("VMTemplate", order.template_id) not in granted:
        raise Rejected("The template is not granted to the user role.")
    seen = {each.name: each for each in networks if ("VMNetwork", each.id) in granted}
    for adapter in order.adapters:
        if adapter.network_name not in seen:
            raise Rejected(f"There is no VM network {adapter.network_name}.")
        require_address(seen[adapter.network_name], adapter.address)


def require_address(network: RemoteNetwork, address: str) -> None:
    """Raise unless a pool of the network has a fixed address to give, where pools are known."""
    if not address or network.pools is None:
        return
    pool = next((each for each in network.pools if _within(address, each.first, each.last)), None)
    if pool is None:
        raise Rejected(f"{address} is in no address pool of the network {network.name}.")
    if any(_within(address, *ends) for ends in pool.reserved):
        raise Rejected(f"{address} is reserved in the network {network.name}.")
    if address in (*pool.gateways, *pool.dns_servers):
        raise Rejected(f"{address} is kept in the network {network.name}.")


def _within(address: str, first: str, last: str) -> bool:
    return int(ip_address(first)) <= int(ip_address(address)) <= int(ip_address(last))


def require_quota(role: TenantOrder, more: Sizes, existing: Collection[FakeMachine]) -> None:
    """Raise when the role's limits would be passed."""
    for name, limit in role.limits.items():
        used = sum(machine.size[name] for machine in existing)
        wanted = more.get(name, 0)
        if limit is not None and wanted and used + wanted > limit:
            raise Rejected(f"The quota of the user role is exceeded: {name} {used} of {limit}.")


def require_off(machine: FakeMachine) -> None:
    """Raise unless the machine is off: while it runs, no whole copy can be made of it."""
    if machine.status != "PowerOff":
        raise Rejected(f"The machine is {machine.status}: it cannot be cloned.")


def require_any(role: TenantOrder, permissions: Collection[str]) -> None:
    """Raise Forbidden unless the role has one of the permissions."""
    if not set(permissions) & set(role.permissions):
        raise Forbidden(f"The user role does not permit {next(iter(permissions))}.")


def require_change(
    change: Change,
    machine: FakeMachine,
    role: TenantOrder,
    *,
    networks: Collection[RemoteNetwork],
    media: Collection[uuid.UUID],
    library: Mapping[uuid.UUID, int],
) -> Sizes:
    """Raise unless the role may change the machine so; return what it takes more of the quota."""
    require_any(role, PERMISSIONS.get(type(change), CHANGE))
    if machine.status not in BEGINS.get(type(change), SETTLED):
        raise Rejected(f"That is not possible while the machine is {machine.status}.")
    if isinstance(change, _OF_DISKS) and machine.parts.checkpoints:
        raise Rejected("The machine has checkpoints: its disks stay as they are.")
    match change:
        case changes.Configure():
            cores, memory_mb = change.cores or machine.cores, change.memory_mb or machine.memory_mb
            return {"cores": cores - machine.cores, "memory_mb": memory_mb - machine.memory_mb}
        case changes.AddDisk() | changes.GrowDisk() | changes.RemoveDisk():
            granted = {id for kind, id in role.resources if kind == "VirtualHardDisk"}
            offered = {id: size for id, size in library.items() if id in granted}
            return {"storage_gb": _of_disk(change, machine, offered)}
        case changes.AddAdapter() | changes.ChangeAdapter():
            _require_on_network(change, machine, role, networks)
        case changes.InsertMedia():
            granted = {id for kind, id in role.resources if kind == "ISO"} or set(media)
            if change.media_id not in granted & set(media):
                raise Rejected("There is no such ISO image.")
        case changes.Rebuild() if ("VMTemplate", change.template_id) not in role.resources:
            raise Rejected("The template is not granted to the user role.")
    _require_there(change, machine)
    return {}


def _require_on_network(
    change: changes.AddAdapter | changes.ChangeAdapter,
    machine: FakeMachine,
    role: TenantOrder,
    networks: Collection[RemoteNetwork],
) -> None:
    """Raise unless the role has the network, and the network the address."""
    granted = {id for kind, id in role.resources if kind == "VMNetwork"}
    seen = {each.id: each for each in networks}
    if change.network_id is not None and change.network_id not in granted & seen.keys():
        raise Rejected("There is no such VM network.")
    there = change.network_id
    if there is None and isinstance(change, changes.ChangeAdapter):
        ids = {each.id: each.network_id for each in machine.parts.adapters}
        there = ids.get(change.adapter_id)
    if there in seen:
        require_address(seen[there], change.address or "")


def _of_disk(
    change: changes.AddDisk | changes.GrowDisk | changes.RemoveDisk,
    machine: FakeMachine,
    library: Mapping[uuid.UUID, int],
) -> int:
    """The gigabytes a change of disks takes more."""
    if isinstance(change, changes.AddDisk):
        if any(disk.name == change.name for disk in machine.parts.disks):
            raise Rejected(f"There is already a disk {change.name}.")
        if change.library_disk_id is None:
            return change.size_gb or 0
        if change.library_disk_id not in library:
            raise Rejected("There is no such disk in the library.")
        return library[change.library_disk_id]
    found = next((disk for disk in machine.parts.disks if disk.id == change.disk_id), None)
    if found is None:
        raise Missing("There is no such disk.")
    if isinstance(change, changes.RemoveDisk):
        if found.is_boot:
            raise Rejected("The disk is the first one: it cannot be removed.")
        return -found.size_gb
    if change.size_gb <= found.size_gb:
        raise Rejected(f"The disk has {found.size_gb} GB already.")
    return change.size_gb - found.size_gb


def _require_there(change: Change, machine: FakeMachine) -> None:
    """Raise Missing when what the change is of is not there."""
    parts = machine.parts
    known = {
        "adapter_id": {each.id for each in parts.adapters},
        "checkpoint_id": {each.id for each in parts.checkpoints},
    }
    for member, ids in known.items():
        if hasattr(change, member) and getattr(change, member) not in ids:
            raise Missing("There is no such thing on the machine.")
