"""Disks of machines that are there: added, enlarged, moved, stored, removed."""

from __future__ import annotations

import pytest

from fabric.hypervisors.simulated import clear_faults
from fabric.vmm import actions
from fabric.vmm.errors import (
    Conflict,
    Denied,
    Invalid,
    NoSuitableHost,
    NotFound,
    QuotaExceeded,
    WrongState,
)
from fabric.vmm.models import CapabilityProfile, DiskDrive, RoleScope, VirtualHardDisk
from tests.factories.troubles import assert_true, fail, kill, suffer
from tests.factories.vmm import ADMINISTRATOR, deploy, driver, finish, make_share


@pytest.fixture
def machine(fabric, alice):
    return deploy(fabric, alice)


@pytest.fixture
def fast(fabric):
    """Return a classification of which each host has 100 GB."""
    fast = actions.storage.add(ADMINISTRATOR, fabric.server, name="Fast")
    for host in fabric.hosts:
        actions.volumes.add_volume(
            ADMINISTRATOR, host, name="flash", capacity_gb=100, classification=fast
        )
    return fast


def data_disk(caller, machine, size_gb: int = 10, **wanted) -> DiskDrive:
    assert (
        finish(actions.disks.add(caller, machine, size_gb=size_gb, **wanted)).state == "succeeded"
    )
    return machine.disks.order_by("lun").last()


def stop(caller, machine) -> None:
    finish(actions.machines.operate(caller, machine, "Stop"))


def test_an_empty_disk_and_a_copy_are_added(fabric, alice, machine):
    job = actions.disks.add(alice, machine, size_gb=10)
    machine.refresh_from_db()
    assert (machine.status, machine.storage_gb) == ("UnderUpdate", 30)
    assert finish(job).state == "succeeded"
    copy = data_disk(alice, machine, 25, library_disk=fabric.template.disk, name="logs")
    machine.refresh_from_db()
    assert (machine.status, machine.storage_gb) == ("Running", 55)
    assert (copy.name, copy.lun, copy.image) == ("logs", 2, "ubuntu.vhdx")
    assert_true(machine)


def test_a_disk_grows_and_never_shrinks(alice, machine):
    disk = data_disk(alice, machine)
    finish(actions.disks.grow(alice, disk, size_gb=40))
    machine.refresh_from_db()
    assert machine.storage_gb == 60
    assert_true(machine)
    with pytest.raises(Invalid, match="40 GB already"):
        actions.disks.grow(alice, disk, size_gb=40)


def test_a_disk_moves_to_other_storage(fabric, alice, machine, fast):
    disk = machine.disks.get()
    finish(actions.disks.move(alice, disk, classification=fast))
    disk.refresh_from_db()
    assert (disk.volume.name, disk.classification) == ("flash", fast)
    assert_true(machine)
    with pytest.raises(Conflict, match="Fast already"):
        actions.disks.move(alice, disk, classification=fast)


def test_storage_that_is_not_there_is_named(fabric, alice, machine, fast):
    disk = data_disk(alice, machine, 90)
    slow = actions.storage.add(ADMINISTRATOR, fabric.server, name="Slow")
    fabric.cloud.classifications.set([slow, fast])
    with pytest.raises(Conflict, match=r"web-01 has no volume of the classification Slow"):
        actions.disks.move(alice, disk, classification=slow)
    fabric.cloud.classifications.set([slow])
    with pytest.raises(NotFound, match="Fast"):
        actions.disks.move(alice, disk, classification=fast)
    with pytest.raises(NotFound, match="Fast"):
        actions.disks.add(alice, machine, size_gb=1, classification=fast)
    fabric.cloud.classifications.set([fast])
    finish(actions.disks.move(alice, disk, classification=fast))
    with pytest.raises(NoSuitableHost):
        actions.disks.move(alice, machine.disks.earliest("lun"), classification=fast)
    with pytest.raises(NoSuitableHost):
        actions.disks.add(alice, machine, size_gb=11, classification=fast)
    assert_true(machine)


def test_a_removed_disk_is_gone(alice, machine):
    finish(actions.disks.remove(alice, data_disk(alice, machine)))
    machine.refresh_from_db()
    assert (machine.storage_gb, machine.disks.count()) == (20, 1)
    assert_true(machine)


def test_a_detached_disk_is_in_the_library_and_may_be_added_again(fabric, alice, charlie, machine):
    disk = data_disk(alice, machine, name="ledger")
    with pytest.raises(Conflict, match="Gold has no library share"):
        actions.disks.detach(alice, disk)
    share = make_share(fabric)
    with pytest.raises(WrongState, match="only while it is off"):
        actions.disks.detach(alice, disk)
    stop(alice, machine)
    finish(actions.disks.detach(alice, disk))
    assert_true(machine)
    stored = VirtualHardDisk.objects.visible_to(alice).get(name="ledger")
    assert (stored.share, stored.size_gb, stored.is_enabled) == (share, 10, True)
    assert not VirtualHardDisk.objects.visible_to(charlie).filter(pk=stored.pk).exists()
    data_disk(alice, machine, 12, library_disk=stored)
    assert_true(machine)


