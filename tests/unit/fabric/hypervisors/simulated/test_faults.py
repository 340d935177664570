"""Every way a host can be told to fail, and that it fails exactly as often as told."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Done, GuestSpec, Power
from fabric.hypervisors.errors import Rejected, Unreachable
from fabric.hypervisors.simulated import (
    SimulatedHost,
    clear_faults,
    journal,
    open_host,
    plan_fault,
)

Make = Callable[..., GuestSpec]
fork = multiprocessing.get_context("fork")


@pytest.mark.parametrize(("kind", "fault"), [("fail", Rejected), ("unreachable", Unreachable)])
def test_refused_before_anything_is_done(
    prompt: SimulatedHost, rack: Path, kind: str, fault: type[Exception]
) -> None:
    disk = DiskSpec(uuid4(), None, 1)
    plan_fault(rack, "host1", "ensure_disk", kind, times=2, detail="The disk rack is on fire.")

    for _ in range(2):
        with pytest.raises(fault, match="on fire"):
            prompt.ensure_disk(disk)
        assert prompt.disks() == ()

    assert prompt.ensure_disk(disk) == Done


def test_a_lost_reply_did_the_work(prompt: SimulatedHost, rack: Path) -> None:
    disk = DiskSpec(uuid4(), None, 1, "data")
    plan_fault(rack, "host1", "ensure_disk", "lose_reply")

    with pytest.raises(Unreachable):
        prompt.ensure_disk(disk)

    assert prompt.disks() == (disk,)
    assert prompt.ensure_disk(disk) == Done
    assert journal(rack, "host1") == [("ensure_disk", str(disk.id))]


def test_a_lie_says_done_and_does_nothing(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest()
    plan_fault(rack, "host1", "ensure_power", "lie")
    plan_fault(rack, "host1", "guests", "lie")

    assert prompt.ensure_power(spec.id, Power.RUNNING) == Done
    assert prompt.guests() == ()

    assert prompt.guests()[0].power is Power.OFF


@pytest.mark.parametrize("scale", [0, 1])
def test_hanging_work_never_ends_until_the_fault_is_cleared(
    rack: Path, a_guest: Make, clock: Any, scale: float
) -> None:
    host, spec = open_host(rack, "host1", scale=scale, clock=clock), a_guest()
    plan_fault(rack, "host1", "ensure_power", "hang")
    for _ in range(3):
        outcome = host.ensure_power(spec.id, Power.RUNNING)
        assert (outcome.done, outcome.retry_in) == (False, 1.5)
        clock.advance(1000)
    assert host.guests()[0].power is Power.STARTING

    clear_faults(rack)

    assert host.ensure_power(spec.id, Power.RUNNING) == Done


def test_a_guest_that_hangs_can_be_cut_off_and_removed(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    stuck, stuck_too = a_guest(power=Power.RUNNING), a_guest(power=Power.RUNNING)
    plan_fault(rack, "host1", "ensure_power", "hang", times=2)
    prompt.ensure_power(stuck.id, Power.OFF)
    prompt.ensure_power(stuck_too.id, Power.OFF)

    assert prompt.ensure_power(stuck.id, Power.OFF, hard=True) == Done
    assert prompt.ensure_removed(stuck_too.id) == Done
    assert [state.power for state in prompt.guests()] == [Power.OFF]


def test_a_short_verb_hangs_for_its_time_out(prompt: SimulatedHost, rack: Path) -> None:
    plan_fault(rack, "host1", "facts", "hang", seconds=0.02)
    began = time.monotonic()

    with pytest.raises(Unreachable):
        prompt.facts()

    assert time.monotonic() - began >= 0.02
    assert prompt.facts().name == "host1"


def test_a_hang_waits_for_work_that_begins(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    plan_fault(rack, "host1", "ensure_power", "hang")

    assert prompt.ensure_power(spec.id, Power.RUNNING) == Done
    assert not prompt.ensure_power(spec.id, Power.OFF).done


def test_a_vanished_host_answers_nothing_until_it_is_back(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    plan_fault(rack, "host1", "facts", "vanish")

    for _ in range(3):
        for ask in (prompt.facts, prompt.guests, lambda: prompt.ensure_removed(spec.id)):
            with pytest.raises(Unreachable):
                ask()
    clear_faults(rack, "host1")

    assert prompt.guests()[0].power is Power.RUNNING


def test_a_star_matches_every_verb(prompt: SimulatedHost, rack: Path) -> None:
    plan_fault(rack, "host1", "*", "unreachable", times=2)

    with pytest.raises(Unreachable):
        prompt.disks()
    with pytest.raises(Unreachable):
        prompt.ensure_disk_removed(uuid4())

    assert prompt.disks() == ()


def test_faults_are_of_one_host_and_cleared_by_host(prompt: SimulatedHost, rack: Path) -> None:
    plan_fault(rack, "host1", "facts", "fail")
    plan_fault(rack, "host2", "facts", "fail")

    clear_faults(rack, "host2")

    with pytest.raises(Rejected):
        prompt.facts()


@pytest.mark.parametrize(
    ("verb", "kind", "times"), [("ensure_dsk", "fail", 1), ("facts", "burn", 1), ("*", "fail", 0)]
)
def test_a_mistyped_fault_is_refused(rack: Path, verb: str, kind: str, times: int) -> None:
    with pytest.raises(ValueError, match="No such fault"):
        plan_fault(rack, "host1", verb, kind, times)


def test_a_host_not_on_the_rack_is_unreachable_rather_than_empty(rack: Path) -> None:
    """An empty answer would make the caller believe that its guests are gone."""
    stranger = open_host(rack, "host9", scale=0)

    for ask in (stranger.facts, stranger.guests, stranger.disks):
        with pytest.raises(Unreachable):
            ask()


def count_rejections(rack: Path, counts: Any) -> None:
    host, rejected = open_host(rack, "host1", scale=0), 0
    for _ in range(40):
        try:
            host.facts()
        except Rejected:
            rejected += 1
    counts.put(rejected)


@pytest.mark.slow
def test_the_countdown_is_exact_between_processes(rack: Path) -> None:
    plan_fault(rack, "host1", "facts", "fail", times=50)
    counts = fork.Queue()
    racers = [fork.Process(target=count_rejections, args=(rack, counts)) for _ in range(3)]
    for racer in racers:
        racer.start()
    total = sum(counts.get(timeout=60) for _ in racers)
    for racer in racers:
        racer.join()

    assert total == 50
