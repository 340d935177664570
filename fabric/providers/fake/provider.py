"""FakeProvider: the contract over memory. Jobs go on with `tick()`, or at once when `instant`.

It can be told to misbehave: `plan("ensure_machine", "lose_reply")` does the work and then breaks
the connection; "unreachable" breaks it before; "fail" makes the job end badly; a fault is raised
as it is. Unlike our own SPF it makes a second machine of a doubled first try, as Microsoft's does.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fabric.providers.abilities import ALL, CHANGES, Description
from fabric.providers.base import (
    Accepted,
    AccountCheck,
    Changes,
    Curve,
    Inventory,
    MachineOrder,
    RemoteCloud,
    RemoteJob,
    RemoteMachine,
    RemoteNetwork,
    RemoteProfile,
    RemoteStamp,
    RemoteTemplate,
    TenantOrder,
)
from fabric.providers.errors import (
    Forbidden,
    Missing,
    NoAnswer,
    ProviderFault,
    Rejected,
    Unreachable,
)
from fabric.providers.fake import world
from fabric.providers.fake.world import FakeJob, FakeMachine

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
LOGICAL_NETWORK = uuid.uuid5(uuid.NAMESPACE_DNS, "logical.example.net")


class FakeProvider:
    """A cloud with one stamp; its lists may be changed by whoever holds it. Thread-safe."""

    def __init__(self, *, instant: bool = False) -> None:
        self.instant = instant
        self.is_down = False
        self.lacks_rights = False
        self.shut_groups: set[str] = set()
        self.abilities = ALL
        self.stamp = RemoteStamp(uuid.uuid4(), "vmm01.example.net")
        self.known_stamps = [self.stamp]
        self.clouds = [_cloud("Gold")]
        self.templates = [_template("Ubuntu 24.04")]
        self.profiles = [RemoteProfile(uuid.uuid4(), "Small", "", cores=2, memory_mb=2048)]
        self.networks = [
            RemoteNetwork(uuid.uuid4(), "front", "", LOGICAL_NETWORK, isolation="NoIsolation")
        ]
        self.roles: dict[uuid.UUID, TenantOrder] = {}
        self.held: dict[uuid.UUID, FakeMachine] = {}
        self.work: dict[uuid.UUID, FakeJob] = {}
        self.calls: list[str] = []
        self._plans: dict[str, deque[str | ProviderFault]] = defaultdict(deque)
        self._made = 0
        self._lock = threading.RLock()

    def plan(self, verb: str, what: str | ProviderFault, *, times: int = 1) -> None:
        """Have the next calls of a verb go wrong: lose_reply, unreachable, fail, or a fault."""
        self._plans[verb].extend([what] * times)

    def tick(self, times: int = 1) -> None:
        """Let every job go on by one step, so many times."""
        with self._lock:
            for _ in range(times):
                for job in list(self.work.values()):
                    self._advance(job)

    def settle(self) -> None:
        """Let every job come to its end."""
        self.tick(len(world.STEPS))

    @contextmanager
    def _call(self, verb: str) -> Iterator[bool]:
        """Count a call and have it go wrong as planned; yields whether its job shall fail."""
        with self._lock:
            self.calls.append(verb)
            planned = self._plans[verb].popleft() if self._plans[verb] else ""
            if isinstance(planned, ProviderFault):
                raise planned
            if self.is_down:
                raise NoAnswer("The fake cloud cannot be reached.")
            if planned == "unreachable":
                raise Unreachable("The fake cloud cannot be reached.")
            yield planned == "fail"
            if planned == "lose_reply":
                raise Unreachable("The fake cloud cut the connection off.")

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
            )

    def ensure_tenant(self, order: TenantOrder) -> None:
        with self._call("ensure_tenant") as fails:
            if fails or order.stamp_id != self.stamp.id:
                raise Rejected("The tenant could not be made.")
            if order.cloud_id not in {cloud.id for cloud in self.clouds}:
                raise Rejected("There is no such cloud.")
            self.roles[order.id] = order

    def ensure_machine(
        self, order: MachineOrder, *, tenant: uuid.UUID, person: str, first_try: bool
    ) -> Accepted:
        with self._call("ensure_machine") as fails:
            found = None if first_try else self._tagged(order.tag, tenant)
            if found is None:
                found = self._make(order, tenant)
            elif found.status != "CreationFailed":
                return Accepted(found.id, found.job_id)
            return self._begin(found, through="UnderCreation", ends="Running", fails=fails)

    def _make(self, order: MachineOrder, tenant: uuid.UUID) -> FakeMachine:
        role = self._role(tenant)
        template = next((t for t in self.templates if t.id == order.template_id), None)
        world.check_order(role, order, self.networks)
        if template is None:
            raise Rejected("There is no such template.")
        made = FakeMachine(uuid.uuid4(), self._made, tenant, order, template)
        world.check_quota(role, made, self._owned(tenant))
        self._made += 1
        self.held[made.id] = made
        return made

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
            if machine.tenant != tenant:
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

    def _begin(self, machine: FakeMachine, *, through: str, ends: str, fails: bool) -> Accepted:
        """Start a job on a machine; one machine has one job at a time."""
        last = self.work.get(machine.job_id) if machine.job_id else None
        if last is not None and not last.completed:
            raise Rejected("Another job is working on the machine.")
        job = FakeJob(uuid.uuid4(), machine, ends=ends, fails=fails)
        machine.status, machine.job_id = through, job.id
        self.work[job.id] = job
        while self.instant and not job.completed:
            self._advance(job)
        return Accepted(machine.id, job.id)

    def _advance(self, job: FakeJob) -> None:
        job.tick()
        if job.machine.status == world.DELETED:
            self.held.pop(job.machine.id, None)

    def _role(self, tenant: uuid.UUID) -> TenantOrder:
        role = self.roles.get(tenant)
        if role is None:
            raise Missing("There is no user role for this subscription.")
        return role

    def _permit(self, tenant: uuid.UUID, permission: str) -> None:
        if permission not in self._role(tenant).permissions:
            raise Forbidden(f"The user role does not permit {permission}.")

    def _owned(self, tenant: uuid.UUID) -> list[FakeMachine]:
        return [machine for machine in self.held.values() if machine.tenant == tenant]

    def _used(self, cloud_id: uuid.UUID) -> dict[str, int]:
        sizes = [m.size for m in self.held.values() if m.order.cloud_id == cloud_id]
        return {name: sum(size[name] for size in sizes) for name in DIMENSIONS}

    def _owned_by(self, tenant: uuid.UUID, machine_id: uuid.UUID) -> FakeMachine:
        """The machine, which for a stranger does not exist."""
        self._role(tenant)
        machine = self.held.get(machine_id)
        if machine is None or machine.tenant != tenant:
            raise Missing("There is no such virtual machine.")
        return machine

    def _tagged(self, tag: str, tenant: uuid.UUID) -> FakeMachine | None:
        return next((m for m in self._owned(tenant) if m.order.tag == tag), None)


def _cloud(name: str) -> RemoteCloud:
    return RemoteCloud(
        id=uuid.uuid4(),
        name=name,
        description="",
        cores=None,
        memory_mb=None,
        storage_gb=None,
        machines=100,
        used={},
        logical_network_ids=(LOGICAL_NETWORK,),
    )


def _template(name: str) -> RemoteTemplate:
    return RemoteTemplate(
        id=uuid.uuid4(),
        name=name,
        description="",
        os_name=name,
        os_type="Linux",
        cores=1,
        memory_mb=1024,
        storage_gb=10,
        generation=2,
        adapters=1,
        cloud_id=None,
    )
