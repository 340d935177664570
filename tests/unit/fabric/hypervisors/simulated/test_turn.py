"""Work takes time, goes on by itself, and does not mind who asks how often."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Done, GuestSetup, GuestSpec, Power
from fabric.hypervisors.errors import Busy
from fabric.hypervisors.simulated import SimulatedHost, journal, open_host, turn
from fabric.hypervisors.simulated.disks import clone_seconds

Make = Callable[..., GuestSpec]


def test_a_clone_rises_to_done_and_is_made_once(
    host: SimulatedHost, rack: Path, clock: Any
) -> None:
    disk = DiskSpec(uuid4(), "debian-12", 100)
    percents = []
    while not (outcome := host.ensure_disk(disk)).done:
        assert outcome.retry_in is not None
        assert 0.05 <= outcome.retry_in <= 1.5
        percents.append(outcome.percent)
        clock.advance(outcome.retry_in)

    assert percents == [0, 37, 75]  # 4 seconds, asked every 1.5
    assert journal(rack, "host1") == [("ensure_disk", str(disk.id))]


def test_another_caller_goes_on_where_the_first_left_off(
    host: SimulatedHost, rack: Path, clock: Any
) -> None:
    disk = DiskSpec(uuid4(), "debian-12", 100)
    host.ensure_disk(disk)
    clock.advance(3)

    outcome = open_host(rack, "host1", scale=1, clock=clock).ensure_disk(disk)

    assert (outcome.percent, outcome.retry_in) == (75, 1.0)


def test_bigger_disks_take_longer_but_not_for_ever(prompt: SimulatedHost) -> None:
    sizes = [1, 50, 200, 5000]
    seconds = [clone_seconds(DiskSpec(uuid4(), "debian-12", size)) for size in sizes]

    assert seconds == sorted(seconds)
    assert (round(seconds[0]), seconds[-1]) == (2, 6)


def test_work_goes_on_when_nobody_asks(host: SimulatedHost, a_guest: Make, clock: Any) -> None:
    spec = a_guest()
    host.ensure_power(spec.id, Power.RUNNING)
    assert host.guests()[0].power is Power.STARTING

    clock.advance(3)

    (state,) = host.guests()
    assert (state.power, state.os_ready) == (Power.RUNNING, True)
    assert state.addresses == ("10.0.0.5",)


def test_scale_stretches_time(rack: Path, a_guest: Make, clock: Any) -> None:
    spec = a_guest()
    slow = open_host(rack, "host1", scale=10, clock=clock)
    slow.ensure_power(spec.id, Power.RUNNING)
    clock.advance(29)
    assert not slow.ensure_power(spec.id, Power.RUNNING).done

    clock.advance(1)

    assert slow.ensure_power(spec.id, Power.RUNNING) == Done


def test_in_the_middle_of_a_change_others_wait(host: SimulatedHost, a_guest: Make) -> None:
    spec = a_guest()
    host.ensure_power(spec.id, Power.RUNNING)

    with pytest.raises(Busy) as caught:
        host.ensure_power(spec.id, Power.PAUSED)
    with pytest.raises(Busy):
        host.ensure_resized(spec.id, 2, 1024)
    with pytest.raises(Busy):
        host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", "Pa55!"))

    assert caught.value.retry_after == 1.5


def test_turning_off_hard_overrides_a_shutdown(
    host: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_power(spec.id, Power.OFF)
    assert host.guests()[0].power is Power.STOPPING

    assert host.ensure_power(spec.id, Power.OFF, hard=True).retry_in == 0.5
    clock.advance(0.5)

    assert host.ensure_power(spec.id, Power.OFF) == Done
    assert host.guests()[0].power is Power.OFF


def test_a_guest_cannot_be_defined_on_half_a_disk(host: SimulatedHost, clock: Any) -> None:
    disk = DiskSpec(uuid4(), "debian-12", 10)
    spec = GuestSpec(uuid4(), "web-1", 1, 512, (disk,), ())
    host.ensure_disk(disk)
    with pytest.raises(Busy):
        host.ensure_defined(spec)

    clock.advance(3)

    assert host.ensure_defined(spec) == host.guests()[0].hypervisor_id


def test_a_clone_under_way_can_be_given_up(host: SimulatedHost, clock: Any) -> None:
    disk = DiskSpec(uuid4(), "debian-12", 10)
    host.ensure_disk(disk)

    host.ensure_disk_removed(disk.id)
    clock.advance(10)

    assert host.disks() == ()


def test_a_guest_that_leaves_is_seen_until_it_is_gone(
    host: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    assert not host.ensure_removed(spec.id).done
    assert host.guests()[0].power is Power.STOPPING
    for late in (
        lambda: host.ensure_defined(spec),
        lambda: host.ensure_adapter(spec.id, spec.adapters[0]),
        lambda: host.ensure_disk(spec.disks[0]),
        lambda: host.ensure_disk_removed(spec.disks[0].id),
        lambda: host.ensure_power(spec.id, Power.OFF, hard=True),
    ):
        with pytest.raises(Busy):
            late()

    clock.advance(2)

    assert (host.guests(), host.disks()) == ((), ())


def test_the_journal_keeps_only_the_latest(
    prompt: SimulatedHost, rack: Path, a_guest: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turn, "JOURNAL_LENGTH", 3)
    spec = a_guest()
    for cores in range(2, 8):
        prompt.ensure_resized(spec.id, cores, 512)

    assert journal(rack, "host1") == [("ensure_resized", str(spec.id))] * 3
