"""A host fills up, says what is full, and never holds more than it has."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabric.hypervisors.base import DiskSpec, Done, GuestSpec, HostFacts, Power, VolumeFacts
from fabric.hypervisors.errors import DriverFault, Full
from fabric.hypervisors.simulated import SimulatedHost, add_host, open_host

Make = Callable[..., GuestSpec]


def test_storage_is_taken_when_a_clone_begins(host: SimulatedHost) -> None:
    host.ensure_disk(DiskSpec(uuid4(), "debian-12", 70))

    with pytest.raises(Full, match="30 GB free, 31 GB wanted") as caught:
        host.ensure_disk(DiskSpec(uuid4(), None, 31))

    fault = caught.value
    assert (fault.resource, fault.free, fault.wanted) == ("storage", 30, 31)
    assert len(host.disks()) == 1


def test_memory_is_taken_when_a_start_begins(host: SimulatedHost, a_guest: Make) -> None:
    first, second = a_guest(memory_mb=3000), a_guest(memory_mb=3000)
    host.ensure_power(first.id, Power.RUNNING)

    with pytest.raises(Full, match="1096 MB free, 3000 MB wanted") as caught:
        host.ensure_power(second.id, Power.RUNNING)

    assert caught.value.resource == "memory"


@pytest.mark.parametrize(
    ("power", "holds"), [(Power.PAUSED, True), (Power.SAVED, False), (Power.OFF, False)]
)
def test_a_paused_guest_keeps_its_memory(
    prompt: SimulatedHost, a_guest: Make, power: Power, holds: bool
) -> None:
    a_guest(memory_mb=3000, power=power)
    second = a_guest(memory_mb=3000)

    if holds:
        with pytest.raises(Full):
            prompt.ensure_power(second.id, Power.RUNNING)
    else:
        assert prompt.ensure_power(second.id, Power.RUNNING) == Done


def test_a_saved_guest_must_find_room_again(prompt: SimulatedHost, a_guest: Make) -> None:
    saved = a_guest(memory_mb=3000, power=Power.SAVED)
    a_guest(memory_mb=3000, power=Power.RUNNING)

    with pytest.raises(Full):
        prompt.ensure_power(saved.id, Power.RUNNING)


def test_cores_are_overcommitted_eight_times(prompt: SimulatedHost, a_guest: Make) -> None:
    a_guest(cores=30, memory_mb=1, power=Power.RUNNING)

    with pytest.raises(Full, match="2 free, 3 wanted"):
        prompt.ensure_power(a_guest(cores=3, memory_mb=1).id, Power.RUNNING)


def test_a_guest_that_leaves_gives_memory_at_once_and_storage_at_the_end(
    host: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    leaving, next_one = a_guest(memory_mb=4096, disk_gb=90, power=Power.RUNNING), a_guest()
    host.ensure_removed(leaving.id)

    assert not host.ensure_power(next_one.id, Power.RUNNING).done
    with pytest.raises(Full):
        host.ensure_disk(DiskSpec(uuid4(), None, 50))
    clock.advance(2)
    assert not host.ensure_disk(DiskSpec(uuid4(), None, 50)).done


CHANGES = (
    *("disk", "define", "paused", "saved", "off", "cut", "resize", "remove"),
    *("grow", "carry", "checkpoint", "restore", "go", "come"),
)
VOLUMES = (VolumeFacts("fast", 80), VolumeFacts("large", 120))
MOVES = st.one_of(
    # Often, because starting is what fills a host.
    st.tuples(st.just("running"), st.integers(0, 3)),
    st.tuples(st.sampled_from(CHANGES), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(1, 6)),
)
SIZES = (2048, 1536, 3072, 1024)
HOLDING = {Power.RUNNING, Power.PAUSED, Power.STARTING}


def make_move(host: SimulatedHost, other: SimulatedHost, move: str, number: int) -> None:
    disk = DiskSpec(UUID(int=100 + number), "debian-12", (30, 20, 40, 10)[number])
    spec = GuestSpec(UUID(int=number + 1), "web", 2, SIZES[number], (disk,), ())
    match move:
        case "disk":
            host.ensure_disk(disk)
        case "define":
            host.ensure_defined(spec)
        case "cut":
            host.ensure_power(spec.id, Power.OFF, hard=True)
        case "resize":
            host.ensure_resized(spec.id, 1, 2 * SIZES[number])
        case "remove":
            host.ensure_removed(spec.id)
        case "grow":
            host.ensure_disk_size(disk.id, disk.size_gb + 25)
        case "carry":
            host.ensure_disk_moved(disk.id, VOLUMES[number % 2].name)
        case "checkpoint":
            host.ensure_checkpoint(spec.id, UUID(int=50 + number), "before")
        case "restore":
            host.ensure_restored(spec.id, UUID(int=50 + number))
        case "go":
            host.ensure_moved(spec.id, other.name, {})
        case "come":
            other.ensure_moved(spec.id, host.name, {})
        case power:
            host.ensure_power(spec.id, Power(power))


@pytest.mark.slow
@given(moves=st.lists(MOVES, min_size=12, max_size=40), scale=st.sampled_from([0.0, 1.0]))
def test_capacity_is_never_exceeded(moves: list[tuple[str, int]], scale: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        rack, now = Path(folder) / "rack.sqlite", [1_800_000_000.0]
        hosts = []
        for name in ("host1", "host2"):
            add_host(rack, HostFacts(name, 1, 4096, 200, "simulated", "1.0", VOLUMES))
            hosts.append(open_host(rack, name, scale=scale, clock=lambda: now[0]))
        # Three of the four guests to begin with, so that most moves find something to move.
        disks, guests = ([(verb, number) for number in (0, 1, 3)] for verb in ("disk", "define"))
        for move, number in [*disks, ("wait", 6), *guests, *moves]:
            if move == "wait":
                now[0] += number
                continue
            there = {state.id for state in hosts[1].guests()}
            if move in ("disk", "define") and UUID(int=number + 1) in there:
                # Hosts do not know of each other: only VMM keeps a guest from being made twice.
                continue
            try:
                make_move(hosts[0], hosts[1], move, number)
            except DriverFault:
                pass
            for host in hosts:
                assert_it_holds_what_it_can(host)
            ids = [state.id for host in hosts for state in host.guests()]
            assert len(ids) == len(set(ids))


def assert_it_holds_what_it_can(host: SimulatedHost) -> None:
    held = [state for state in host.guests() if state.power in HOLDING]
    assert sum(state.memory_mb for state in held) <= 4096
    assert sum(state.cores for state in held) <= 8
    for volume in VOLUMES:
        lying = [disk.size_gb for disk in host.disks() if disk.volume == volume.name]
        assert sum(lying) <= volume.capacity_gb
