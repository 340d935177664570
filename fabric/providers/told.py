"""What an endpoint tells, in plain values. Units: memory MB, storage GB unless the name says so."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class RemoteStamp:
    id: uuid.UUID
    name: str


@dataclass(frozen=True)
class RemoteCloud:
    """A limit of None is no limit. `used` by machines, cores, memory_mb, storage_gb."""

    id: uuid.UUID
    name: str
    description: str
    cores: int | None
    memory_mb: int | None
    storage_gb: int | None
    machines: int | None
    used: Mapping[str, int]
    logical_network_ids: tuple[uuid.UUID, ...]


@dataclass(frozen=True)
class RemoteTemplate:
    """`min_…` and `max_…` are what a machine of it may have, None where nothing is said."""

    id: uuid.UUID
    name: str
    description: str
    os_name: str
    os_type: str
    cores: int
    memory_mb: int
    storage_gb: int
    generation: int | None
    adapters: int
    cloud_id: uuid.UUID | None
    min_cores: int | None = None
    max_cores: int | None = None
    min_memory_mb: int | None = None
    max_memory_mb: int | None = None


@dataclass(frozen=True)
class RemoteProfile:
    id: uuid.UUID
    name: str
    description: str
    cores: int
    memory_mb: int


@dataclass(frozen=True)
class RemotePool:
    """Addresses that a network gives, first to last; it keeps those of the other fields."""

    first: str
    last: str
    reserved: tuple[tuple[str, str], ...] = ()
    gateways: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()


@dataclass(frozen=True)
class RemoteNetwork:
    """`subnets` are its prefixes such as 10.20.0.0/24, lowest first; none: they are not known.

    `pools` are its static address pools, lowest first; None: they are not known.
    """

    id: uuid.UUID
    name: str
    description: str
    logical_network_id: uuid.UUID | None
    isolation: str
    subnets: tuple[str, ...] = ()
    pools: tuple[RemotePool, ...] | None = None


@dataclass(frozen=True)
class RemoteLibraryDisk:
    """A disk of the library that machines can be given a copy of."""

    id: uuid.UUID
    name: str
    description: str
    size_gb: int
    os_name: str


@dataclass(frozen=True)
class RemoteMedia:
    """An ISO image of the library."""

    id: uuid.UUID
    name: str
    description: str
    size_mb: int


@dataclass(frozen=True)
class Inventory:
    """What a stamp offers. `lacks_rights`: the account sees nothing because it may not."""

    clouds: tuple[RemoteCloud, ...]
    templates: tuple[RemoteTemplate, ...]
    profiles: tuple[RemoteProfile, ...]
    networks: tuple[RemoteNetwork, ...]
    lacks_rights: bool
    library_disks: tuple[RemoteLibraryDisk, ...] = ()
    media: tuple[RemoteMedia, ...] = ()


@dataclass(frozen=True)
class RemoteStep:
    """`state` is pending, running, done or failed; times as the far side tells them."""

    title: str
    state: str
    percent: int
    started_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class RemoteJob:
    """`steps` is empty where the endpoint does not tell them (Microsoft's)."""

    id: uuid.UUID
    completed: bool
    succeeded: bool
    status: str
    percent: int
    steps: tuple[RemoteStep, ...]
    problem: str
    advice: str


@dataclass(frozen=True)
class RemoteMachine:
    """`status` is SPF's Status vocabulary (Running, PowerOff, UnderCreation, …).

    `addresses` of None are not told here: ask for the machine alone. Both times are by the far
    side's clock, None where it tells none.
    """

    id: uuid.UUID
    tag: str
    name: str
    status: str
    status_text: str
    cores: int
    memory_mb: int
    os_name: str
    addresses: tuple[str, ...] | None
    host_name: str
    job_id: uuid.UUID | None
    owner_role_id: uuid.UUID | None
    created_at: datetime | None = None
    modified_at: datetime | None = None
    description: str = ""


@dataclass(frozen=True)
class RemoteDisk:
    """`is_boot`: the one the machine starts from, which can be enlarged but not removed."""

    id: uuid.UUID
    machine_id: uuid.UUID
    name: str
    size_gb: int
    bus_type: str
    bus: int
    lun: int
    is_boot: bool


@dataclass(frozen=True)
class RemoteAdapter:
    """`is_static`: its address was given to it rather than got by DHCP."""

    id: uuid.UUID
    machine_id: uuid.UUID
    slot: int
    network_id: uuid.UUID | None
    network_name: str
    mac: str
    is_static: bool
    addresses: tuple[str, ...]


@dataclass(frozen=True)
class RemoteCheckpoint:
    id: uuid.UUID
    machine_id: uuid.UUID
    parent_id: uuid.UUID | None
    name: str
    description: str
    created_at: datetime | None


@dataclass(frozen=True)
class Devices:
    """What hangs on one machine. `current_checkpoint_id`: the one its state of now goes back to;
    `media_id`: what lies in its DVD drive."""

    machine_id: uuid.UUID
    disks: tuple[RemoteDisk, ...]
    adapters: tuple[RemoteAdapter, ...]
    checkpoints: tuple[RemoteCheckpoint, ...]
    media_id: uuid.UUID | None = None
    current_checkpoint_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Changes:
    """Machines changed since a time, and how many there are in all (None: it does not count)."""

    machines: tuple[RemoteMachine, ...]
    count: int | None


@dataclass(frozen=True)
class Curve:
    """One counter of one machine: cpu in %, memory in MB, storage in IOPS, network in kB/s."""

    counter: str
    samples: tuple[int, ...]
    times: tuple[datetime, ...]


@dataclass(frozen=True)
class AccountCheck:
    """What one service told the account; `group` is the one that opens it. Without `ok`, `problem`
    says what is missing and `advice` what to do about it."""

    service: str
    group: str
    ok: bool
    problem: str = ""
    advice: str = ""
