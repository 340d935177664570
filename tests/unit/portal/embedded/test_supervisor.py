"""Processes are kept alive, each death is said, and all end together."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from portal.embedded.console import Console
from portal.embedded.procfile import Process, read
from portal.embedded.supervisor import Supervisor


class Clock:
    """Time that passes when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def supervisor(out: io.StringIO, clock: Clock, tmp_path: Path) -> Iterator[Supervisor]:
    made = Supervisor(Console(out), os.environ, tmp_path, clock)
    yield made
    made.stop(patience=1)


def wait_until(true: Callable[[], bool], patience: float = 60) -> bool:
    deadline = time.monotonic() + patience
    while not true() and time.monotonic() < deadline:
        time.sleep(0.01)
    return true()


def until_dead(supervisor: Supervisor) -> None:
    """Wait until the one kept process has died, and let the supervisor see it."""
    running = supervisor.kept[0].running
    assert running is not None
    running.wait(60)
    supervisor.tick()


def test_the_procfile_is_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "Procfile"
    path.write_text("# the sites\nadmin:  serve $PORT\n\nbeat: tick: tock\n")
    assert read(path) == [Process("admin", "serve $PORT"), Process("beat", "tick: tock")]
    assert Process("admin", "serve $PORT").argv == ["/bin/sh", "-c", "exec serve $PORT"]


def test_every_line_carries_the_name_of_who_said_it(
    supervisor: Supervisor, out: io.StringIO
) -> None:
    supervisor.keep(Process("worker", "sh -c 'echo first; echo second >&2; sleep 60'"))
    wait_until(lambda: "second" in out.getvalue())
    assert out.getvalue().splitlines() == ["worker   | first", "worker   | second"]


def test_a_dead_process_starts_again_later_and_later(
    supervisor: Supervisor, clock: Clock, out: io.StringIO
) -> None:
    supervisor.keep(Process("spf", "sh -c 'exit 3'"))
    for pause in (0.5, 1, 2, 4):
        until_dead(supervisor)
        assert f"spf ended (exit code 3); again in {pause:g} s" in out.getvalue()
        clock.now += pause - 0.1
        supervisor.tick()
        assert supervisor.kept[0].running is None, "it waits"
        clock.now += 0.2
        supervisor.tick()
        assert supervisor.kept[0].running is not None


def test_long_health_forgives_earlier_deaths(
    supervisor: Supervisor, clock: Clock, out: io.StringIO
) -> None:
    supervisor.keep(Process("spf", "false"))
    for _ in range(3):
        until_dead(supervisor)
        clock.now += 120
        supervisor.tick()
    until_dead(supervisor)
    assert "again in 1 s" in out.getvalue()
    clock.now += 120
    supervisor.tick()
    clock.now += 120
    out.truncate(0)
    until_dead(supervisor)
    assert "again in 0.5 s" in out.getvalue()


def test_what_a_dead_process_leaves_behind_ends_too(
    supervisor: Supervisor, clock: Clock, tmp_path: Path
) -> None:
    """A site's orphaned worker would go on holding its port."""
    supervisor.keep(Process("admin", "sh -c 'sleep 60 & echo $! > orphan; exit 1'"))
    until_dead(supervisor)
    orphan = int((tmp_path / "orphan").read_text())
    assert wait_until(lambda: not is_running(orphan)), "the orphan lives"


def test_stop_ends_everything(supervisor: Supervisor) -> None:
    supervisor.keep(Process("worker", "sleep 60"))
    once = supervisor.run(Process("demo", "sleep 60"))
    supervisor.stop(patience=1)
    assert once.poll() is not None
    running = supervisor.kept[0].running
    assert running is not None
    assert running.poll() is not None


def is_running(pid: int) -> bool:
    """Whether the process exists and is more than an unburied zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
