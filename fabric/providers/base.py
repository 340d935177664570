"""The provider contract: what the portal asks of an SPF, in plain values.

Every verb makes as few calls as it can and none waits for work to finish: what takes time is
answered with the id of the far side's job. `ensure_…` verbs may be repeated: they look for what an
earlier call, whose reply was lost, has already made. Units: memory MB, storage GB.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from fabric.providers.abilities import Description
from fabric.providers.changes import Change
from fabric.providers.guests import GuestInputs


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
class RemoteNetwork:
    id: uuid.UUID
    name: str
    description: str
    logical_network_id: uuid.UUID | None
    isolation: str


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


class Provider(Protocol):
    """One registered endpoint. `tenant` is the role in whose name a call is made (a subscription's,
    or a member's inside it), `person` the mail address of the human; without them a call is the
    administrator's.
    """

    def check(self) -> Collection[str]:
        """Read the Admin service's stamps and both `$metadata`; return the names of the optional
        abilities this endpoint has (`job_steps`, …). Raises any ProviderFault."""

    def describe(self) -> Description:
        """Read the same, and return all that is to be remembered of it."""

    def check_account(self) -> tuple[AccountCheck, ...]:
        """Knock at every service with the account; return what each one said. Raises nothing: an
        endpoint that is away is an answer as well."""

    def stamps(self) -> tuple[RemoteStamp, ...]:
        """Return the registered stamps."""

    def ensure_stamp(self, name: str) -> RemoteStamp:
        """Return the stamp of this VMM server, registered if it was not (§10.3)."""

    def inventory(self, stamp_id: uuid.UUID) -> Inventory:
        """Read everything a stamp offers."""

    def ensure_tenant(self, order: TenantOrder) -> None:
        """Make the SPF tenant, link it to the stamp, give its role scope, quota, permissions,
        resources and the roles inside it. Repeatable, also to change them.

        A role inside that goes leaves its machines to the tenant's: raises Throttled until it has
        them. So does `ensure_gone_tenant`."""

    def ensure_gone_tenant(self, order: TenantOrder) -> None:
        """Remove the roles and the SPF tenant; returning proves that they are gone. Raises Rejected
        while the role still has machines."""

    def ensure_machine(
        self, order: MachineOrder, *, tenant: uuid.UUID, person: str, first_try: bool
    ) -> Accepted:
        """Make a machine. Unless this is the first try, look for the tag before; one whose creation
        failed is repaired (retried) instead of made again."""

    def operate(
        self,
        machine_id: uuid.UUID,
        operation: str,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
    ) -> Accepted:
        """Set `Operation`: Start, Stop, Shutdown, Suspend, Resume, …"""

    def change(
        self,
        change: Change,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
        first_try: bool,
        key: str,
    ) -> Accepted | None:
        """Change a machine or what hangs on it; None when it is so already. Unless this is the
        first try, look whether an earlier one has reached it. `key` is the same in all tries."""

    def devices(self, stamp_id: uuid.UUID, machine_ids: Iterable[uuid.UUID]) -> tuple[Devices, ...]:
        """Return what hangs on these machines (queried 40 at a time), the administrator's. One that
        is not there is left out."""

    def remove_machine(
        self, machine_id: uuid.UUID, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> Accepted | None:
        """Delete a machine and its disks; None when there is none any more."""

    def find_machine(
        self, tag: str, name: str, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> RemoteMachine | None:
        """Return the machine that carries our tag; None proves that there is none.

        Raises Unreachable while the stamp shows no cloud: absence proves nothing then."""

    def jobs(self, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> tuple[RemoteJob, ...]:
        """Return what is known of these jobs: one query for up to 40, the administrator's."""

    def machines(
        self, stamp_id: uuid.UUID, ids: Iterable[uuid.UUID] | None = None
    ) -> tuple[RemoteMachine, ...]:
        """Return all machines of a stamp, or these (queried 40 at a time), with their addresses.
        A row that cannot be understood is left out and logged, never spoils the list."""

    def changes(self, stamp_id: uuid.UUID, since: datetime) -> Changes:
        """Return the machines of a stamp modified after a time, which is one that a machine's
        `modified_at` told. Raises Rejected where that cannot be asked for."""

    def load(self, stamp_id: uuid.UUID, machine_id: uuid.UUID, frame: str) -> tuple[Curve, ...]:
        """Return the four load curves of a machine for hour, day or month."""
