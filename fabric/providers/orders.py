"""What the portal orders of an endpoint, in plain values. Units: memory MB, storage GB."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from fabric.providers.guests import GuestInputs


@dataclass(frozen=True)
class MemberRole:
    """A role inside a tenant's, for a person who may less than all. Its limits count within the
    tenant's; `machines` are the far side's ids of those it may see beside its own, None for all."""

    id: uuid.UUID
    name: str
    email: str
    permissions: tuple[str, ...]
    limits: Mapping[str, int | None] = field(default_factory=dict)
    machines: tuple[uuid.UUID, ...] | None = None


@dataclass(frozen=True)
class TenantOrder:
    """A subscription to bring into being: SPF tenant, VMM user role, its scope and limits.

    `id` is the subscription's and becomes the role's; a limit of None is no limit. `people` are
    the mail addresses of those who may all the role may, `members` those who have a role inside it.
    `resources` are (VMTemplate | HardwareProfile | VMNetwork | VirtualHardDisk | ISO, id).
    """

    id: uuid.UUID
    name: str
    people: tuple[str, ...]
    stamp_id: uuid.UUID
    cloud_id: uuid.UUID
    limits: Mapping[str, int | None]
    permissions: tuple[str, ...]
    resources: tuple[tuple[str, uuid.UUID], ...]
    members: tuple[MemberRole, ...] = ()


@dataclass(frozen=True)
class OrderedAdapter:
    """A network by its name; `address` is a fixed one, "" has the network's pool choose."""

    network_name: str
    address: str = ""


@dataclass(frozen=True, kw_only=True)
class MachineOrder(GuestInputs):
    """A machine to make. `tag` is our own id and finds it again.

    It is made from `template_id`, or is a copy of `source_machine_id`, or what that was at
    `source_checkpoint_id`: a copy takes no guest inputs, and its adapters are its source's.
    """

    tag: str
    name: str
    description: str
    stamp_id: uuid.UUID
    cloud_id: uuid.UUID
    template_id: uuid.UUID | None = None
    source_machine_id: uuid.UUID | None = None
    source_checkpoint_id: uuid.UUID | None = None
    cores: int | None = None
    memory_mb: int | None = None
    adapters: tuple[OrderedAdapter, ...] = ()
    start: bool = True


@dataclass(frozen=True)
class Accepted:
    """The far side took it: its object, if there is one, and the job that does the work."""

    object_id: uuid.UUID | None
    job_id: uuid.UUID | None
