"""Hosts come, change and go; guests move between them only while both are there."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Done, GuestSpec, HostFacts, Power, VolumeFacts
from fabric.hypervisors.errors import Full, Rejected, Unreachable
from fabric.hypervisors.simulated import (
    SimulatedHost,
    add_host,
    clear_faults,
    journal,
    open_host,
    plan_fault,
    remove_host,
)

Make = Callable[..., GuestSpec]


@pytest.fixture
def second(rack: Path, clock: Any) -> SimulatedHost:
    add_host(rack, HostFacts("host2", 4, 4096, 100, "simulated", "1.0"))
    return open_host(rack, "host2", scale=1, clock=clock)


def test_volumes_change_with_the_facts(prompt: SimulatedHost, rack: Path) -> None:
    prompt.ensure_disk(DiskSpec(uuid4(), None, 90))
    volumes = (VolumeFacts("data", 100), VolumeFacts("more", 50))
    add_host(rack, HostFacts("host1", 4, 4096, 150, "simulated", "1.0", volumes))

    prompt.ensure_disk(DiskSpec(uuid4(), None, 40))

    assert prompt.facts().volumes == volumes
    assert [disk.volume for disk in prompt.disks()] == ["data", "more"]


def test_a_volume_made_smaller_keeps_its_disks_and_takes_no_more(
    prompt: SimulatedHost, rack: Path
) -> None:
    prompt.ensure_disk(DiskSpec(uuid4(), None, 90))
    add_host(rack, HostFacts("host1", 4, 4096, 50, "simulated", "1.0"))

    with pytest.raises(Full, match="0 GB free, 1 GB wanted"):
        prompt.ensure_disk(DiskSpec(uuid4(), None, 1))
    assert len(prompt.disks()) == 1


def test_an_empty_host_can_go(rack: Path, prompt: SimulatedHost, a_guest: Make) -> None:
    spec, orphan = a_guest(), DiskSpec(uuid4(), None, 1)
    prompt.ensure_disk(orphan)

    with pytest.raises(Rejected, match="1 guests and 2 disks"):
        remove_host(rack, "host1")
    prompt.ensure_removed(spec.id)
    with pytest.raises(Rejected):
        remove_host(rack, "host1")
    prompt.ensure_disk_removed(orphan.id)
    for _ in range(2):
        remove_host(rack, "host1")

    with pytest.raises(Unreachable):
        prompt.facts()


def test_a_host_that_a_guest_is_on_its_way_to_stays(
    rack: Path, host: SimulatedHost, second: SimulatedHost, a_guest: Make
) -> None:
    host.ensure_moved(a_guest().id, "host2", {})

    with pytest.raises(Rejected):
        remove_host(rack, "host2")


def test_a_move_goes_on_when_nobody_asks_and_is_seen_from_the_target(
    rack: Path, host: SimulatedHost, second: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    assert not host.ensure_moved(spec.id, "host2", {}).done
    assert second.guests() == ()

    clock.advance(20)

    assert [state.id for state in second.guests()] == [spec.id]
    assert host.ensure_moved(spec.id, "host2", {}) == Done
    assert journal(rack, "host1")[-1] == ("ensure_moved", str(spec.id))


@pytest.mark.parametrize("vanished", ["host1", "host2"])
def test_when_either_side_vanishes_half_way_the_guest_stays_until_it_is_back(
    rack: Path,
    host: SimulatedHost,
    second: SimulatedHost,
    a_guest: Make,
    clock: Any,
    vanished: str,
) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_moved(spec.id, "host2", {})
    plan_fault(rack, vanished, "*", "vanish")
    clock.advance(60)

    if vanished == "host1":
        assert second.guests() == ()
    else:
        outcome = host.ensure_moved(spec.id, "host2", {})
        assert (outcome.done, outcome.percent, outcome.retry_in) == (False, 99, 1.5)
        assert [state.id for state in host.guests()] == [spec.id]
    clear_faults(rack, vanished)

    assert host.ensure_moved(spec.id, "host2", {}) == Done
    assert [state.id for state in second.guests()] == [spec.id]


def test_cutting_a_moving_guest_off_keeps_it_here_and_frees_the_room_there(
    host: SimulatedHost, second: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING, disk_gb=90)
    host.ensure_moved(spec.id, "host2", {})

    host.ensure_power(spec.id, Power.OFF, hard=True)
    clock.advance(60)

    assert [state.power for state in host.guests()] == [Power.OFF]
    assert not second.ensure_disk(DiskSpec(uuid4(), None, 100)).done


def test_a_disk_of_the_same_id_over_there_is_in_the_way(
    host: SimulatedHost, second: SimulatedHost, a_guest: Make
) -> None:
    spec = a_guest()
    second.ensure_disk(DiskSpec(spec.disks[0].id, None, 1))

    with pytest.raises(Rejected, match="another disk"):
        host.ensure_moved(spec.id, "host2", {})
