"""Guest set-up keeps no password, notices a new one, and stops with the guest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fabric.hypervisors.base import Done, GuestSpec, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated import SimulatedHost, journal
from fabric.hypervisors.simulated.rack import Rack

Make = Callable[..., GuestSpec]
PASSWORD = "correct horse 7 battery"


def test_the_password_is_nowhere_in_the_rack(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    prompt.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)

    files = list(rack.parent.glob("rack.sqlite*"))
    kept = b"".join(path.read_bytes() for path in files)

    assert len(files) > 1  # the write-ahead log was read too
    assert b"alice" in kept
    assert PASSWORD.encode() not in kept
    assert PASSWORD.encode("utf-16-le") not in kept


def test_equal_passwords_look_different(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    for _ in range(2):
        spec = a_guest(power=Power.RUNNING)
        prompt.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)

    with Rack(rack).reading() as connection:
        digests = [row[0] for row in connection.execute("SELECT digest FROM guests")]
    assert len(set(digests)) == 2


def test_the_administrator_gets_in_once_it_is_done(
    host: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)
    assert not host.guests()[0].os_ready
    assert not host.accepts_login(spec.id, "alice", PASSWORD)

    clock.advance(5)

    assert host.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD) == Done
    assert host.guests()[0].os_ready
    assert host.accepts_login(spec.id, "alice", PASSWORD)
    assert not host.accepts_login(spec.id, "alice", "guess")
    assert not host.accepts_login(spec.id, "bob", PASSWORD)


def test_another_password_is_set_anew(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING)
    for password in (PASSWORD, PASSWORD, "another"):
        prompt.ensure_guest_setup(spec.id, "web1", "alice", password)

    assert prompt.accepts_login(spec.id, "alice", "another")
    assert journal(rack, "host1")[-2:] == [("ensure_guest_setup", str(spec.id))] * 2


def test_turning_off_stops_the_set_up(host: SimulatedHost, a_guest: Make, clock: Any) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)
    host.ensure_power(spec.id, Power.OFF, hard=True)
    clock.advance(10)

    with pytest.raises(Rejected):
        host.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)
    host.ensure_power(spec.id, Power.RUNNING)
    clock.advance(3)

    assert host.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD).percent == 0


def test_an_empty_disk_has_no_system_to_set_up(prompt: SimulatedHost, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING, image=None)

    with pytest.raises(Rejected, match="no operating system"):
        prompt.ensure_guest_setup(spec.id, "web1", "alice", PASSWORD)

    assert not prompt.guests()[0].os_ready
