"""What operators do at the host is seen by the driver as any other truth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Done, GuestSpec, HostFacts, Power
from fabric.hypervisors.errors import Missing, Rejected
from fabric.hypervisors.simulated import SimulatedHost, add_host, journal, meddling, open_host

Make = Callable[..., GuestSpec]


def test_a_guest_goes_with_all_that_is_its(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    prompt.ensure_checkpoint(spec.id, uuid4(), "before")

    meddling.remove_guest(rack, "host1", spec.id)

    assert (prompt.guest(spec.id), prompt.disks()) == (None, ())
    assert prompt.ensure_removed(spec.id) == Done


def test_name_and_size_change(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING)

    meddling.rename_guest(rack, "host1", spec.id, "renamed by hand")
    meddling.resize_guest(rack, "host1", spec.id, 3, 2048)

    (state,) = prompt.guests()
    assert (state.name, state.cores, state.memory_mb) == ("renamed by hand", 3, 2048)
    assert journal(rack, "host1")[-1][0] == "ensure_power"


def test_a_guest_turns_up_elsewhere(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING)
    prompt.ensure_checkpoint(spec.id, uuid4(), "before")
    add_host(rack, HostFacts("host2", 4, 4096, 100, "simulated", "1.0"))

    meddling.move_guest(rack, "host1", spec.id, "host2")

    there = open_host(rack, "host2", scale=0)
    assert (prompt.guests(), prompt.disks()) == ((), ())
    assert [(s.id, s.power, s.adapters) for s in there.guests()] == [
        (spec.id, Power.RUNNING, spec.adapters)
    ]
    assert len(there.checkpoints(spec.id)) == 1
    assert prompt.ensure_moved(spec.id, "host2", {}) == Done


def test_a_stranger_is_a_guest_like_any_other(prompt: SimulatedHost, rack: Path) -> None:
    id = meddling.add_guest(rack, "host1", "test box", disk_gb=7, power=Power.RUNNING)

    (state,) = prompt.guests()
    assert (state.id, state.name, state.power, state.os_ready) == (
        *(id, "test box", Power.RUNNING, True),
    )
    assert [disk.size_gb for disk in state.disks] == [7]
    assert prompt.counters()[0].cpu_percent > 0
    prompt.ensure_power(id, Power.OFF)
    assert prompt.ensure_removed(id) == Done
    assert prompt.disks() == ()


def test_an_orphan_disk_turns_up(prompt: SimulatedHost, rack: Path) -> None:
    disk = meddling.add_disk(rack, "host1", size_gb=12)

    assert prompt.disks() == (disk,) == (DiskSpec(disk.id, None, 12, "data"),)
    prompt.ensure_disk_removed(disk.id)


@pytest.mark.parametrize("power", [Power.RUNNING, Power.OFF, Power.PAUSED, Power.SAVED])
@pytest.mark.parametrize("before", [Power.RUNNING, Power.OFF])
def test_power_changes_by_no_known_road(
    prompt: SimulatedHost, rack: Path, a_guest: Make, before: Power, power: Power
) -> None:
    spec = a_guest(power=before, memory_mb=3000)

    meddling.set_power(rack, "host1", spec.id, power)

    assert prompt.guests()[0].power is power
    holds = power in (Power.RUNNING, Power.PAUSED)
    assert bool(prompt.counters()[0].memory_mb) is (power is Power.RUNNING)
    late = a_guest(memory_mb=3000)
    if not holds:
        assert prompt.ensure_power(late.id, Power.RUNNING) == Done


def test_work_under_way_is_given_up(
    host: SimulatedHost, prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest()
    host.ensure_disk_size(spec.disks[0].id, 95)
    host.ensure_power(spec.id, Power.RUNNING)

    meddling.set_power(rack, "host1", spec.id, Power.OFF)
    assert prompt.guests()[0].power is Power.OFF
    meddling.remove_guest(rack, "host1", spec.id)

    assert prompt.ensure_disk(DiskSpec(uuid4(), None, 100)) == Done


def test_what_is_not_there_cannot_be_meddled_with(rack: Path, a_guest: Make) -> None:
    with pytest.raises(Missing):
        meddling.rename_guest(rack, "host1", uuid4(), "nobody")
    with pytest.raises(Rejected):
        meddling.add_guest(rack, "host9")
    with pytest.raises(Rejected):
        meddling.move_guest(rack, "host1", a_guest().id, "host9")
    with pytest.raises(Rejected):
        meddling.set_power(rack, "host1", a_guest().id, Power.STARTING)
