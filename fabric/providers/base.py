"""The provider contract: what the portal asks of an SPF, in plain values.

Every verb makes as few calls as it can and none waits for work to finish: what takes time is
answered with the id of the far side's job. `ensure_…` verbs may be repeated: they look for what an
earlier call, whose reply was lost, has already made. Units: memory MB, storage GB.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

from fabric.providers.abilities import Description
from fabric.providers.changes import Change
from fabric.providers.orders import (
    Accepted,
    MachineOrder,
    MemberRole,
    OrderedAdapter,
    TenantOrder,
)
from fabric.providers.told import (
    AccountCheck,
    Changes,
    Curve,
    Devices,
    Inventory,
    RemoteAdapter,
    RemoteCheckpoint,
    RemoteCloud,
    RemoteDisk,
    RemoteJob,
    RemoteLibraryDisk,
    RemoteMachine,
    RemoteMedia,
    RemoteNetwork,
    RemotePool,
    RemoteProfile,
    RemoteStamp,
    RemoteStep,
    RemoteTemplate,
)

__all__ = [
    "Accepted",
    "AccountCheck",
    "Changes",
    "Curve",
    "Devices",
    "Inventory",
    "MachineOrder",
    "MemberRole",
    "OrderedAdapter",
    "Provider",
    "RemoteAdapter",
    "RemoteCheckpoint",
    "RemoteCloud",
    "RemoteDisk",
    "RemoteJob",
    "RemoteLibraryDisk",
    "RemoteMachine",
    "RemoteMedia",
    "RemoteNetwork",
    "RemotePool",
    "RemoteProfile",
    "RemoteStamp",
    "RemoteStep",
    "RemoteTemplate",
    "TenantOrder",
]


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
