"""What hangs on machines becomes rows, in bulk, and is read again where something changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.models import Adapter, Checkpoint, Disk, Machine, Media, Stamp
from fabric.providers.base import (
    Devices,
    RemoteAdapter,
    RemoteCheckpoint,
    RemoteDisk,
    RemoteMachine,
)
from fabric.providers.errors import NoAnswer, Rejected
from fabric.states import MachineState
from fabric.sync import devices
from tests.factories.fabric import make_cloud, make_machine, make_plan, make_stamp
from tests.factories.fabric import make_subscription as subscribe


@pytest.fixture
def stamp(db, vault) -> Stamp:
    return make_stamp()


@pytest.fixture
def subscription(stamp, alices):
    plan = make_plan(make_cloud(stamp), machines=None, cores=None, memory_mb=None, storage_gb=None)
    return subscribe(alices, plan)


@pytest.fixture
def machine(subscription) -> Machine:
    return make_machine(subscription)


class Told:
    """A far side that tells of every machine, and remembers which it was asked for."""

    def __init__(self, **parts) -> None:
        self.parts = parts
        self.asked: list[UUID] = []
        self.fault: Exception | None = None

    def devices(self, stamp_id, ids):
        self.asked += ids
        if self.fault is not None:
            raise self.fault
        return tuple(of(id, **self.parts) for id in ids)


def of(id: UUID, *, disks=(10,), network=None, checkpoints=(), **fields) -> Devices:
    return Devices(
        machine_id=id,
        disks=tuple(
            RemoteDisk(UUID(int=id.int ^ lun), id, f"disk {lun}", size, "SCSI", 0, lun, lun == 0)
            for lun, size in enumerate(disks)
        ),
        adapters=(
            RemoteAdapter(id, id, 0, network, "front", "00:1D:D8:00:00:01", True, ("10.20.0.4",)),
        ),
        checkpoints=tuple(checkpoints),
        **fields,
    )


def checkpoint(machine: Machine, name: str, parent: UUID | None = None) -> RemoteCheckpoint:
    made_at = datetime(2024, 5, 1, tzinfo=UTC)
    return RemoteCheckpoint(uuid4(), machine.remote_id, parent, name, "", made_at)


def write(stamp: Stamp, *told: Devices) -> None:
    devices.apply(stamp.pk, told, timezone.now())


def remote(machine: Machine, modified_at: datetime | None) -> RemoteMachine:
    return RemoteMachine(
        id=machine.remote_id,
        tag="",
        name=machine.name,
        status="Running",
        status_text="Running",
        cores=1,
        memory_mb=1024,
        os_name="",
        addresses=(),
        host_name="",
        job_id=None,
        owner_role_id=None,
        modified_at=modified_at,
    )


def test_everything_becomes_rows(stamp, machine):
    image = Media.objects.create(
        id=uuid4(), stamp=stamp, name="tools.iso", synced_at=timezone.now(), size_mb=7
    )
    network = machine.network
    first = checkpoint(machine, "first")
    second = checkpoint(machine, "second", first.id)
    write(
        stamp,
        of(
            machine.remote_id,
            disks=(10, 30),
            network=network.pk,
            # A child may be told before its parent.
            checkpoints=(second, first),
            media_id=image.pk,
            current_checkpoint_id=second.id,
        ),
    )
    machine.refresh_from_db()
    assert [(d.size_gb, d.is_boot) for d in machine.disks.all()] == [(10, True), (30, False)]
    (adapter,) = machine.adapters.all()
    assert (adapter.network, adapter.addresses, adapter.is_static) == (
        network,
        ["10.20.0.4"],
        True,
    )
    found = {each.name: each for each in machine.checkpoints.all()}
    assert found["second"].parent == found["first"]
    assert [name for name, each in found.items() if each.is_current] == ["second"]
    assert (machine.storage_gb, machine.media) == (40, image)
    assert machine.devices_synced_at is not None


def test_rows_keep_their_ids_and_those_not_told_any_more_go(stamp, machine):
    first = checkpoint(machine, "first")
    write(stamp, of(machine.remote_id, disks=(10, 30), checkpoints=(first,)))
    before = machine.disks.get(lun=0).pk
    write(stamp, of(machine.remote_id, disks=(20,)))
    (disk,) = machine.disks.all()
    assert (disk.pk, disk.size_gb) == (before, 20)
    assert not Checkpoint.objects.exists()
    machine.refresh_from_db()
    assert machine.storage_gb == 20


def test_what_stays_the_same_is_not_written(stamp, machine):
    told = of(machine.remote_id, network=machine.network.pk)
    write(stamp, told)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        write(stamp, told)
    writes = [q["sql"] for q in queries if q["sql"].startswith(("INSERT", "DELETE", "UPDATE"))]
    assert len(writes) == 1
    assert "devices_synced_at" in writes[0]


def test_a_network_or_image_we_do_not_know_is_none(stamp, machine):
    write(stamp, of(machine.remote_id, network=uuid4(), media_id=uuid4()))
    machine.refresh_from_db()
    (adapter,) = machine.adapters.all()
    assert (adapter.network, adapter.network_name, machine.media) == (None, "front", None)


def test_one_being_made_keeps_the_size_that_was_ordered(stamp, machine):
    Machine.objects.update(state=MachineState.CREATING, storage_gb=90)
    write(stamp, of(machine.remote_id, disks=(10,)))
    machine.refresh_from_db()
    assert machine.storage_gb == 90


def test_an_older_answer_does_not_undo_a_newer_one(stamp, machine):
    asked_at = timezone.now()
    write(stamp, of(machine.remote_id, disks=(20,)))
    devices.apply(stamp.pk, [of(machine.remote_id, disks=(10,))], asked_at)
    assert machine.disks.get().size_gb == 20


def test_strangers_and_what_is_gone_have_no_rows(stamp, machine):
    Machine.objects.update(state=MachineState.DELETED)
    write(stamp, of(machine.remote_id), of(uuid4()))
    assert not Disk.objects.exists()
    assert not Adapter.objects.exists()


def test_the_number_of_queries_does_not_follow_the_number_of_machines(stamp, subscription):
    counted = []
    for count in (2, 30):
        made = [make_machine(subscription, f"web-{count}-{n}") for n in range(count)]
        told = [
            of(
                each.remote_id,
                disks=(10, 5),
                network=each.network_id,
                checkpoints=(first := checkpoint(each, "a"), checkpoint(each, "b", first.id)),
            )
            for each in made
        ]
        with CaptureQueriesContext(connection) as queries:
            write(stamp, *told)
        counted.append(len(queries))
    assert counted[0] == counted[1]


def test_a_pass_reads_those_that_changed_and_some_never_read(stamp, subscription, monkeypatch):
    mark = timezone.now() - timedelta(hours=1)
    changed, known, late, fresh = (
        make_machine(subscription, name) for name in ("changed", "known", "late", "fresh")
    )
    for machine, at in ((changed, mark), (known, mark), (late, mark - timedelta(minutes=5))):
        Machine.objects.filter(pk=machine.pk).update(devices_synced_at=at)
    told = [
        remote(changed, mark + timedelta(seconds=5)),
        remote(known, mark - timedelta(seconds=5)),
        remote(late, mark - timedelta(seconds=5)),
        remote(fresh, mark - timedelta(days=1)),
    ]
    far = Told()
    devices.catch_up(stamp, far, told, mark)
    assert set(far.asked) == {m.remote_id for m in (changed, late, fresh)}
    far.asked.clear()
    devices.catch_up(stamp, far, told, mark + timedelta(seconds=5))
    assert far.asked == []


def test_more_than_a_pass_takes_are_left_to_the_next_ones(stamp, subscription, monkeypatch):
    monkeypatch.setattr(devices, "MOST_CHANGED", 2)
    monkeypatch.setattr(devices, "MOST_UNREAD", 1)
    mark = timezone.now() - timedelta(hours=1)
    made = [make_machine(subscription, f"web-{n}") for n in range(4)]
    Machine.objects.update(devices_synced_at=mark)
    far = Told()
    devices.catch_up(stamp, far, [remote(m, mark + timedelta(seconds=1)) for m in made], mark)
    assert len(far.asked) == 3
    devices.catch_up(stamp, far, [], mark + timedelta(seconds=1))
    assert set(far.asked) == {m.remote_id for m in made}


def test_without_a_mark_those_read_longest_ago_come_first(stamp, subscription, monkeypatch):
    monkeypatch.setattr(devices, "MOST_AGAIN", 1)
    old, new = (make_machine(subscription, name) for name in ("old", "new"))
    now = timezone.now()
    Machine.objects.filter(pk=old.pk).update(devices_synced_at=now - timedelta(hours=1))
    Machine.objects.filter(pk=new.pk).update(devices_synced_at=now)
    far = Told()
    devices.catch_up(stamp, far, [remote(old, None), remote(new, None)], None)
    assert far.asked == [old.remote_id]


def test_an_answer_that_makes_no_sense_spoils_no_pass(stamp, machine):
    far = Told()
    far.fault = Rejected("The navigation is not known.")
    devices.catch_up(stamp, far, [], None)
    far.fault = NoAnswer("Nobody is there.")
    with pytest.raises(NoAnswer):
        devices.catch_up(stamp, far, [], None)


def test_a_clock_ahead_of_ours_reads_again_for_a_while_only(stamp, machine):
    ahead = timezone.now() + timedelta(seconds=20)
    Machine.objects.update(devices_synced_at=timezone.now())
    far = Told()
    told = [remote(machine, ahead)]
    devices.catch_up(stamp, far, told, ahead)
    assert far.asked == [machine.remote_id]
    far.asked.clear()
    devices.catch_up(stamp, far, told, ahead + devices.WINDOW)
    assert far.asked == []


def test_an_answer_that_came_late_gives_way_to_a_question_asked_later(stamp, machine):
    """A pass asked before the change, and wrote after the job had asked what came of it."""
    before, after = timezone.now(), timezone.now()
    devices.apply(stamp.pk, [of(machine.remote_id, disks=(10,))], before)
    devices.apply(stamp.pk, [of(machine.remote_id, disks=(10, 30))], after)
    assert machine.disks.count() == 2
    devices.apply(stamp.pk, [of(machine.remote_id, disks=(10,))], before)
    assert machine.disks.count() == 2
