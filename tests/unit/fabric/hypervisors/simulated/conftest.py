"""A rack with one host, a clock that stands still until told, and quick ways to guests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from fabric.hypervisors.base import AdapterSpec, DiskSpec, GuestSpec, HostFacts, Power
from fabric.hypervisors.simulated import SimulatedHost, add_host, open_host


@dataclass
class Clock:
    """The time of the far side, as the test says."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def rack(tmp_path: Path) -> Path:
    path = tmp_path / "rack.sqlite"
    add_host(path, HostFacts("host1", 4, 4096, 100, "simulated", "1.0"))
    return path


@pytest.fixture
def host(rack: Path, clock: Clock) -> SimulatedHost:
    """A host on which everything takes its nominal time."""
    return open_host(rack, "host1", scale=1, clock=clock)


@pytest.fixture
def prompt(rack: Path, clock: Clock) -> SimulatedHost:
    """The same host, on which everything is done at once."""
    return open_host(rack, "host1", scale=0, clock=clock)


@pytest.fixture
def a_guest(prompt: SimulatedHost) -> Callable[..., GuestSpec]:
    """Make a guest with one disk and one adapter, at once."""

    def make(
        *,
        power: Power = Power.OFF,
        memory_mb: int = 512,
        cores: int = 1,
        image: str | None = "debian-12",
        disk_gb: int = 5,
    ) -> GuestSpec:
        tail = uuid4().hex
        mac = f"02:00:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
        disk = DiskSpec(uuid4(), image, disk_gb)
        adapter = AdapterSpec(uuid4(), mac, "blue", None, ("10.0.0.5",))
        spec = GuestSpec(uuid4(), "web-1", cores, memory_mb, (disk,), (adapter,))
        prompt.ensure_disk(disk)
        prompt.ensure_defined(spec)
        if power is not Power.OFF:
            prompt.ensure_power(spec.id, Power.RUNNING)
            prompt.ensure_power(spec.id, power)
        return spec

    return make
