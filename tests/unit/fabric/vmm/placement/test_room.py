"""Room of machines and disks that are there already: other sizes, more disks, moves."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, placement
from fabric.vmm.errors import Conflict, NoSuitableHost, WrongState
from fabric.vmm.models import DiskDrive, Host, VirtualMachine
from tests.factories.placement import affinity_set, assert_sums_agree, unplaced
from tests.factories.vmm import ADMINISTRATOR


@pytest.fixture
def machine(fabric) -> VirtualMachine:
    """Return a machine on the first host: 2 processors, 4 GB, a disk of 20 GB."""
    made = unplaced(fabric, cores=2, memory_mb=4096)
    placement.place(made, among=[fabric.hosts[0]])
    return made


@pytest.fixture
def other(fabric) -> Host:
    return fabric.hosts[1]


def used(host: Host) -> tuple[int, int, int]:
    host.refresh_from_db()
    return host.used_cores, host.used_memory_mb, host.used_storage_gb


def test_another_size_is_counted_where_the_host_has_the_room(machine):
    placement.resize(machine, 4, 8192)
    assert used(machine.host) == (4, 8192, 20)
    with pytest.raises(NoSuitableHost, match="Its host has room for 57344 MB and 124 processors"):
        placement.resize(machine, 2, 65_536)
    assert used(machine.host) == (4, 8192, 20)


def test_a_smaller_size_is_always_possible(machine):
    Host.objects.update(memory_mb=4096, reserved_memory_mb=0)
    placement.resize(machine, 1, 2048)
    assert used(machine.host) == (1, 2048, 20)


def test_a_disk_takes_room_grows_shrinks_and_gives_it_back(machine):
    drive = machine.disks.create(name="data", size_gb=100, lun=1)
    volume = placement.take_disk(machine.host, drive)
    assert placement.take_disk(machine.host, drive) == volume
    assert used(machine.host)[2] == 120
    placement.grow_disk(drive, 300)
    assert (used(machine.host)[2], DiskDrive.objects.get(pk=drive.pk).size_gb) == (320, 300)
    with pytest.raises(NoSuitableHost, match="1680 GB are free; 1700 GB more are wanted"):
        placement.grow_disk(drive, 2000)
    placement.grow_disk(drive, 50)
    assert_sums_agree()
    for _ in range(2):
        placement.release_disk(drive)
    assert used(machine.host)[2] == 20
    assert_sums_agree()


def test_a_disk_that_fits_nowhere_is_named(machine):
    drive = machine.disks.create(name="data", size_gb=5000, lun=1)
    with pytest.raises(NoSuitableHost, match="no volume with 5000 GB free for the disk data"):
        placement.take_disk(machine.host, drive)


def test_a_disk_moves_to_another_kind_of_storage(fabric, machine):
    fast = actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast")
    drive = machine.disks.get()
    with pytest.raises(NoSuitableHost, match="no volume of Fast with 20 GB free"):
        placement.move_disk(drive, classification=fast)
    ssd = actions.hosts.add_volume(
        ADMINISTRATOR, machine.host, name="ssd", capacity_gb=50, classification=fast
    )
    for _ in range(2):
        assert placement.move_disk(drive, classification=fast) == ssd
    assert used(machine.host)[2] == 40
    assert_sums_agree()
    placement.give_back_disk(drive)
    assert (used(machine.host)[2], drive.volume.name) == (20, "data")
    placement.move_disk(drive, ssd)
    for _ in range(2):
        placement.settle_disk(drive)
    assert (used(machine.host)[2], drive.volume) == (20, ssd)
    assert_sums_agree()


def test_a_move_holds_room_at_both_ends_until_it_is_settled(fabric, machine, other):
    source = machine.host
    volumes = placement.reserve_on(machine, other)
    drive = machine.disks.get()
    assert {pk: volume.host for pk, volume in volumes.items()} == {drive.pk: other}
    assert placement.reserve_on(machine, other) == volumes
    assert used(source) == used(other) == (2, 4096, 20)
    assert_sums_agree()
    for _ in range(2):
        placement.settle_move(machine)
    drive.refresh_from_db()
    assert (machine.host, drive.volume.host) == (other, other)
    assert (used(source), used(other)) == ((0, 0, 0), (2, 4096, 20))
    assert_sums_agree()


def test_a_move_that_fails_gives_back_what_it_held_at_the_target(machine, other):
    placement.reserve_on(machine, other)
    for _ in range(2):
        placement.give_back(machine)
    assert (used(machine.host), used(other)) == ((2, 4096, 20), (0, 0, 0))
    assert_sums_agree()


def test_a_machine_removed_on_its_way_gives_back_both_ends(machine, other):
    source = machine.host
    placement.reserve_on(machine, other)
    placement.release(machine)
    assert used(source) == used(other) == (0, 0, 0)
    assert_sums_agree()


def test_the_best_other_host_is_chosen_once(fabric, machine, other):
    host, _ = placement.reserve_best(machine)
    assert (host, placement.reserve_best(machine)[0]) == (other, other)
    with pytest.raises(Conflict, match=f"moving to {other} already"):
        placement.reserve_on(machine, fabric.hosts[0])


def test_a_machine_does_not_move_to_where_it_is_nor_to_a_full_host(fabric, machine, other):
    with pytest.raises(NoSuitableHost, match="the machine is here already"):
        placement.reserve_on(machine, fabric.hosts[0])
    Host.objects.filter(pk=other.pk).update(used_memory_mb=other.memory_mb)
    with pytest.raises(NoSuitableHost, match="4096 MB of memory are wanted and at most 0 are"):
        placement.reserve_best(machine)
    with pytest.raises(WrongState, match="is on no host"):
        placement.reserve_best(unplaced(fabric, "lost"))


def test_a_machine_on_its_way_holds_both_places_against_its_set(fabric, machine, other):
    apart = affinity_set(fabric)
    VirtualMachine.objects.filter(pk=machine.pk).update(affinity=apart)
    placement.reserve_on(machine, other)
    with pytest.raises(NoSuitableHost, match="2 hosts: another machine of the affinity set web"):
        placement.place(unplaced(fabric, affinity=apart))


def test_a_set_that_belongs_together_can_leave_a_host_in_maintenance(fabric, machine, other):
    together = affinity_set(fabric, "together")
    VirtualMachine.objects.filter(pk=machine.pk).update(affinity=together)
    twin = unplaced(fabric, affinity=together)
    assert placement.place(twin) == machine.host
    with pytest.raises(NoSuitableHost, match="are elsewhere"):
        placement.reserve_best(twin)
    actions.hosts.set_maintenance(ADMINISTRATOR, machine.host, is_in_maintenance=True)
    assert placement.reserve_best(twin)[0] == placement.reserve_best(machine)[0] == other


def test_what_moves_keeps_its_size_and_takes_one_road_at_a_time(fabric, machine, other):
    drive = machine.disks.get()
    placement.reserve_on(machine, other)
    with pytest.raises(Conflict, match="is moving: its size cannot be changed"):
        placement.resize(machine, 1, 1024)
    with pytest.raises(Conflict, match="is moving: its size cannot be changed"):
        placement.grow_disk(drive, 30)
    with pytest.raises(Conflict, match="moving to another host with its machine"):
        placement.move_disk(drive)
    placement.give_back(machine)
    actions.hosts.add_volume(ADMINISTRATOR, machine.host, name="more", capacity_gb=50)
    assert placement.move_disk(drive).name == "more"
    with pytest.raises(Conflict, match="is moving to another volume"):
        placement.reserve_best(machine)
    assert_sums_agree()
