"""Disks, adapters, checkpoints and discs: asked for here, done there, read back into rows."""

from __future__ import annotations

import uuid

import pytest

from fabric.actions import adapters, checkpoints, disks, machines, media, power
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Adapter, Checkpoint, Disk, LibraryDisk, Media, Network
from fabric.providers.abilities import EMPTY_DISKS
from fabric.providers.base import RemoteNetwork
from fabric.providers.fake.cloud import LOGICAL_NETWORK
from fabric.states import MachineState, Verb
from plans.actions import quota
from plans.errors import QuotaExceeded
from tenants.errors import Conflicting, NotPermitted, Refused


@pytest.fixture(autouse=True)
def inside(fake) -> RemoteNetwork:
    """Have a second network there before anything is read."""
    network = RemoteNetwork(uuid.uuid4(), "inside", "", LOGICAL_NETWORK, isolation="NoIsolation")
    fake.networks.append(network)
    return network


@pytest.fixture
def tree(running, alice, work) -> list[Checkpoint]:
    """Return two checkpoints, the second one below the first."""
    for name in ("installed", "configured"):
        checkpoints.create(by=alice, machine=running, name=name)
        work()
    return list(running.checkpoints.order_by("created_at"))


def test_reading_back_leaves_the_rows_as_the_cloud_is(running):
    disk, adapter = running.disks.get(), running.adapters.get()
    assert (disk.size_gb, disk.is_boot) == (10, True)
    assert adapter.network == running.network
    assert adapter.addresses == running.addresses
    assert running.devices_synced_at is not None


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_disk_is_added_enlarged_and_removed(request, state, alice, work, exact):
    machine = request.getfixturevalue(state)
    disks.attach(by=alice, machine=machine, size_gb=20)
    assert quota.used(machine.subscription)["storage_gb"] == 30
    work()
    disk = machine.disks.get(is_boot=False)
    assert (disk.name, disk.size_gb) == ("web-01_data_1", 20)
    assert exact()["storage_gb"] == 30
    disks.grow(by=alice, disk=disk, size_gb=50)
    work()
    assert exact()["storage_gb"] == 60
    machine.refresh_from_db()
    assert (machine.storage_gb, machine.state) == (60, state)
    disks.remove(by=alice, disk=disk)
    assert quota.used(machine.subscription)["storage_gb"] == 60, "until the cloud let go of it"
    work()
    assert exact()["storage_gb"] == 10
    assert machine.disks.count() == 1


def test_the_first_disk_grows_but_stays(running, alice, work, exact):
    disk = running.disks.get()
    with pytest.raises(NotPossible, match="starts from this disk"):
        disks.remove(by=alice, disk=disk)
    with pytest.raises(Refused, match="only grow"):
        disks.grow(by=alice, disk=disk, size_gb=10)
    disks.grow(by=alice, disk=disk, size_gb=15)
    work()
    assert exact()["storage_gb"] == 15


def test_a_copy_of_a_disk_of_the_library(running, alice, work, exact, plan):
    library_disk = LibraryDisk.objects.get()
    disks.attach(by=alice, machine=running, library_disk=library_disk)
    work()
    assert exact()["storage_gb"] == 15
    plan.offering.library_disks.clear()
    with pytest.raises(NotPermitted):
        disks.attach(by=alice, machine=running, library_disk=library_disk)


@pytest.mark.parametrize("what", ["fail", "lose_reply", "unreachable"])
def test_what_happens_on_the_way_is_counted_right(running, alice, work, fake, exact, what):
    fake.plan("change", what)
    disks.attach(by=alice, machine=running, size_gb=20)
    work(rounds=20)
    assert exact()["storage_gb"] == (10 if what == "fail" else 30)
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING


def test_the_same_request_adds_one_disk(running, alice, work, exact):
    first = disks.attach(by=alice, machine=running, size_gb=20, request_key="same")
    assert disks.attach(by=alice, machine=running, size_gb=20, request_key="same") == first
    work()
    assert disks.attach(by=alice, machine=running, size_gb=20, request_key="same") == first
    assert exact()["storage_gb"] == 30


def test_a_disk_past_the_limit_is_refused(running, alice, exact):
    with pytest.raises(QuotaExceeded) as refused:
        disks.attach(by=alice, machine=running, size_gb=191)
    assert refused.value.resource == "storage_gb"
    assert exact()["storage_gb"] == 10


@pytest.mark.parametrize("size", [None, 0, -1, 70_000])
def test_a_disk_of_no_possible_size_is_refused(running, alice, size):
    with pytest.raises(Refused) as refused:
        disks.attach(by=alice, machine=running, size_gb=size)
    assert refused.value.field == "size_gb"


