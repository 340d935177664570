"""What the fake cloud holds: machines, the jobs working on them, roles; and how jobs go on."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fabric.providers.base import (
    MachineOrder,
    RemoteJob,
    RemoteMachine,
    RemoteNetwork,
    RemoteStep,
    RemoteTemplate,
    TenantOrder,
)
from fabric.providers.errors import Forbidden, Rejected

STEPS = ("Place", "Prepare", "Finish")
DELETED = "Deleted"
REMOVABLE = frozenset({"PowerOff", "Saved", "CreationFailed", "Missing", "HostNotResponding"})


@dataclass(frozen=True)
class Operation:
    """The permission it needs, where it may begin, and the states it goes through."""

    permission: str
    begins: frozenset[str]
    through: str
    ends: str


OPERATIONS: Mapping[str, Operation] = {
    "Start": Operation("Start", frozenset({"PowerOff", "Saved"}), "Starting", "Running"),
    "Stop": Operation("Stop", frozenset({"Running", "Paused"}), "PoweringOff", "PowerOff"),
    "Shutdown": Operation("Shutdown", frozenset({"Running"}), "PoweringOff", "PowerOff"),
    "Suspend": Operation("PauseAndResume", frozenset({"Running"}), "Pausing", "Paused"),
    "Resume": Operation("PauseAndResume", frozenset({"Paused"}), "Starting", "Running"),
    "SaveState": Operation("Save", frozenset({"Running"}), "Saving", "Saved"),
    "Reset": Operation("Stop", frozenset({"Running"}), "Starting", "Running"),
}


@dataclass
class FakeMachine:
    """A machine; `number` makes its address. Whatever is set of it moves `modified_at`."""

    id: uuid.UUID
    number: int
    tenant: uuid.UUID
    order: MachineOrder
    template: RemoteTemplate
    status: str = "UnderCreation"
    job_id: uuid.UUID | None = None

    def __setattr__(self, name: str, value: object) -> None:
        super().__setattr__(name, value)
        super().__setattr__("modified_at", datetime.now(UTC))

    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def size(self) -> dict[str, int]:
        """What it takes from its role's limits."""
        return {
            "machines": 1,
            "cores": self.order.cores or self.template.cores,
            "memory_mb": self.order.memory_mb or self.template.memory_mb,
            "storage_gb": self.template.storage_gb,
        }

    def shown(self) -> RemoteMachine:
        """The machine as the contract tells it."""
        running = self.status == "Running"
        return RemoteMachine(
            id=self.id,
            tag=self.order.tag,
            name=self.order.name,
            status=self.status,
            status_text=self.status,
            cores=self.size["cores"],
            memory_mb=self.size["memory_mb"],
            os_name=self.template.os_name,
            addresses=(f"10.20.{self.number // 250}.{self.number % 250 + 4}",) if running else (),
            host_name="host01.example.net",
            job_id=self.job_id,
            owner_role_id=self.tenant,
            created_at=self.created_at,
            modified_at=self.modified_at,
        )


@dataclass
class FakeJob:
    """Work on a machine: one step done per tick, the last one leaves the machine at `ends`."""

    id: uuid.UUID
    machine: FakeMachine
    ends: str
    fails: bool
    done: int = 0
    times: list[datetime] = field(default_factory=lambda: [datetime.now(UTC)])

    @property
    def completed(self) -> bool:
        return self.done == len(STEPS)

    def tick(self) -> None:
        """Do one step."""
        if self.completed:
            return
        self.done += 1
        self.times.append(datetime.now(UTC))
        if self.completed:
            self.machine.status = self._left_at()

    def _left_at(self) -> str:
        if not self.fails:
            return self.ends
        return "CreationFailed" if self.machine.status == "UnderCreation" else "PowerOff"

    def shown(self) -> RemoteJob:
        """The job as the contract tells it."""
        failed = self.completed and self.fails
        status = "Failed" if failed else "Completed" if self.completed else "Running"
        return RemoteJob(
            id=self.id,
            completed=self.completed,
            succeeded=self.completed and not failed,
            status=status,
            percent=100 * self.done // len(STEPS),
            steps=tuple(self._step(at, title, failed) for at, title in enumerate(STEPS)),
            problem="The host failed." if failed else "",
            advice="Try again." if failed else "",
        )

    def _step(self, at: int, title: str, failed: bool) -> RemoteStep:
        if at > self.done:
            return RemoteStep(title, "pending", 0)
        if at == self.done:
            return RemoteStep(title, "running", 0, started_at=self.times[at])
        state = "failed" if failed and at == len(STEPS) - 1 else "done"
        return RemoteStep(title, state, 100, self.times[at], self.times[at + 1])


def check_order(
    role: TenantOrder, order: MachineOrder, networks: Collection[RemoteNetwork]
) -> None:
    """Raise unless the role may make this machine."""
    if "Create" not in role.permissions and "CreateFromVHDOrTemplate" not in role.permissions:
        raise Forbidden("The user role does not permit Create.")
    if order.cloud_id != role.cloud_id:
        raise Rejected("The cloud is not in the scope of the user role.")
    granted = set(role.resources)
    if ("VMTemplate", order.template_id) not in granted:
        raise Rejected("The template is not granted to the user role.")
    seen = {each.name for each in networks if ("VMNetwork", each.id) in granted}
    for adapter in order.adapters:
        if adapter.network_name not in seen:
            raise Rejected(f"There is no VM network {adapter.network_name}.")


def check_quota(role: TenantOrder, wanted: FakeMachine, existing: Collection[FakeMachine]) -> None:
    """Raise when the role's limits would be passed."""
    for name, limit in role.limits.items():
        used = sum(machine.size[name] for machine in existing)
        if limit is not None and used + wanted.size[name] > limit:
            raise Rejected(f"The quota of the user role is exceeded: {name} {used} of {limit}.")