def test_the_first_disk_stays(fabric, alice, machine):
    make_share(fabric)
    first = machine.disks.get()
    for change in (actions.disks.remove, actions.disks.detach):
        with pytest.raises(Conflict, match="is the first one of web-01"):
            change(alice, first)


def test_checkpoints_hold_the_disks(alice, machine):
    disk = data_disk(alice, machine)
    finish(actions.checkpoints.create(alice, machine, name="Monday")[1])
    for change in (
        lambda: actions.disks.add(alice, machine, size_gb=1),
        lambda: actions.disks.grow(alice, disk, size_gb=20),
        lambda: actions.disks.remove(alice, disk),
        lambda: actions.disks.detach(alice, disk),
    ):
        with pytest.raises(WrongState, match="checkpoint Monday"):
            change()


def test_a_saved_machine_keeps_its_disks(alice, machine):
    disk = data_disk(alice, machine)
    finish(actions.machines.operate(alice, machine, "SaveState"))
    with pytest.raises(WrongState, match="Saved"):
        actions.disks.add(alice, machine, size_gb=1)
    with pytest.raises(WrongState, match="Saved"):
        actions.disks.remove(alice, disk)
    assert finish(actions.disks.grow(alice, disk, size_gb=11)).state == "succeeded"


def test_limits_are_held(fabric, alice, machine):
    RoleScope.objects.update(storage_gb=25)
    with pytest.raises(QuotaExceeded, match="25 GB") as refused:
        actions.disks.add(alice, machine, size_gb=6)
    assert refused.value.field == "size_gb"
    with pytest.raises(QuotaExceeded):
        actions.disks.grow(alice, machine.disks.get(), size_gb=26)
    RoleScope.objects.update(storage_gb=None)
    with pytest.raises(NoSuitableHost):
        actions.disks.add(alice, machine, size_gb=5000)
    profile = CapabilityProfile.objects.create(server=fabric.server, name="Small", most_disk_gb=30)
    fabric.cloud.capability_profiles.add(profile)
    with pytest.raises(Invalid, match="Small"):
        actions.disks.grow(alice, machine.disks.get(), size_gb=31)
    machine.refresh_from_db()
    assert machine.status == "Running"
    assert_true(machine)


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({}, "needs a size"),
        ({"size_gb": 0}, "whole number"),
        ({"size_gb": True}, "whole number"),
        ({"size_gb": 10, "name": "web-01_disk_1"}, "already"),
        ({"size_gb": 10, "name": "a/b"}, "not allowed"),
    ],
)
def test_what_makes_no_sense_is_refused(alice, machine, wanted, words):
    with pytest.raises((Invalid, Conflict), match=words):
        actions.disks.add(alice, machine, **wanted)


def test_a_copy_is_never_smaller_than_what_it_is_of(fabric, alice, machine):
    with pytest.raises(Invalid, match="20 GB at least, not 10 GB"):
        actions.disks.add(alice, machine, size_gb=10, library_disk=fabric.template.disk)
    hidden = VirtualHardDisk.objects.create(
        server=fabric.server, name="hidden", size_gb=1, source_image="hidden"
    )
    with pytest.raises(NotFound, match="hidden"):
        actions.disks.add(alice, machine, library_disk=hidden)


def test_who_may(alice, charlie, machine):
    disk = data_disk(alice, machine)
    with pytest.raises(NotFound):
        actions.disks.remove(charlie, disk)
    with pytest.raises(NotFound):
        actions.disks.add(charlie, machine, size_gb=1)
    alice.role.permissions = ["Start"]
    with pytest.raises(Denied):
        actions.disks.grow(alice, disk, size_gb=20)


VERBS = {
    "add": ["ensure_disk", "ensure_attached", "disks", "guest"],
    "grow": ["ensure_disk_size", "guest"],
    "move": ["ensure_disk_moved", "guest"],
    "remove": ["ensure_detached", "ensure_disk_removed", "disks", "guest"],
    "detach": [
        "ensure_image",
        "ensure_detached",
        "ensure_disk_removed",
        "images",
        "disks",
        "guest",
    ],
}
STEPS = {
    "add": ["ensure_disk", "ensure_attached", "ensure_added"],
    "grow": ["ensure_grown", "ensure_size_written"],
    "move": ["ensure_moved", "ensure_place_written"],
    "remove": ["ensure_detached", "ensure_removed", "ensure_forgotten"],
    "detach": ["ensure_image", "ensure_detached", "ensure_removed", "ensure_stored"],
}


