"""SPFProvider: the contract's verbs, each as the calls it takes; base.py says what they promise."""

from __future__ import annotations

import os
import uuid
import weakref
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

import httpx

from fabric.odata import filter
from fabric.odata.uri import entity_url
from fabric.providers import requiring
from fabric.providers.abilities import (
    ADAPTER_ADDRESSES,
    CHANGES,
    CHECKPOINTS,
    JOB_STEPS,
    LOAD,
    MEMBER_ROLES,
    Description,
)
from fabric.providers.base import (
    Accepted,
    AccountCheck,
    Changes,
    Curve,
    Devices,
    Inventory,
    MachineOrder,
    RemoteJob,
    RemoteMachine,
    RemoteStamp,
    TenantOrder,
)
from fabric.providers.changes import Change
from fabric.providers.errors import Forbidden, Missing, Rejected, Unreachable
from fabric.providers.spf import (
    account,
    describing,
    devices,
    guests,
    inventory,
    lookups,
    members,
    orders,
    reading,
    tenancy,
    tries,
)
from fabric.providers.spf.changing import AT_ONCE, Call
from fabric.providers.spf.reading import Row
from fabric.providers.spf.session import Session, query

MACHINES_IN_ONE_PAGE: Final = 1000
ADAPTERS: Final = "VirtualNetworkAdapters"
CREATION_FAILED: Final = frozenset({"CreationFailed", "CustomizationFailed"})
CREATE_REQUESTS: Final = uuid.UUID("5f1b7a52-6c1e-5f0e-9a44-3d1c1f6f0c11")


