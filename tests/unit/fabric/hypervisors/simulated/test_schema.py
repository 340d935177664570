"""A rack of the first schema goes on working when it is opened by later code."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import UUID

import pytest

from fabric.hypervisors.base import AdapterSpec, DiskSpec, Done, GuestSpec, Power, VolumeFacts
from fabric.hypervisors.errors import Full
from fabric.hypervisors.simulated import open_host
from fabric.hypervisors.simulated.schema import FIRST, SCHEMA_VERSION, bring_up_to_date

GUEST, DISK, LATE, ADAPTER = (UUID(int=number) for number in range(1, 5))
SPEC = GuestSpec(
    GUEST,
    "web-1",
    1,
    512,
    (DiskSpec(DISK, "debian-12", 20),),
    (AdapterSpec(ADAPTER, "02:00:00:00:00:01", "blue", None, ("10.0.0.5",)),),
)
# What the first code wrote: disks had no volume yet, adapters one address.
DEFINITION = (
    repr(SPEC).replace(", volume=''", "").replace("addresses=('10.0.0.5',)", "address='10.0.0.5'")
)


@pytest.fixture
def old_rack(tmp_path: Path) -> Path:
    """A rack with a running guest, whose size has changed since, and a clone under way."""
    path = tmp_path / "rack.sqlite"
    with closing(sqlite3.connect(path)) as rack, rack:
        rack.executescript(FIRST)
        rack.execute("INSERT INTO hosts VALUES ('host1', 4, 4096, 100, 'simulated', '1.0')")
        rack.execute(
            "INSERT INTO guests (host, id, hypervisor_id, name, cores, memory_mb, definition,"
            " power, holds_memory, running_since)"
            " VALUES ('host1', ?, ?, 'web-1', 2, 1024, ?, 'running', 1, 1.0)",
            (str(GUEST), str(UUID(int=9)), DEFINITION),
        )
        rack.executemany(
            "INSERT INTO disks VALUES ('host1', ?, 'debian-12', 20, ?, ?, ?)",
            [(str(DISK), 1, str(GUEST), 0), (str(LATE), 0, None, None)],
        )
        rack.execute(
            "INSERT INTO adapters VALUES ('host1', ?, ?, '02:00:00:00:00:01', '020000000001',"
            " 'blue', NULL, '10.0.0.5')",
            (str(ADAPTER), str(GUEST)),
        )
        rack.execute(
            "INSERT INTO work VALUES ('host1', ?, 'ensure_disk', '', 1.0, 2.0, 0)", (str(LATE),)
        )
        rack.execute("PRAGMA user_version=1")
    return path


def test_its_hosts_have_one_volume_of_all_their_storage(old_rack: Path) -> None:
    host = open_host(old_rack, "host1", scale=0)

    assert host.facts().volumes == (VolumeFacts("data", 100),)
    assert {disk.volume for disk in host.disks()} == {"data"}
    with pytest.raises(Full, match="60 GB free"):
        host.ensure_disk(DiskSpec(UUID(int=5), None, 61))


def test_its_guests_are_adopted_and_its_work_goes_on(old_rack: Path) -> None:
    host = open_host(old_rack, "host1", scale=0)

    assert host.ensure_disk(DiskSpec(LATE, "debian-12", 20)) == Done
    assert host.ensure_defined(SPEC) == UUID(int=9)
    (state,) = host.guests()
    assert (state.power, state.cores, state.media) == (Power.RUNNING, 2, "")
    assert state.addresses == ("10.0.0.5",)


def test_its_guests_can_do_what_is_new(old_rack: Path) -> None:
    host = open_host(old_rack, "host1", scale=0)

    assert host.ensure_checkpoint(GUEST, UUID(int=7), "before") == Done
    assert host.ensure_disk_size(DISK, 30) == Done
    assert host.ensure_restored(GUEST, UUID(int=7)) == Done

    assert host.guests()[0].disks == (DiskSpec(DISK, "debian-12", 20, "data"),)


def test_a_step_that_fails_leaves_the_rack_as_it_was(old_rack: Path) -> None:
    with closing(sqlite3.connect(old_rack, isolation_level=None)) as rack:
        rack.execute("CREATE TABLE images (name)")  # in the way of the second step
        with pytest.raises(sqlite3.OperationalError):
            bring_up_to_date(rack)

        assert rack.execute("PRAGMA user_version").fetchone() == (1,)
        tables = {name for (name,) in rack.execute("SELECT name FROM sqlite_master")}
        assert "volumes" not in tables
        rack.execute("DROP TABLE images")
        bring_up_to_date(rack)
        bring_up_to_date(rack)
        assert rack.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)
