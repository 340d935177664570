"""Guest set-up keeps no password, notices a new one, and stops with the guest."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fabric.hypervisors.base import Done, GuestSetup, GuestSpec, Power
from fabric.hypervisors.errors import Rejected
from fabric.hypervisors.simulated import SimulatedHost, journal
from fabric.hypervisors.simulated.rack import Rack

Make = Callable[..., GuestSpec]
PASSWORD = "correct horse 7 battery"
KEY = "AAAAA-BBBBB-CCCCC-DDDDD-EEEEE"
SETTINGS = {"time_zone": "Europe/Berlin", "workgroup": "LAB"}
TEXTS = {
    "answer_file": "<secret>first</secret>",
    "script": "secret-tool --join",
    "user_data": "#cloud-config\nsecret: 1",
}
FULL = GuestSetup("web1", "alice", PASSWORD, product_key=KEY, **SETTINGS, **TEXTS)


def test_no_secret_is_in_its_repr() -> None:
    assert "web1" in repr(FULL)
    assert not [secret for secret in (PASSWORD, KEY, *TEXTS.values()) if secret in repr(FULL)]


def test_no_secret_is_anywhere_in_the_rack(
    prompt: SimulatedHost, rack: Path, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    prompt.ensure_guest_setup(spec.id, FULL)

    files = list(rack.parent.glob("rack.sqlite*"))
    kept = b"".join(path.read_bytes() for path in files)

    assert len(files) > 1  # the write-ahead log was read too
    assert b"alice" in kept
    assert b"Europe/Berlin" in kept
    for secret in (PASSWORD, KEY, *TEXTS.values()):
        assert secret.encode() not in kept
        assert secret.encode("utf-16-le") not in kept


@pytest.mark.parametrize("name", ["computer_name", "product_key", *SETTINGS, *TEXTS])
def test_each_value_is_set_anew_when_it_is_another(
    prompt: SimulatedHost, rack: Path, a_guest: Make, name: str
) -> None:
    spec = a_guest(power=Power.RUNNING)
    other = replace(FULL, **{name: "other"})
    for setup in (FULL, FULL, other):
        prompt.ensure_guest_setup(spec.id, setup)

    assert prompt.is_set_up(spec.id, other)
    assert not prompt.is_set_up(spec.id, FULL)
    assert journal(rack, "host1")[-2:] == [("ensure_guest_setup", str(spec.id))] * 2


def test_keys_let_the_user_in_and_take_the_place_of_others(
    prompt: SimulatedHost, a_guest: Make
) -> None:
    spec = a_guest(power=Power.RUNNING)
    first, second = ("ssh-ed25519 AAAA a", "ssh-rsa BBBB b"), ("ssh-ed25519 CCCC c",)
    prompt.ensure_guest_setup(spec.id, GuestSetup("web1", "root", ssh_keys=first))
    assert prompt.is_set_up(spec.id, GuestSetup("web1", "root", ssh_keys=first))
    assert not prompt.is_set_up(spec.id, GuestSetup("web1", "alice", ssh_keys=first))

    prompt.ensure_guest_setup(spec.id, GuestSetup("web1", "root", ssh_keys=second))
    assert not prompt.is_set_up(spec.id, GuestSetup("web1", "root", ssh_keys=first))
    assert not prompt.accepts_login(spec.id, "root", "")


def test_what_is_not_given_stays(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING)
    prompt.ensure_guest_setup(spec.id, FULL)
    prompt.ensure_guest_setup(spec.id, GuestSetup("web1", domain="corp.example.net"))

    assert prompt.accepts_login(spec.id, "alice", PASSWORD)
    assert prompt.is_set_up(spec.id, replace(FULL, workgroup="", domain="corp.example.net"))
    # Who joins a domain leaves the workgroup.
    assert not prompt.is_set_up(spec.id, FULL)


def test_equal_passwords_look_different(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    for _ in range(2):
        spec = a_guest(power=Power.RUNNING)
        prompt.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD))

    with Rack(rack).reading() as connection:
        digests = [row[0] for row in connection.execute("SELECT digest FROM guests")]
    assert len(set(digests)) == 2


def test_the_administrator_gets_in_once_it_is_done(
    host: SimulatedHost, a_guest: Make, clock: Any
) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD))
    assert not host.guests()[0].os_ready
    assert not host.accepts_login(spec.id, "alice", PASSWORD)

    clock.advance(5)

    assert host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD)) == Done
    assert host.guests()[0].os_ready
    assert host.accepts_login(spec.id, "alice", PASSWORD)
    assert not host.accepts_login(spec.id, "alice", "guess")
    assert not host.accepts_login(spec.id, "bob", PASSWORD)


def test_another_password_is_set_anew(prompt: SimulatedHost, rack: Path, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING)
    for password in (PASSWORD, PASSWORD, "another"):
        prompt.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", password))

    assert prompt.accepts_login(spec.id, "alice", "another")
    assert journal(rack, "host1")[-2:] == [("ensure_guest_setup", str(spec.id))] * 2


def test_turning_off_stops_the_set_up(host: SimulatedHost, a_guest: Make, clock: Any) -> None:
    spec = a_guest(power=Power.RUNNING)
    host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD))
    host.ensure_power(spec.id, Power.OFF, hard=True)
    clock.advance(10)

    with pytest.raises(Rejected):
        host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD))
    host.ensure_power(spec.id, Power.RUNNING)
    clock.advance(3)

    assert host.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD)).percent == 0


def test_an_empty_disk_has_no_system_to_set_up(prompt: SimulatedHost, a_guest: Make) -> None:
    spec = a_guest(power=Power.RUNNING, image=None)

    with pytest.raises(Rejected, match="no operating system"):
        prompt.ensure_guest_setup(spec.id, GuestSetup("web1", "alice", PASSWORD))

    assert not prompt.guests()[0].os_ready
