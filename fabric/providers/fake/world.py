"""What the fake cloud holds: machines, the jobs working on them; and how jobs go on."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fabric.providers.base import (
    Devices,
    MachineOrder,
    RemoteJob,
    RemoteMachine,
    RemoteStep,
    RemoteTemplate,
)
from fabric.providers.fake.devices import Parts

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
    """A machine; `number` makes its addresses. Whatever is set of it moves `modified_at`."""

    id: uuid.UUID
    number: int
    tenant: uuid.UUID
    order: MachineOrder
    template: RemoteTemplate
    parts: Parts
    status: str = "UnderCreation"
    job_id: uuid.UUID | None = None

    def __post_init__(self) -> None:
        self.name = self.order.name
        self.description = self.order.description
        self.cores = self.order.cores or self.template.cores
        self.memory_mb = self.order.memory_mb or self.template.memory_mb

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
            "cores": self.cores,
            "memory_mb": self.memory_mb,
            "storage_gb": self.parts.storage_gb,
        }

    def devices(self) -> Devices:
        """What hangs on it, as the contract tells it."""
        return self.parts.shown(is_running=self.status == "Running")

    def shown(self) -> RemoteMachine:
        """The machine as the contract tells it."""
        running = self.status == "Running"
        addresses = tuple(a for each in self.parts.adapters for a in each.addresses)
        return RemoteMachine(
            id=self.id,
            tag=self.order.tag,
            name=self.name,
            description=self.description,
            status=self.status,
            status_text=self.status,
            cores=self.cores,
            memory_mb=self.memory_mb,
            os_name=self.template.os_name,
            addresses=addresses if running else (),
            host_name="host01.example.net",
            job_id=self.job_id,
            owner_role_id=self.tenant,
            created_at=self.created_at,
            modified_at=self.modified_at,
        )


@dataclass
class FakeJob:
    """Work on a machine: one step done per tick, the last one leaves the machine at `ends`, or when
    it fails at `falls`; `act` is what it does with its last step."""

    id: uuid.UUID
    machine: FakeMachine
    ends: str
    fails: bool
    falls: str = "PowerOff"
    act: Callable[[], None] | None = None
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
        if not self.completed:
            return
        if self.fails:
            self.machine.status = self.falls
            return
        if self.act is not None:
            self.act()
        self.machine.status = self.ends

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
