"""The rack stands several processes, threads, forks and kills at any line."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from fabric.hypervisors.base import DiskSpec, Done, GuestSpec, HostFacts, Power, VolumeFacts
from fabric.hypervisors.errors import Full, Unreachable
from fabric.hypervisors.simulated import SimulatedHost, add_host, journal, open_host

fork = multiprocessing.get_context("fork")
DATA = VolumeFacts("data", 100)
FACTS = HostFacts("host1", 4, 4096, 100, "simulated", "1.0", (DATA,))


def together(target: Callable[..., None], *args: object, count: int = 3) -> None:
    """Run the target in several processes that begin at the same moment."""
    start = fork.Barrier(count)

    def wait_and_run() -> None:
        start.wait(60)
        target(*args)

    racers = [fork.Process(target=wait_and_run) for _ in range(count)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(120)
    assert [racer.exitcode for racer in racers] == [0] * count


def live(rack: Path, specs: list[GuestSpec]) -> None:
    host = open_host(rack, "host1", scale=0)
    for spec in specs:
        assert host.ensure_disk(spec.disks[0]) == Done
        host.ensure_defined(spec)
        assert host.ensure_power(spec.id, Power.RUNNING) == Done


def fill(rack: Path) -> None:
    host = open_host(rack, "host1", scale=0)
    for _ in range(20):
        try:
            host.ensure_disk(DiskSpec(uuid4(), "debian-12", 7))
        except Full:
            return


@pytest.mark.slow
def test_racing_workers_make_everything_once(rack: Path) -> None:
    specs = [
        GuestSpec(uuid4(), f"web-{n}", 1, 64, (DiskSpec(uuid4(), "debian-12", 2),), ())
        for n in range(20)
    ]

    together(live, rack, specs)

    effects = journal(rack, "host1")
    assert len(effects) == len(set(effects)) == 3 * len(specs)
    host = open_host(rack, "host1", scale=0)
    assert {state.id for state in host.guests()} == {spec.id for spec in specs}
    assert len(host.disks()) == len(specs)


@pytest.mark.slow
def test_racing_workers_never_overfill(rack: Path) -> None:
    together(fill, rack)

    assert len(open_host(rack, "host1").disks()) == 100 // 7


@pytest.mark.slow
def test_the_rack_may_be_made_by_several_at_once(tmp_path: Path) -> None:
    rack = tmp_path / "new" / "rack.sqlite"

    together(add_host, rack, FACTS, count=4)

    assert open_host(rack, "host1").facts() == FACTS


def write_until_killed(rack: Path, begun: Any) -> None:
    host = open_host(rack, "host1", scale=0)
    for number in range(1, 100_000):
        disk = DiskSpec(UUID(int=number), None, 1)
        spec = GuestSpec(UUID(int=number), "web", 1, 1, (disk,), ())
        host.ensure_disk(disk)
        host.ensure_defined(spec)
        host.ensure_power(spec.id, Power.RUNNING)
        host.ensure_removed(spec.id)
        begun.value = number


@pytest.mark.slow
def test_a_kill_at_any_line_leaves_nothing_half_done(rack: Path) -> None:
    for _ in range(4):
        begun = fork.Value("q", 0)
        worker = fork.Process(target=write_until_killed, args=(rack, begun))
        worker.start()
        while begun.value < 5:
            time.sleep(0.001)
        assert worker.pid is not None
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()

        host = open_host(rack, "host1", scale=0)
        for state in host.guests():
            assert len(state.disks) == 1
            assert host.ensure_removed(state.id) == Done
        for orphan in host.disks():
            host.ensure_disk_removed(orphan.id)
        assert (host.guests(), host.disks()) == ((), ())


@pytest.mark.slow
def test_a_killed_caller_changes_nothing_for_the_work(rack: Path) -> None:
    disk = DiskSpec(uuid4(), "debian-12", 10)

    def begin_and_die() -> None:
        open_host(rack, "host1", scale=0.01).ensure_disk(disk)
        os.kill(os.getpid(), signal.SIGKILL)

    worker = fork.Process(target=begin_and_die)
    worker.start()
    worker.join()
    time.sleep(0.03)

    assert worker.exitcode == -signal.SIGKILL
    assert open_host(rack, "host1", scale=0.01).ensure_disk(disk) == Done
    assert journal(rack, "host1") == [("ensure_disk", str(disk.id))]


@pytest.mark.slow
def test_a_driver_opened_before_a_fork_serves_both_sides(prompt: SimulatedHost) -> None:
    prompt.ensure_disk(DiskSpec(uuid4(), None, 1))

    def use() -> None:
        for _ in range(20):
            prompt.ensure_disk(DiskSpec(uuid4(), None, 1))

    child = fork.Process(target=use)
    child.start()
    use()
    child.join()

    assert child.exitcode == 0
    assert len(prompt.disks()) == 41


@pytest.mark.slow
def test_a_parent_that_closes_the_rack_takes_nothing_from_its_child(
    prompt: SimulatedHost, tmp_path: Path
) -> None:
    """SQLite deletes the log when it believes the last user left: locks must survive the fork."""
    prompt.disks()
    opened, closed = fork.Event(), fork.Event()

    def child() -> None:
        prompt.ensure_disk(DiskSpec(uuid4(), None, 1))
        opened.set()
        assert closed.wait(60)
        prompt.ensure_disk(DiskSpec(uuid4(), None, 1))

    process = fork.Process(target=child)
    process.start()
    assert opened.wait(60)
    prompt.disks()
    for number in range(16):  # pushes the rack out of the parent's open files
        add_host(tmp_path / f"{number}.sqlite", FACTS)
    closed.set()
    process.join(60)

    assert process.exitcode == 0
    assert len(prompt.disks()) == 2


def test_threads_share_a_driver(prompt: SimulatedHost) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: prompt.ensure_disk(DiskSpec(uuid4(), None, 1)), range(40)))

    assert len(prompt.disks()) == 40


def test_a_rack_thrown_away_is_empty_when_made_again(prompt: SimulatedHost, rack: Path) -> None:
    prompt.ensure_disk(DiskSpec(uuid4(), None, 1))
    for path in rack.parent.glob("rack.sqlite*"):
        path.unlink()
    with pytest.raises(Unreachable):
        prompt.disks()

    add_host(rack, FACTS)

    assert prompt.disks() == ()


def test_many_racks_do_not_use_up_file_handles(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))

    for number in range(30):
        add_host(tmp_path / f"{number}.sqlite", FACTS)

    assert len(os.listdir("/proc/self/fd")) - before <= 16 * 3
    assert open_host(tmp_path / "0.sqlite", "host1").facts() == FACTS


def test_a_rack_that_cannot_be_opened_is_unreachable(tmp_path: Path) -> None:
    (tmp_path / "rack.sqlite").mkdir()

    with pytest.raises(Unreachable):
        open_host(tmp_path / "rack.sqlite", "host1").facts()


def test_adding_a_host_again_brings_its_facts_up_to_date(rack: Path) -> None:
    add_host(rack, HostFacts("host1", 8, 8192, 200, "simulated", "1.1"))

    assert open_host(rack, "host1").facts().cores == 8
