"""Books beside hosts' answers: every kind of difference, and what is none."""

from __future__ import annotations

import uuid
from dataclasses import replace

from fabric.hypervisors.base import DiskSpec, GuestState, Power
from fabric.vmm.drift.compare import Books, HostView, OurMachine, compare

HERE, THERE = uuid.uuid4(), uuid.uuid4()
MACHINE, DISK = uuid.uuid4(), uuid.uuid4()
SYSTEM = DiskSpec(DISK, "ubuntu.vhdx", 20)
GUEST = GuestState(MACHINE, uuid.uuid4(), "web-1", Power.RUNNING, 2, 2048, (SYSTEM,), (), (), True)
OURS = OurMachine(MACHINE, HERE, "web-1", 2, 2048, "Running", is_settled=True)


def books(*machines, disks=None, left_alone=()):
    disks = {MACHINE: [(DISK, 20)]} if disks is None else disks
    ids = {pk for each in disks.values() for pk, _ in each}
    return Books({each.id: each for each in machines}, disks, ids, set(left_alone))


def view(host=HERE, guests=(GUEST,), disks=(SYSTEM,)):
    return HostView(host, guests, disks)


def kinds(found) -> list[str]:
    return sorted(str(each.kind) for each in found)


def test_what_is_the_same_is_no_difference():
    assert compare(books(OURS), [view()]) == []


def test_a_machine_nobody_ordered_is_told_with_what_it_is():
    (found,) = compare(books(disks={}), [view()])
    assert (found.kind, found.object_id, found.name) == ("unknown_machine", MACHINE, "web-1")
    assert found.theirs["cores"] == 2
    assert found.theirs["storage_gb"] == 20


def test_a_machine_that_its_host_does_not_have_is_missing():
    (found,) = compare(books(OURS), [view(guests=(), disks=())])
    assert (found.kind, found.machine_id, found.host_id) == ("missing_machine", MACHINE, HERE)


def test_a_machine_of_a_host_that_did_not_answer_is_not_missing():
    assert compare(books(OURS), [view(THERE, (), ())]) == []


def test_a_machine_on_another_host_moved():
    (found,) = compare(books(OURS), [view(HERE, (), ()), view(THERE)])
    assert (found.kind, found.host_id, found.ours) == ("moved", THERE, {"host": str(HERE)})


def test_a_copy_beside_the_machine_is_an_unknown_one():
    (found,) = compare(books(OURS), [view(THERE), view(HERE)])
    assert (found.kind, found.host_id) == ("unknown_machine", THERE)


def test_another_size_and_another_name_are_two_differences():
    guest = replace(GUEST, memory_mb=4096, name="web-one")
    found = compare(books(OURS), [view(guests=(guest,))])
    assert kinds(found) == ["renamed", "resized"]
    assert {each.theirs.get("memory_mb") for each in found} == {4096, None}


def test_a_disk_of_nobody_is_an_orphan():
    lost = DiskSpec(uuid.uuid4(), None, 7)
    (found,) = compare(books(OURS), [view(disks=(SYSTEM, lost))])
    assert (found.kind, found.object_id, found.theirs["size_gb"]) == ("orphan_disk", lost.id, 7)


def test_the_disk_of_an_unknown_machine_is_told_with_it():
    assert kinds(compare(books(disks={}), [view()])) == ["unknown_machine"]


def test_a_disk_that_went_away_is_missing():
    bare = replace(GUEST, disks=())
    (found,) = compare(books(OURS), [view(guests=(bare,), disks=())])
    assert (found.kind, found.object_id, found.machine_id) == ("missing_disk", DISK, MACHINE)


def test_what_a_job_works_on_is_left_alone():
    for theirs in (view(guests=(), disks=()), view(guests=(replace(GUEST, cores=9),))):
        assert compare(books(OURS, left_alone=[MACHINE]), [theirs]) == []
    assert compare(books(disks={}, left_alone=[MACHINE]), [view()]) == []


def test_a_machine_half_made_is_neither_missing_nor_changed():
    half = replace(OURS, status="CreationFailed", is_settled=False)
    assert compare(books(half), [view(guests=(), disks=())]) == []
    assert compare(books(half), [view(guests=(replace(GUEST, cores=9),))]) == []