@pytest.fixture
def asker(fabric, alice, machine, fast):
    """Return what asks for an operation, by its name, for a machine that is off."""
    make_share(fabric)
    stop(alice, machine)
    disk = data_disk(alice, machine)
    asks = {
        "add": lambda: actions.disks.add(alice, machine, size_gb=5),
        "grow": lambda: actions.disks.grow(alice, disk, size_gb=15),
        "move": lambda: actions.disks.move(alice, disk, classification=fast),
        "remove": lambda: actions.disks.remove(alice, disk),
        "detach": lambda: actions.disks.detach(alice, disk),
    }
    return asks.__getitem__


def assert_library_true(machine) -> None:
    """The library offers what is there, and keeps no copy that it does not offer."""
    stored = VirtualHardDisk.objects.filter(source_image__startswith="store:")
    assert {disk.source_image for disk in stored} == set(driver(machine.host).images())
    assert all(disk.is_enabled for disk in stored)


@pytest.mark.parametrize("kind", ["fail", "unreachable", "hang", "lose_reply", "lie"])
@pytest.mark.parametrize(("what", "verb"), [(w, verb) for w in VERBS for verb in VERBS[w]])
def test_trouble_leaves_the_truth(alice, machine, asker, what, verb, kind):
    suffer(alice, machine, asker(what), STEPS[what][0], verb, kind)
    assert_library_true(machine)


@pytest.mark.parametrize(("what", "step"), [(w, step) for w in STEPS for step in STEPS[w][:-1]])
def test_a_host_that_vanishes_is_waited_for(alice, machine, asker, what, step):
    suffer(alice, machine, asker(what), step, "*", "vanish")
    assert_library_true(machine)


@pytest.mark.parametrize("where", ["before", "between", "after"])
@pytest.mark.parametrize(("what", "step"), [(w, step) for w in STEPS for step in STEPS[w]])
def test_a_worker_may_die_anywhere(alice, machine, asker, what, step, where):
    job = asker(what)()
    kill(job, step, where)
    assert finish(job).state == "succeeded"
    assert_true(machine)
    assert_library_true(machine)


@pytest.mark.parametrize(
    ("what", "verb"),
    [("grow", "ensure_disk_size"), ("move", "ensure_disk_moved"), ("add", "ensure_disk")],
)
def test_work_that_a_host_goes_on_with_is_not_called_undone(machine, asker, settings, what, verb):
    """It lost the reply, then refused: what it had begun is waited for, or given up."""
    settings.SIMULATED_SCALE = 0.02
    fail(machine, verb, "lose_reply")
    fail(machine, verb)
    finish(asker(what)(), turns=400)
    assert_true(machine)


def test_a_removal_that_failed_is_resumed_where_it_failed(alice, machine, asker):
    fail(machine, "ensure_disk_removed")
    job = finish(asker("remove")())
    assert job.state == "failed"
    assert_true(machine)
    assert finish(actions.jobs.restart(alice, job)).state == "succeeded"
    assert_true(machine)


def test_what_was_undone_is_asked_for_again(alice, machine, asker):
    fail(machine, "ensure_attached")
    job = finish(asker("add")())
    with pytest.raises(WrongState, match="undone"):
        actions.jobs.restart(alice, job)
    assert machine.disks.count() == 2


def test_a_move_that_ended_in_silence_is_asked_for_again(fabric, alice, machine, fast, settings):
    slow = actions.storage.add(ADMINISTRATOR, fabric.server, name="Slow")
    actions.volumes.add_volume(
        ADMINISTRATOR, machine.host, name="disks", capacity_gb=100, classification=slow
    )
    disk = machine.disks.get()
    fail(machine, "*", "vanish")
    assert finish(actions.disks.move(alice, disk, classification=fast)).state == "failed"
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    with pytest.raises(Conflict, match="on its way to the volume flash"):
        actions.disks.move(alice, disk, classification=slow)
    finish(actions.disks.move(alice, disk, classification=fast))
    assert_true(machine)


def test_a_busy_host_takes_copies_in_turn(alice, machine):
    machine.host.slots = machine.host.busy_slots = 1
    machine.host.save()
    job = actions.disks.add(alice, machine, size_gb=1)
    with pytest.raises(AssertionError, match="has not ended"):
        finish(job, turns=3)
    machine.host.busy_slots = 0
    machine.host.save(update_fields=["busy_slots"])
    assert finish(job).state == "succeeded"
    machine.host.refresh_from_db()
    assert machine.host.busy_slots == 0


def test_a_host_that_never_ends_is_waited_for_so_long_and_may_be_again(
    alice, machine, asker, settings
):
    fail(machine, "ensure_disk_size", "hang")
    job = asker("grow")()
    with pytest.raises(AssertionError, match="has not ended"):
        finish(job, turns=2)
    job.steps[0]["started_at"] = "2020-01-01T00:00:00.000+00:00"
    job.save(update_fields=["steps"])
    assert (finish(job).state, job.fault["code"]) == ("failed", "timed_out")
    machine.refresh_from_db()
    assert (machine.status, machine.storage_gb) == ("PowerOff", 35)
    clear_faults(settings.SIMULATED_RACK)
    assert finish(actions.jobs.restart(alice, job)).state == "succeeded"
    assert_true(machine)
