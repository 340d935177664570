"""The drivers to try, and short ways to what the tests begin with.

A driver joins by adding a function that yields a fresh Bench to BENCHES.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from fabric.hypervisors.base import (
    AdapterSpec,
    Capability,
    CheckpointState,
    DiskSpec,
    GuestSpec,
    GuestState,
    HostFacts,
    Hypervisor,
    Outcome,
    Power,
    VolumeFacts,
)
from fabric.hypervisors.simulated import add_host, clear_faults, open_host, plan_fault


@dataclass
class Bench:
    """A driver to try, with what the suite must know about its surroundings.

    The host has two volumes of 100 and 400 GB; `other` is a host that guests can move to, smaller
    than the first: 4 GB of memory, and one volume of 200 GB.
    """

    host: Hypervisor
    other: Hypervisor
    image: str
    stored_image: str
    patience: float
    lose_reply: Callable[[str], None]
    """Let the next reply of this verb be lost, or skip the test where that cannot be arranged."""
    hang: Callable[[str], None]
    """Let the next work of this verb take until `go_on`, or skip the test."""
    go_on: Callable[[], None]

    def needs(self, *capabilities: Capability) -> None:
        """Skip the test when the driver does not offer these."""
        for capability in capabilities:
            if capability not in self.host.capabilities:
                pytest.skip(f"the driver does not offer {capability}")


def simulated(tmp_path: Path, scale: float) -> Bench:
    rack = tmp_path / "rack.sqlite"
    volumes = (VolumeFacts("fast", 100), VolumeFacts("large", 400))
    add_host(rack, HostFacts("host1", 8, 16_384, 500, "simulated", "1.0", volumes))
    add_host(rack, HostFacts("host2", 8, 4096, 200, "simulated", "1.0"))
    return Bench(
        host=open_host(rack, "host1", scale=scale),
        other=open_host(rack, "host2", scale=scale),
        image="debian-12",
        stored_image="store:web-gold",
        patience=10,
        lose_reply=lambda verb: plan_fault(rack, "host1", verb, "lose_reply"),
        hang=lambda verb: plan_fault(rack, "host1", verb, "hang"),
        go_on=lambda: clear_faults(rack),
    )


BENCHES = {
    "simulated": lambda tmp_path: simulated(tmp_path, 0),
    # Quick, but pending at least once at every long verb.
    "simulated-slow": lambda tmp_path: simulated(tmp_path, 0.002),
}


NEEDS = {Power.PAUSED: (Capability.PAUSE,), Power.SAVED: (Capability.SAVE,)}


def finish(ask: Callable[[], Outcome], patience: float = 60) -> Outcome:
    """Ask until done, as a job does."""
    end = time.monotonic() + patience
    while not (outcome := ask()).done:
        assert time.monotonic() < end, "never done"
        assert outcome.percent < 100
        assert outcome.retry_in is not None
        assert outcome.retry_in >= 0.05
        time.sleep(0.002)
    assert (outcome.percent, outcome.retry_in) == (100, None)
    return outcome


def adapter(*addresses: str, network: str = "blue") -> AdapterSpec:
    tail = uuid4().hex[:6]
    mac = f"02:00:00:{tail[0:2]}:{tail[2:4]}:{tail[4:6]}"
    return AdapterSpec(uuid4(), mac, network, vlan=None, addresses=addresses)


def a_spec(bench: Bench, *adapters: AdapterSpec, memory_mb: int = 1024) -> GuestSpec:
    disk = DiskSpec(uuid4(), bench.image, 20)
    return GuestSpec(uuid4(), "web-1", 2, memory_mb, (disk,), adapters or (adapter("10.0.0.5"),))


def defined(bench: Bench, spec: GuestSpec | None = None) -> GuestSpec:
    spec = spec or a_spec(bench)
    for disk in spec.disks:
        finish(partial(bench.host.ensure_disk, disk))
    bench.host.ensure_defined(spec)
    return spec


def running(bench: Bench, spec: GuestSpec | None = None) -> GuestSpec:
    spec = defined(bench, spec)
    finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)
    return spec


def in_power(bench: Bench, power: Power) -> GuestSpec:
    """A guest brought to this power by the road that exists for it."""
    spec = defined(bench)
    if power is not Power.OFF:
        finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)
        finish(lambda: bench.host.ensure_power(spec.id, power), bench.patience)
    return spec


def a_disk(bench: Bench, size_gb: int = 5, volume: str = "") -> DiskSpec:
    """An empty orphan disk."""
    disk = DiskSpec(uuid4(), None, size_gb, volume)
    finish(lambda: bench.host.ensure_disk(disk))
    return disk


def with_data_disk(bench: Bench, power: Power = Power.OFF) -> tuple[GuestSpec, DiskSpec]:
    """A guest with a second disk."""
    spec, disk = in_power(bench, Power.OFF), a_disk(bench)
    bench.host.ensure_attached(spec.id, disk)
    if power is not Power.OFF:
        finish(lambda: bench.host.ensure_power(spec.id, Power.RUNNING), bench.patience)
        finish(lambda: bench.host.ensure_power(spec.id, power), bench.patience)
    return spec, disk


def checkpointed(bench: Bench, guest_id: UUID, name: str = "before") -> UUID:
    """A new checkpoint of the guest."""
    id = uuid4()
    finish(lambda: bench.host.ensure_checkpoint(guest_id, id, name), bench.patience)
    return id


def checkpoint_of(host: Hypervisor, guest_id: UUID, id: UUID) -> CheckpointState:
    return next(c for c in host.checkpoints(guest_id) if c.id == id)


def placeless(disks: Iterable[DiskSpec]) -> tuple[DiskSpec, ...]:
    """Disks as they were asked for, when the place was left to the host."""
    return tuple(replace(disk, volume="") for disk in disks)


def place(host: Hypervisor, disk_id: UUID) -> str:
    """The volume that a disk lies on."""
    return next(disk.volume for disk in host.disks() if disk.id == disk_id)


def size(host: Hypervisor, disk_id: UUID) -> int:
    return next(disk.size_gb for disk in host.disks() if disk.id == disk_id)


def seen(host: Hypervisor, guest_id: UUID) -> GuestState:
    state = host.guest(guest_id)
    assert state is not None
    return state
