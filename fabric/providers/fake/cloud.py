"""The state of the fake cloud, and how calls go wrong and jobs go on in it."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from fabric.providers.abilities import ALL
from fabric.providers.base import (
    Accepted,
    RemoteCloud,
    RemoteLibraryDisk,
    RemoteMedia,
    RemoteNetwork,
    RemotePool,
    RemoteProfile,
    RemoteStamp,
    RemoteTemplate,
)
from fabric.providers.errors import Missing, NoAnswer, ProviderFault, Rejected, Unreachable
from fabric.providers.fake import judging, world
from fabric.providers.fake.roles import Roles
from fabric.providers.fake.world import FakeJob, FakeMachine

LOGICAL_NETWORK: Final = uuid.uuid5(uuid.NAMESPACE_DNS, "logical.example.net")


class FakeCloud:
    """What the verbs work on; one lock holds all of it."""

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
            RemoteNetwork(
                id=uuid.uuid4(),
                name="front",
                description="",
                logical_network_id=LOGICAL_NETWORK,
                isolation="NoIsolation",
                subnets=("10.20.0.0/22",),
                pools=(RemotePool("10.20.0.1", "10.20.3.254", gateways=("10.20.0.1",)),),
            )
        ]
        self.library_disks = [RemoteLibraryDisk(uuid.uuid4(), "data", "", size_gb=5, os_name="")]
        self.media = [RemoteMedia(uuid.uuid4(), "rescue.iso", "", size_mb=700)]
        self.roles = Roles()
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

    def _begin(
        self,
        machine: FakeMachine,
        *,
        through: str,
        ends: str,
        fails: bool,
        falls: str = "PowerOff",
        act: Callable[[], None] | None = None,
    ) -> Accepted:
        """Start a job on a machine; one machine has one job at a time."""
        if self._is_live(machine):
            raise Rejected("Another job is working on the machine.")
        job = FakeJob(uuid.uuid4(), machine, ends=ends, fails=fails, falls=falls, act=act)
        machine.status, machine.job_id = through, job.id
        self.work[job.id] = job
        while self.instant and not job.completed:
            self._advance(job)
        return Accepted(machine.id, job.id)

    def _advance(self, job: FakeJob) -> None:
        job.tick()
        if job.machine.status == world.DELETED:
            self.held.pop(job.machine.id, None)

    def _is_live(self, machine: FakeMachine) -> bool:
        last = self.work.get(machine.job_id) if machine.job_id else None
        return last is not None and not last.completed

    def _permit(self, tenant: uuid.UUID, permission: str) -> None:
        judging.require_any(self.roles.role(tenant), (permission,))

    def _seen(self, tenant: uuid.UUID) -> list[FakeMachine]:
        return [each for each in self.held.values() if self.roles.sees(tenant, each)]

    def _owned_by(self, tenant: uuid.UUID, machine_id: uuid.UUID) -> FakeMachine:
        """The machine, which for a stranger does not exist."""
        self.roles.role(tenant)
        machine = self.held.get(machine_id)
        if machine is None or not self.roles.sees(tenant, machine):
            raise Missing("There is no such virtual machine.")
        return machine

    def _require_quota(self, tenant: uuid.UUID, more: Mapping[str, int]) -> None:
        for role, counted in self.roles.counted(tenant):
            owned = [each for each in self.held.values() if each.tenant in counted]
            judging.require_quota(role, more, owned)


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
