"""FakeProvider: the contract over memory. Jobs go on with `tick()`, or at once when `instant`.

It can be told to misbehave: `plan("ensure_machine", "lose_reply")` does the work and then breaks
the connection; "unreachable" breaks it before; "fail" makes the job end badly; a fault is raised
as it is. Unlike our own SPF it makes a second machine of a doubled first try, as Microsoft's does.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fabric.providers import requiring
from fabric.providers.abilities import ALL, CHANGES, Description
from fabric.providers.base import (
    Accepted,
    AccountCheck,
    Changes,
    Curve,
    Inventory,
    MachineOrder,
    OrderedAdapter,
    RemoteJob,
    RemoteMachine,
    RemoteNetwork,
    RemoteStamp,
    RemoteTemplate,
    TenantOrder,
)
from fabric.providers.errors import (
    Forbidden,
    ProviderFault,
    Rejected,
)
from fabric.providers.fake import judging, world
from fabric.providers.fake.changing import Changing
from fabric.providers.fake.devices import copied, made_for
from fabric.providers.fake.world import FakeMachine

DIMENSIONS = ("machines", "cores", "memory_mb", "storage_gb")
COUNTERS = ("cpu", "memory", "storage", "network")
FRAMES = {"hour": timedelta(hours=1), "day": timedelta(days=1), "month": timedelta(days=30)}
SAMPLES = 12
DOORS = (
    ("Admin", "SPF_Admin"),
    ("VMM", "SPF_VMM"),
    ("VMM rights", "Administrator"),
    ("Provider", "SPF_Provider"),
    ("Usage", "SPF_Usage"),
)


class FakeProvider(Changing):
    """A cloud with one stamp; its lists may be changed by whoever holds it. Thread-safe."""

    def check(self) -> Collection[str]:
        with self._call("check"):
            return self.abilities

    def describe(self) -> Description:
        return Description(frozenset(self.check()))

    def check_account(self) -> tuple[AccountCheck, ...]:
        try:
            with self._call("check_account"):
                return tuple(self._checked(*door) for door in DOORS)
        except ProviderFault as fault:
            return tuple(AccountCheck(*door, ok=False, problem=fault.message) for door in DOORS)

    def _checked(self, service: str, group: str) -> AccountCheck:
        missing = self.lacks_rights and service == "VMM rights"
        if not missing and group not in self.shut_groups:
            return AccountCheck(service, group, ok=True)
        return AccountCheck(service, group, False, f"The account is not in {group}.", "Add it.")

    def stamps(self) -> tuple[RemoteStamp, ...]:
        with self._call("stamps"):
            return tuple(self.known_stamps)

    def ensure_stamp(self, name: str) -> RemoteStamp:
        with self._call("ensure_stamp"):
            for stamp in self.known_stamps:
                if stamp.name.casefold() == name.casefold():
                    return stamp
            self.known_stamps.append(RemoteStamp(uuid.uuid4(), name))
            return self.known_stamps[-1]

    def inventory(self, stamp_id: uuid.UUID) -> Inventory:
        with self._call("inventory"):
            if self.lacks_rights or stamp_id != self.stamp.id:
                return Inventory((), (), (), (), lacks_rights=self.lacks_rights)
            return Inventory(
                tuple(replace(cloud, used=self._used(cloud.id)) for cloud in self.clouds),
                tuple(self.templates),
                tuple(self.profiles),
                tuple(self.networks),
                lacks_rights=False,
                library_disks=tuple(self.library_disks),
                media=tuple(self.media),
            )

    def ensure_tenant(self, order: TenantOrder) -> None:
        with self._call("ensure_tenant") as fails:
            if fails or order.stamp_id != self.stamp.id:
                raise Rejected("The tenant could not be made.")
            if order.cloud_id not in {cloud.id for cloud in self.clouds}:
                raise Rejected("There is no such cloud.")
            before = self.roles.family(order.id)
            self.roles[order.id] = order
            for machine in self.held.values():
                if machine.tenant in before - self.roles.family(order.id):
                    machine.tenant = order.id

    def ensure_gone_tenant(self, order: TenantOrder) -> None:
        with self._call("ensure_gone_tenant") as fails:
            family = self.roles.family(order.id)
            if fails or any(machine.tenant in family for machine in self.held.values()):
                raise Rejected("The user role still owns virtual machines.")
            self.roles.pop(order.id, None)

    def ensure_machine(
        self, order: MachineOrder, *, tenant: uuid.UUID, person: str, first_try: bool
    ) -> Accepted:
        with self._call("ensure_machine") as fails:
            found = None if first_try else self._tagged(order.tag, tenant)
            if found is None:
                found = self._make(order, tenant)
            elif found.status != "CreationFailed":
                return Accepted(found.id, found.job_id)
            ends = "Running" if order.start else "PowerOff"
            return self._begin(
                found, through="UnderCreation", ends=ends, falls="CreationFailed", fails=fails
            )

    def _make(self, order: MachineOrder, tenant: uuid.UUID) -> FakeMachine:
        role = self.roles.role(tenant)
        judging.require_order(role, order, self.networks)
        requiring.require_order(order, ALL - self.abilities)
        id = uuid.uuid4()
        if order.template_id is None:
            source = self._source(order, tenant)
            template = source.template
            order = replace(
                order,
                cores=order.cores or source.cores,
                memory_mb=order.memory_mb or source.memory_mb,
            )
            parts = copied(source.parts, id, self._made)
        else:
            template = self._template(order.template_id)
            parts = made_for(id, self._made, order.name, template.storage_gb, self._wanted(order))
        made = FakeMachine(id, self._made, tenant, order, template, parts)
        self._require_quota(tenant, made.size)
        self._made += 1
        self.held[id] = made
        return made

    def _template(self, id: uuid.UUID) -> RemoteTemplate:
        found = next((each for each in self.templates if each.id == id), None)
        if found is None:
            raise Rejected("There is no such template.")
        return found

    def _wanted(self, order: MachineOrder) -> Iterator[tuple[OrderedAdapter, RemoteNetwork | None]]:
        networks = {network.name: network for network in self.networks}
        for adapter in order.adapters or (OrderedAdapter(""),):
            yield adapter, networks.get(adapter.network_name)

    def _source(self, order: MachineOrder, tenant: uuid.UUID) -> FakeMachine:
        """The machine that another one is made from."""
        for machine in self._seen(tenant):
            checkpoints = {each.id for each in machine.parts.checkpoints}
            if order.source_checkpoint_id in checkpoints:
                return machine
            if order.source_checkpoint_id is None and machine.id == order.source_machine_id:
                judging.require_off(machine)
                return machine
        raise Rejected("There is no such virtual machine to make one from.")

    def operate(
        self,
        machine_id: uuid.UUID,
        operation: str,
        *,
        stamp_id: uuid.UUID,
        tenant: uuid.UUID,
        person: str,
    ) -> Accepted:
        with self._call("operate") as fails:
            machine = self._owned_by(tenant, machine_id)
            known = world.OPERATIONS.get(operation)
            if known is None:
                raise Rejected(f"There is no operation {operation}.")
            self._permit(tenant, known.permission)
            if machine.status not in known.begins:
                raise Rejected(f"{operation} is not possible while it is {machine.status}.")
            return self._begin(machine, through=known.through, ends=known.ends, fails=fails)

    def remove_machine(
        self, machine_id: uuid.UUID, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> Accepted | None:
        with self._call("remove_machine") as fails:
            machine = self.held.get(machine_id)
            if machine is None:
                return None
            if not self.roles.sees(tenant, machine):
                raise Forbidden("The machine exists, but not for this subscription.")
            self._permit(tenant, "Remove")
            if machine.status not in world.REMOVABLE:
                raise Rejected(f"It cannot be removed while it is {machine.status}.")
            return self._begin(machine, through="Deleting", ends=world.DELETED, fails=fails)

    def find_machine(
        self, tag: str, name: str, *, stamp_id: uuid.UUID, tenant: uuid.UUID, person: str
    ) -> RemoteMachine | None:
        with self._call("find_machine"):
            found = self._tagged(tag, tenant)
            return found.shown() if found else None

    def jobs(self, stamp_id: uuid.UUID, ids: Collection[uuid.UUID]) -> tuple[RemoteJob, ...]:
        with self._call("jobs"):
            return tuple(self.work[id].shown() for id in dict.fromkeys(ids) if id in self.work)

    def machines(
        self, stamp_id: uuid.UUID, ids: Iterable[uuid.UUID] | None = None
    ) -> tuple[RemoteMachine, ...]:
        with self._call("machines"):
            wanted = list(self.held) if ids is None else list(dict.fromkeys(ids))
            here = stamp_id == self.stamp.id
            return tuple(self.held[id].shown() for id in wanted if here and id in self.held)

    def changes(self, stamp_id: uuid.UUID, since: datetime) -> Changes:
        with self._call("changes"):
            if CHANGES not in self.abilities:
                raise Rejected("The fake cloud does not tell what changed.")
            here = list(self.held.values()) if stamp_id == self.stamp.id else []
            changed = (each.shown() for each in here if each.modified_at > since)
            return Changes(tuple(changed), len(here))

    def load(self, stamp_id: uuid.UUID, machine_id: uuid.UUID, frame: str) -> tuple[Curve, ...]:
        with self._call("load"):
            if machine_id not in self.held:
                return ()
            step = FRAMES[frame] / SAMPLES
            now = datetime.now(UTC)
            times = tuple(now - step * (SAMPLES - 1 - at) for at in range(SAMPLES))
            samples = tuple((at * 7) % 40 for at in range(SAMPLES))
            return tuple(Curve(counter, samples, times) for counter in COUNTERS)

    def _tagged(self, tag: str, tenant: uuid.UUID) -> FakeMachine | None:
        return next((m for m in self._seen(tenant) if m.order.tag == tag), None)

    def _used(self, cloud_id: uuid.UUID) -> dict[str, int]:
        sizes = [m.size for m in self.held.values() if m.order.cloud_id == cloud_id]
        return {name: sum(size[name] for size in sizes) for name in DIMENSIONS}