def test_two_disks_of_one_name_are_refused(running, alice, work):
    disks.attach(by=alice, machine=running, size_gb=1, name="logs")
    work()
    with pytest.raises(Conflicting) as refused:
        disks.attach(by=alice, machine=running, size_gb=1, name="LOGS")
    assert refused.value.field == "name"


def test_an_spf_that_adds_no_empty_disks_says_so(running, alice, fake, stamp):
    stamp.provider.capabilities = {"abilities": sorted(fake.abilities - {EMPTY_DISKS})} | {
        "asked": sorted(fake.abilities)
    }
    stamp.provider.save()
    with pytest.raises(NotPossible, match="only copies"):
        disks.attach(by=alice, machine=running, size_gb=1)


def test_disks_stay_as_they_are_while_there_are_checkpoints(running, tree, alice):
    with pytest.raises(NotPossible, match="checkpoints first"):
        disks.attach(by=alice, machine=running, size_gb=1)


def test_a_disk_that_is_gone_is_not_worked_on(running, alice):
    disk = running.disks.get()
    Disk.objects.all().delete()
    with pytest.raises(Conflicting):
        disks.grow(by=alice, disk=disk, size_gb=20)


def test_an_adapter_is_attached_changed_and_removed(running, alice, work, inside):
    there = Network.objects.get(pk=inside.id)
    adapters.attach(by=alice, machine=running, network=there)
    work()
    adapter = running.adapters.get(network=there)
    assert adapter.addresses
    adapters.change(by=alice, adapter=adapter, network=running.network, address="10.20.2.7")
    work()
    adapter.refresh_from_db()
    assert (adapter.network, adapter.addresses) == (running.network, ["10.20.2.7"])
    running.refresh_from_db()
    assert "10.20.2.7" in running.addresses
    adapters.remove(by=alice, adapter=adapter)
    work()
    assert running.adapters.count() == 1


def test_a_lost_reply_attaches_no_second_adapter(running, alice, work, fake, inside):
    fake.plan("change", "lose_reply")
    network = Network.objects.get(pk=inside.id)
    adapters.attach(by=alice, machine=running, network=network)
    work(rounds=20)
    assert running.adapters.count() == 2


def test_a_network_outside_the_plan_is_refused(running, alice, plan, inside):
    plan.offering.networks.remove(inside.id)
    with pytest.raises(NotPermitted):
        adapters.attach(by=alice, machine=running, network=Network.objects.get(pk=inside.id))


def test_checkpoints_make_a_tree(running, tree):
    first, second = tree
    assert (first.parent, second.parent) == (None, first)
    assert [each.is_current for each in tree] == [False, True]


def test_a_checkpoint_is_restored_renamed_and_deleted(running, tree, alice, work):
    first, second = tree
    checkpoints.restore(by=alice, checkpoint=first)
    work()
    first.refresh_from_db()
    assert first.is_current
    checkpoints.rename(by=alice, checkpoint=first, name="clean", description="As installed")
    work()
    first.refresh_from_db()
    assert (first.name, first.description) == ("clean", "As installed")
    checkpoints.remove(by=alice, checkpoint=first)
    work()
    second.refresh_from_db()
    assert second.parent is None
    assert running.checkpoints.count() == 1


def test_one_who_may_only_restore_cannot_make_or_delete(running, tree, alice, plan):
    plan.offering.permissions = ["CheckpointRestoreOnly"]
    plan.offering.save()
    assert checkpoints.restore(by=alice, checkpoint=tree[0])
    running.refresh_from_db()
    for act in (checkpoints.remove, lambda **of: checkpoints.create(by=alice, machine=running)):
        with pytest.raises(NotPermitted):
            act(by=alice, checkpoint=tree[0])


def test_a_checkpoint_without_a_name_is_called_after_the_time(running, alice, work):
    job = checkpoints.create(by=alice, machine=running)
    work()
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    assert running.checkpoints.get().name.startswith("20")


def test_an_image_is_inserted_and_ejected(running, alice, work, plan):
    image = Media.objects.get()
    media.insert(by=alice, machine=running, media=image)
    work()
    running.refresh_from_db()
    assert running.media == image
    media.eject(by=alice, machine=running)
    work()
    running.refresh_from_db()
    assert running.media is None
    with pytest.raises(NotPossible, match="empty"):
        media.eject(by=alice, machine=running)
    plan.offering.media.clear()
    with pytest.raises(NotPermitted):
        media.insert(by=alice, machine=running, media=image)


def test_devices_are_seen_by_those_who_see_the_machine(running, alice, charlie):
    for model in (Disk, Adapter):
        assert model.objects.visible_to(alice).count() == 1
        assert not model.objects.visible_to(charlie).exists()


def test_deleting_gives_back_disks_as_well(running, alice, work, exact):
    disks.attach(by=alice, machine=running, size_gb=20)
    work()
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    machines.delete(by=alice, machine=running)
    work()
    assert set(exact().values()) == {0}