class SPFProvider:
    """A client of one endpoint; threads may share it, and its connections are kept.

    `transport` stands in for the network. `capabilities` are what an earlier `check` returned,
    `described` is all that an earlier `describe` did.
    """

    def __init__(
        self,
        url: str,
        username: str,
        password: str,
        *,
        authority_pem: str = "",
        transport: httpx.BaseTransport | None = None,
        timeout: float = 20.0,
        capabilities: Collection[str] = frozenset(),
        described: Description | None = None,
    ) -> None:
        self.described = described
        self.capabilities = described.abilities if described else frozenset(capabilities)
        self._username = username
        self._session = Session(
            url,
            username,
            password,
            authority_pem=authority_pem,
            transport=transport,
            timeout=timeout,
        )
        if described:
            self._session.version = described.version
        # Whoever is in a call still holds the client; a forked child leaves its parent's alone.
        ended = weakref.finalize(self, _close_own, self._session, os.getpid())
        ended.atexit = False

    def __repr__(self) -> str:
        return f"SPFProvider({self._session.place!r})"

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def check(self) -> Collection[str]:
        return self.describe().abilities

    def describe(self) -> Description:
        self.described = describing.describe(self._session)
        self.capabilities = self.described.abilities
        return self.described

    def check_account(self) -> tuple[AccountCheck, ...]:
        return account.check(self._session, self._username)

    @property
    def _lacking(self) -> frozenset[str]:
        """The abilities that the endpoint said it does not have."""
        return self.described.lacks if self.described else frozenset()

    def _lacks(self, ability: str) -> bool:
        return ability in self._lacking

    @property
    def _without(self) -> frozenset[str]:
        """What the generation found does not know."""
        return self.described.without if self.described else frozenset()

    def stamps(self) -> tuple[RemoteStamp, ...]:
        return tenancy.stamps(self._session)

    def ensure_stamp(self, name: str) -> RemoteStamp:
        return tenancy.ensure_stamp(self._session, name)

    def inventory(self, stamp_id: uuid.UUID) -> Inventory:
        return inventory.read(
            self._session, stamp_id, self._username, with_usage=JOB_STEPS in self.capabilities
        )

    def ensure_tenant(self, order: TenantOrder) -> None:
        tenancy.ensure_tenant(self._session, order, self._without)
        is_known = MEMBER_ROLES in self.capabilities
        if is_known or (order.members and not self._lacks(MEMBER_ROLES)):
            members.ensure(self._session, order, self._without)

    def ensure_gone_tenant(self, order: TenantOrder) -> None:
        tenancy.ensure_gone_tenant(self._session, order)

    def ensure_machine(
        self, order: MachineOrder, *, tenant: uuid.UUID, person: str, first_try: bool
    ) -> Accepted:
        requiring.require_order(order, self._lacking)
        if not first_try:
            found = self.find_machine(
                order.tag, order.name, stamp_id=order.stamp_id, tenant=tenant, person=person
            )
            if found is not None:
                return self._adopt(found, order, tenant=tenant, person=person)
        answer = self._session.create(
            self._session.vmm("VirtualMachines", tenant) + AT_ONCE,
            orders.fit(orders.machine(order), "VirtualMachines", self._without),
            headers={
                **_principal(person),
                # Our SPF makes one machine of all requests with the same id.
                "x-ms-client-request-id": str(uuid.uuid5(CREATE_REQUESTS, order.tag)),
            },
            secrets=order.secrets,
        )
        return Accepted(answer.id, answer.job_id or reading.guid(answer.row, "MostRecentTaskId"))

    def _adopt(
        self, found: RemoteMachine, order: MachineOrder, *, tenant: uuid.UUID, person: str
    ) -> Accepted:
        """Take what an earlier try has made; a creation that failed is tried again in place."""
        if found.status not in CREATION_FAILED:
            return Accepted(found.id, found.job_id)
        return self._operate(
            found.id,
            orders.operation("Repair", Retry=True),
            stamp_id=order.stamp_id,
            tenant=tenant,
            person=person,
        )

    def operate(
        self,
        machine_id: uuid.UUID,
        operation: str,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
    ) -> Accepted:
        body = orders.operation(operation)
        return self._operate(machine_id, body, stamp_id=stamp_id, tenant=tenant, person=person)

    def _operate(
        self,
        machine_id: uuid.UUID,
        body: orders.Body,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
    ) -> Accepted:
        url = self._session.vmm(_machine(machine_id, stamp_id), tenant) + AT_ONCE
        body = orders.fit(body, "VirtualMachines", self._without)
        answer = self._session.merge(url, body, headers=_principal(person))
        return Accepted(machine_id, answer.job_id)

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
        requiring.require_change(change, self._lacking)
        machine_id = change.machine_id
        call = Call(self._session, stamp_id, tenant, machine_id, _principal(person), self._without)
        if first_try:
            return tries.first(call, change, key)
        return tries.again(
            call,
            change,
            key,
            expand=self._device_names(),
            jobs=lambda id: next(iter(self.jobs(stamp_id, [id])), None),
        )

    def devices(self, stamp_id: uuid.UUID, machine_ids: Iterable[uuid.UUID]) -> tuple[Devices, ...]:
        rows = self._by_ids("VirtualMachines", stamp_id, machine_ids, self._device_names())
        return reading.each(devices.read, rows, "VirtualMachines")

    def _device_names(self) -> str:
        return devices.EXPAND + ("" if self._lacks(CHECKPOINTS) else devices.CHECKPOINTS)

    def remove_machine(
        self, machine_id: uuid.UUID, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> Accepted | None:
        url = self._session.vmm(_machine(machine_id, stamp_id), tenant) + AT_ONCE
        try:
            answer = self._session.send("DELETE", url, headers=_principal(person))
        except Missing:
            # Not seen by the tenant is not yet gone.
            if self.machines(stamp_id, [machine_id]):
                raise Forbidden(
                    "The machine exists, but not for this subscription.",
                    advice="Ask your provider: the machine may have another owner in VMM.",
                ) from None
            return None
        return Accepted(machine_id, answer.job_id)

    def find_machine(
        self, tag: str, name: str, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> RemoteMachine | None:
        """Ask by name, which SPF can filter, then among all, because in VMM a machine may have been
        renamed; without a user role nobody but the administrator could see it."""
        of_stamp = filter.eq("StampId", stamp_id)
        by_name = filter.all_of(of_stamp, filter.eq("Name", name))
        try:
            found = self._tagged(tag, tenant, by_name) or self._tagged(tag, tenant, of_stamp)
        except Missing:
            found = self._tagged(tag, None, by_name)
        if found is None:
            self._require_clouds(of_stamp)
        return found

    def _require_clouds(self, of_stamp: str) -> None:
        """A stamp that shows no cloud shows no machine either: absence proves nothing then."""
        if not self._session.rows(self._session.vmm("Clouds") + query(filter=of_stamp)):
            raise Unreachable(
                "SPF shows no cloud of this VMM server, so nothing is known of its machines.",
                advice="The server may be unlinked in SPF, or the account may lack rights in VMM.",
            )

    def _tagged(self, tag: str, tenant: uuid.UUID | None, condition: str) -> RemoteMachine | None:
        """The machine with this tag among those of the filter; one that works goes first."""
        url = self._session.vmm("VirtualMachines", tenant)
        rows = self._session.rows(url + query(filter=condition, expand=ADAPTERS))
        machines = reading.each(reading.machine, rows, "VirtualMachines")
        found = [machine for machine in machines if machine.tag == tag]
        return min(found, key=lambda each: each.status in CREATION_FAILED, default=None)

    def jobs(self, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> tuple[RemoteJob, ...]:
        expand = "Steps" if JOB_STEPS in self.capabilities else ""
        return reading.each(reading.job, self._by_ids("Jobs", stamp_id, ids, expand), "Jobs")

    def machines(
        self, stamp_id: uuid.UUID, ids: Iterable[uuid.UUID] | None = None
    ) -> tuple[RemoteMachine, ...]:
        if ids is None:
            return self._all_machines(stamp_id, filter.eq("StampId", stamp_id))
        rows = self._by_ids("VirtualMachines", stamp_id, ids, ADAPTERS)
        return self._read(stamp_id, rows, with_guests=True)

    def changes(self, stamp_id: uuid.UUID, since: datetime) -> Changes:
        of_stamp = filter.eq("StampId", stamp_id)
        if self._lacks(CHANGES):
            raise Rejected("This SPF does not tell when a machine was changed.")
        # As the rows are told: a service that compares wall clocks is asked by its own.
        moment = since.replace(tzinfo=None).isoformat(timespec="microseconds")
        since_then = f"{of_stamp} and ModifiedTime gt datetime'{moment}'"
        told = self._all_machines(stamp_id, since_then, guests_of=lookups.IDS_IN_ONE_QUERY)
        count = self._session.count(self._session.vmm("VirtualMachines"), of_stamp)
        return Changes(told, count)

    def _all_machines(
        self, stamp_id: uuid.UUID, condition: str, *, guests_of: int = 0
    ) -> tuple[RemoteMachine, ...]:
        """Read page by page: twenty thousand machines with all that is told of them are more than
        one answer may be, and more than a worker should hold. `guests_of` so many are asked."""
        url = self._session.vmm("VirtualMachines") + query(filter=condition, expand=ADAPTERS)
        found: list[RemoteMachine] = []
        for rows in self._session.pages(url, size=MACHINES_IN_ONE_PAGE):
            is_few = len(found) + len(rows) <= guests_of
            found += self._read(stamp_id, rows, with_guests=is_few)
        return tuple(found)

    def _read(
        self, stamp_id: uuid.UUID, rows: Sequence[Row], *, with_guests: bool = False
    ) -> tuple[RemoteMachine, ...]:
        """Read rows of machines; where adapters tell no addresses, those of guests if wanted."""
        if not self._lacks(ADAPTER_ADDRESSES):
            return reading.each(reading.machine, rows, "VirtualMachines")
        told = guests.read(self._session, stamp_id, rows) if with_guests else {}

        def read(row: Row) -> RemoteMachine:
            return reading.machine(row, guests.of(row, told))

        return reading.each(read, rows, "VirtualMachines")

    def load(self, stamp_id: uuid.UUID, machine_id: uuid.UUID, frame: str) -> tuple[Curve, ...]:
        if self._lacks(LOAD):
            return ()
        condition = filter.all_of(
            filter.eq("StampId", stamp_id),
            filter.eq("VMId", machine_id),
            filter.eq("TimeFrame", frame),
        )
        rows = self._session.rows(self._session.vmm("PerformanceData") + query(filter=condition))
        return reading.curves(rows)

    def _by_ids(
        self, name: str, stamp_id: uuid.UUID, ids: Iterable[uuid.UUID], expand: str
    ) -> list[Row]:
        """Return the rows of a set with these ids, as the administrator."""
        is_ours = JOB_STEPS in self.capabilities
        size = lookups.IDS_IN_ONE_QUERY if is_ours else lookups.IDS_IN_ONE_QUERY_OF_IIS
        return lookups.by_ids(self._session, name, stamp_id, ids, expand, size=size)


def _close_own(session: Session, pid: int) -> None:
    if os.getpid() == pid:
        session.close()


def _machine(machine_id: uuid.UUID, stamp_id: uuid.UUID) -> str:
    return entity_url("VirtualMachines", {"ID": machine_id, "StampId": stamp_id})


def _principal(person: str) -> dict[str, str]:
    """The header that names the human; what a header cannot carry is percent-encoded."""
    if not person:
        return {}
    is_plain = person.isascii() and person.isprintable() and "%" not in person
    return {"x-ms-principal-id": person if is_plain else quote(person, safe="@")}
