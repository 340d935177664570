"""Reading only what changed comes to the same as reading everything, whatever happens beyond."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fabric import registry
from fabric.durable.states import JobState
from fabric.models import Job, Machine, Stamp
from fabric.providers.base import Changes, RemoteMachine, RemoteStamp
from fabric.providers.errors import Rejected, Unreachable
from fabric.providers.fake import FakeProvider
from fabric.states import MachineState
from fabric.sync import machines, passes, stamps
from tests.factories.fabric import make_cloud, make_machine, make_plan, make_stamp
from tests.factories.fabric import make_subscription as subscribe

STATUSES = ("Running", "PowerOff", "Paused", "Saved", "UnderUpdate", "HostNotResponding")
SHOWN = (*machines.TOLD, "remote_id")


class FarSide(FakeProvider):
    """A stamp whose machines change by themselves, by a clock of its own."""

    def __init__(self, ahead: timedelta = timedelta()) -> None:
        super().__init__()
        self.now = datetime.now(UTC) - timedelta(days=1) + ahead
        self.rows: dict[uuid.UUID, RemoteMachine] = {}
        self.asked: list[str] = []
        self.keeps_no_time = False
        self.counts = True

    def tick(self, seconds: float = 30.0) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def make(self) -> uuid.UUID:
        now, id = self.tick(), uuid.uuid4()
        self.rows[id] = RemoteMachine(
            id=id,
            tag="",
            name="web",
            status="Running",
            status_text="Running",
            cores=1,
            memory_mb=1024,
            os_name="Ubuntu 24.04",
            addresses=("10.20.0.4",),
            host_name="host01",
            job_id=None,
            owner_role_id=None,
            created_at=now,
            modified_at=now,
        )
        return id

    def change(self, id: uuid.UUID, *, late: float = 0.0, **values) -> None:
        """Change a machine; `late` seconds pass until anybody can see it."""
        now = self.tick()
        modified = self.rows[id].modified_at if self.keeps_no_time else now
        self.rows[id] = replace(self.rows[id], modified_at=modified, **values)
        self.tick(late)

    def machines(self, stamp_id, ids=None):
        self.asked.append("all" if ids is None else "some")
        wanted = self.rows if ids is None else ids
        return tuple(self.rows[id] for id in wanted if id in self.rows)

    def changes(self, stamp_id, since):
        self.asked.append("changes")
        changed = tuple(each for each in self.rows.values() if each.modified_at > since)
        return Changes(changed, len(self.rows) if self.counts else None)

    def load(self, *args):
        return ()


class World:
    """Our rows, and the far side they are about."""

    def __init__(self, subscription, stamp: Stamp, far: FarSide) -> None:
        self.far = far
        far.stamp = RemoteStamp(stamp.pk, stamp.name)
        self.stamp = stamp
        self.subscription = subscription
        self.ours: list[uuid.UUID] = []
        self.jobs: list[Job] = []

    def add(self) -> None:
        id = self.far.make()
        make_machine(self.subscription, f"web-{len(self.ours):02}", remote_id=id)
        self.ours.append(id)

    def pass_by(self) -> list[str]:
        self.far.asked.clear()
        assert stamps.run(str(self.stamp.pk))
        return list(self.far.asked)

    def rows(self) -> list[tuple]:
        return list(Machine.objects.order_by("pk").values_list(*SHOWN))

    def read_all(self) -> list[tuple]:
        Stamp.objects.update(full_sync_at=timezone.now() - passes.FULL_EVERY)
        assert "all" in self.pass_by()
        return self.rows()

    def do(self, action: str, number: int, value: int) -> None:
        id = self.ours[number % len(self.ours)]
        held = Machine.objects.get(remote_id=id)
        if action == "pass":
            self.pass_by()
        elif action == "stranger":
            self.far.make()
        elif action == "begin" and not held.is_busy and len(self.jobs) < 2:
            Machine.objects.filter(pk=held.pk).update(state=MachineState.UPDATING)
            self.jobs.append(live_job(held))
        elif action == "end" and self.jobs:
            Job.objects.filter(pk=self.jobs.pop().pk).update(
                state=JobState.FAILED, ended_at=timezone.now()
            )
        elif id in self.far.rows:
            self.touch(action, id, value)

    def touch(self, action: str, id: uuid.UUID, value: int) -> None:
        if action == "status":
            self.far.change(id, status=STATUSES[value % len(STATUSES)])
        elif action == "late":
            self.far.change(id, status=STATUSES[value % len(STATUSES)], late=value % 50)
        elif action == "size":
            self.far.change(id, cores=1 + value % 8)
        elif action == "moves":
            self.far.change(id, host_name=f"host{value:02}")
        elif action == "gone":
            del self.far.rows[id]


def live_job(machine: Machine) -> Job:
    return Job.objects.create(
        recipe="machine.operate",
        title="Operate",
        subject=machine.pk,
        step="ensure_asked",
        state=JobState.RUNNING,
        subscription=machine.subscription,
        machine=machine,
        stamp=machine.stamp,
    )


@pytest.fixture
def estate(vault, db, alices):
    stamp = make_stamp(synced_at=None)
    return subscribe(alices, make_plan(make_cloud(stamp))), stamp


@pytest.fixture
def world(estate):
    far = FarSide()
    with registry.use(lambda row: far):
        world = World(*estate, far)
        for _machine in range(3):
            world.add()
        world.pass_by()
        yield world


ACTIONS = st.tuples(
    st.sampled_from(
        [
            *("pass", "status", "status", "late", "size", "moves", "gone", "stranger"),
            *("begin", "end"),
        ]
    ),
    st.integers(0, 3),
    st.integers(0, 60),
)


@example(actions=[("gone", 0, 0), ("begin", 0, 0), ("pass", 0, 0)], ahead=-7200, counts=True)
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    actions=st.lists(ACTIONS, max_size=14),
    ahead=st.sampled_from([-7200, 0, 600, 7200]),
    counts=st.booleans(),
)
def test_nothing_is_missed(estate, actions, ahead, counts):
    with transaction.atomic():
        far = FarSide(timedelta(seconds=ahead))
        far.counts = counts
        with registry.use(lambda row: far):
            world = World(*estate, far)
            for _machine in range(4):
                world.add()
            world.pass_by()
            for action, number, value in actions:
                if action == "gone" and not counts:
                    # Without a count only the next full pass can tell.
                    continue
                world.do(action, number, value)
            while world.jobs:
                world.do("end", 0, 0)
            world.pass_by()
            read = world.rows()
            assert read == world.read_all()
        transaction.set_rollback(True)


def test_a_quiet_pass_asks_for_changes_alone(world):
    assert world.pass_by() == ["changes"]
    world.far.change(world.ours[0], status="PowerOff")
    assert world.pass_by() == ["changes"]
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.STOPPED


def test_all_are_read_now_and_then(world, monkeypatch):
    monkeypatch.setattr(passes, "FULL_EVERY", timedelta())
    assert world.pass_by() == ["all"]


def test_one_that_is_gone_is_missing_after_the_next_pass(world):
    del world.far.rows[world.ours[0]]
    assert world.pass_by() == ["changes", "all"]
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.MISSING
    assert world.pass_by() == ["changes"]


def test_a_strangers_new_machine_does_not_make_up_for_ours(world):
    del world.far.rows[world.ours[0]]
    world.far.make()
    assert "all" in world.pass_by()
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.MISSING


def test_strangers_come_without_a_full_pass(world):
    world.far.make()
    world.far.make()
    assert world.pass_by() == ["changes"]
    assert world.pass_by() == ["changes"]


def test_a_server_that_refuses_the_question_is_read_in_full(world, monkeypatch):
    def refuse(stamp_id, since):
        raise Rejected("The property ModifiedTime cannot be filtered by.")

    monkeypatch.setattr(world.far, "changes", refuse)
    world.far.change(world.ours[0], status="PowerOff")
    assert world.pass_by() == ["all"]
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.STOPPED
    assert world.pass_by() == ["all"]


def test_a_server_that_breaks_over_the_question_is_read_in_full(world, monkeypatch):
    def broken(*_):
        raise Unreachable("It failed to answer (HTTP 500).")

    monkeypatch.setattr(world.far, "changes", broken)
    assert "all" in world.pass_by()
    world.stamp.refresh_from_db()
    assert world.stamp.problem == ""
    monkeypatch.undo()
    assert "all" in world.pass_by(), "for a while"
    Stamp.objects.update(full_until=timezone.now())
    assert "all" not in world.pass_by()


def test_a_server_that_misreads_the_time_is_found_out(world, monkeypatch):
    """It takes our time for another zone's, and so tells nothing."""
    monkeypatch.setattr(world.far, "changes", lambda *_: Changes((), len(world.far.rows)))
    world.far.change(world.ours[0], status="PowerOff")
    assert world.pass_by() == ["all"]
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.STOPPED


def test_a_server_that_does_not_move_the_time_is_read_in_full_from_then_on(world):
    world.far.make()
    world.far.tick(600)
    world.far.change(world.ours[2], cores=2)
    world.pass_by()
    world.far.keeps_no_time = True
    world.far.change(world.ours[0], status="PowerOff")
    assert world.pass_by() == ["changes"]
    world.read_all()
    assert Machine.objects.get(remote_id=world.ours[0]).state == MachineState.STOPPED
    assert world.pass_by() == ["all"]


def test_a_guest_that_gets_its_address_later_is_asked_again(world):
    world.far.change(world.ours[0], addresses=())
    world.pass_by()
    world.far.rows[world.ours[0]] = replace(world.far.rows[world.ours[0]], addresses=("10.20.0.9",))
    world.pass_by()
    assert Machine.objects.get(remote_id=world.ours[0]).addresses == ["10.20.0.9"]
