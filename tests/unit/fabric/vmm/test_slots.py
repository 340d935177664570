"""Heavy jobs hold slots of hosts: never too many, none lost, every user role in its turn."""

from __future__ import annotations

import random
import threading
import uuid
from collections import Counter

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from fabric.durable import engine, sweep
from fabric.durable.errors import Fault
from fabric.durable.recipe import Again, Recipe, Step
from fabric.vmm import queue, slots
from fabric.vmm.errors import NoFreeSlot
from fabric.vmm.models import Host, HostGroup, Job, VirtualMachine
from tests.factories.vmm import Killed, make_fabric, make_role


class Ward:
    """Two hosts with two slots each, and a recipe whose course the tests decide."""

    def __init__(self, hosts: int = 2, each: int = 2) -> None:
        self.fabric = make_fabric(hosts=hosts)
        Host.objects.filter(server=self.fabric.server).update(slots=each, own_slots=each)
        self.lanes = [make_role(self.fabric, f"{name}@example.net") for name in ("alice", "bob")]
        self.begun: list[uuid.UUID] = []
        self.work: dict[uuid.UUID, list[object]] = {}
        self.killed_after_taking = False
        recipe = Recipe(
            "heavy",
            "Heavy work",
            (
                Step("ensure_placed", "Choose a host", self._placed, local=True),
                Step("ensure_done", "Work", self._done),
            ),
            cancel_before="ensure_done",
        )
        recipe = slots.freeing(slots.heavy(recipe, placed_by="ensure_placed"))
        bound = slots.heavy(Recipe("bound", "Work here", (Step("ensure_done", "W", self._done),)))
        self.recipes = {"heavy": recipe, "bound": slots.freeing(bound)}

    def _choose(self) -> Host:
        free = Host.objects.select_for_update(no_key=True).filter(
            server=self.fabric.server, busy_slots__lt=F("slots")
        )
        host = free.order_by("busy_slots", "pk").first()
        if host is None:
            raise NoFreeSlot("All are busy.")
        return host

    def _placed(self, turn) -> Again | None:
        host = slots.hold(turn, self._choose)
        if isinstance(host, Again):
            return host
        self.begun.append(turn.job.pk)
        if self.killed_after_taking:
            raise Killed
        return None

    def _done(self, turn) -> Again | None:
        course = self.work.get(turn.job.pk, [])
        outcome = course.pop(0) if course else None
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def order(self, lane: int = 0, *course, host: Host | None = None) -> Job:
        role = self.lanes[lane]
        machine = VirtualMachine.objects.create(
            server=self.fabric.server,
            cloud=self.fabric.cloud,
            role=role,
            host=host,
            name=f"vm-{uuid.uuid4().hex[:8]}",
            cores=1,
            memory_mb=1,
            storage_gb=1,
        )
        job = engine.start(
            Job,
            self.recipes["bound" if host else "heavy"],
            subject=machine.pk,
            inputs={},
            role=role,
            server=self.fabric.server,
            host=host,
        )
        self.work[job.pk] = list(course)
        return job

    def begin(self, times: int = 1) -> None:
        for _ in range(times):
            engine.begin(Job, self.recipes)

    def advance(self, job: Job) -> Job:
        Job.objects.filter(pk=job.pk).update(due_at=Now())
        engine.advance(Job, self.recipes, job.pk)
        return Job.objects.get(pk=job.pk)

    def check(self) -> None:
        """What must hold at every moment: counters tell the truth, and no host has too many."""
        held = Counter(Job.objects.filter(holds_slot=True).values_list("host", flat=True))
        for host in Host.objects.filter(server=self.fabric.server):
            assert host.busy_slots == held[host.pk] <= host.slots
        assert not Job.objects.filter(holds_slot=True, queued_at__isnull=False).exists()
        assert not Job.objects.exclude(state__in=("waiting", "running")).filter(holds_slot=True)

    def end_all(self) -> None:
        """Go on as workers would, until nothing is left to do."""
        for _ in range(400):
            live = Job.objects.filter(state__in=("waiting", "running"))
            if not live.exists():
                return
            while engine.begin(Job, self.recipes)[0]:
                self.check()
            for job in live.filter(started_at__isnull=False).order_by("turn"):
                self.work[job.pk] = []
                self.advance(job)
                self.check()
        raise AssertionError("jobs are stuck in line")


@pytest.fixture
def sent(monkeypatch) -> list[str]:
    sent: list[str] = []
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda _task, *args, **_: sent.extend(args))
    return sent


@pytest.fixture
def ward(db, vault, sent):
    return Ward()


LONG = [Again(1.0)] * 50


def test_no_more_than_its_slots_at_once(ward):
    jobs = [ward.order(0, *LONG) for _ in range(6)]
    ward.begin(6)
    ward.check()
    assert len(ward.begun) == 4
    waiting = [ward.advance(job) for job in jobs[4:]]
    assert [job.message for job in waiting] == [
        "Waiting for a free host: 1st in line",
        "Waiting for a free host: 2nd in line",
    ]
    assert [(job.state, slots.place_in_line(job)) for job in waiting] == [
        ("waiting", 1),
        ("waiting", 2),
    ]


def test_who_ends_wakes_the_first_in_line(ward, sent, django_capture_on_commit_callbacks):
    jobs = [ward.order(0, *LONG) for _ in range(6)]
    ward.begin(6)
    waiting = [ward.advance(job) for job in jobs[4:]]
    sent.clear()
    ward.work[jobs[0].pk] = []
    with django_capture_on_commit_callbacks(execute=True):
        ward.advance(jobs[0])
    assert sent == [jobs[4].pk]
    assert ward.advance(waiting[1]).queued_at, "the second is refused what is the first one's"
    assert ward.advance(waiting[0]).holds_slot
    ward.check()


def test_a_slot_freed_while_it_sat_down_is_seen(
    ward, sent, monkeypatch, django_capture_on_commit_callbacks
):
    """Who freed it found nobody asleep to wake; who waits looked before it was free."""
    jobs = [ward.order(0, *LONG) for _ in range(5)]
    ward.begin(5)
    look = queue.look

    def freed_meanwhile(*args):
        monkeypatch.setattr(queue, "look", look)
        view = look(*args)
        ward.work[jobs[0].pk] = []
        ward.advance(jobs[0])
        return view

    monkeypatch.setattr(queue, "look", freed_meanwhile)
    with django_capture_on_commit_callbacks(execute=True):
        assert ward.advance(jobs[4]).queued_at
    assert jobs[4].pk in sent
    assert engine.advance(Job, ward.recipes, jobs[4].pk) == 1.0, "it is due, and finds the slot"
    ward.check()


def test_newcomers_do_not_overtake(ward):
    jobs = [ward.order(0, *LONG) for _ in range(5)]
    ward.begin(5)
    ward.advance(jobs[4])
    newcomer = ward.order(0, *LONG)
    ward.work[jobs[0].pk] = []
    ward.advance(jobs[0])
    ward.begin()
    assert Job.objects.get(pk=newcomer.pk).queued_at
    assert ward.advance(jobs[4]).holds_slot
    assert ward.advance(newcomer).queued_at
    ward.check()


def test_one_is_not_held_up_by_anothers_fifty(ward):
    """All fifty have begun and stand in line for hosts when bob comes; he is next but one."""
    alices = [ward.order(0, *LONG) for _ in range(50)]
    ward.begin(50)
    for job in alices:
        ward.advance(job)
    bobs = ward.order(1, *LONG)
    ward.begin()
    ward.advance(bobs)
    assert slots.place_in_line(Job.objects.get(pk=bobs.pk)) == 2
    began = len(ward.begun)
    for job in alices[:2]:
        ward.work[job.pk] = []
        ward.advance(job)
        for waiting in Job.objects.filter(queued_at__isnull=False).order_by("turn", "queued_at"):
            ward.advance(waiting)
    assert bobs.pk in ward.begun[began : began + 2]
    ward.check()


def test_a_host_with_room_is_not_kept_from_those_who_can_use_it(ward):
    """The line is of alice's jobs bound to one host; bob's goes to the other."""
    host, other = ward.fabric.hosts
    for _ in range(5):
        ward.order(0, *LONG, host=host)
    ward.begin(5)
    for job in Job.objects.filter(queued_at__isnull=False):
        ward.advance(job)
    bobs = ward.order(1, *LONG)
    ward.begin()
    assert Job.objects.get(pk=bobs.pk).host_id == other.pk
    ward.check()


def test_another_cloud_is_not_held_up(ward):
    """Its hosts are free, whoever waits for ours."""
    alices = [ward.order(0, *LONG) for _ in range(9)]
    ward.begin(9)
    for job in alices[4:]:
        ward.advance(job)
    elsewhere = HostGroup.objects.create(server=ward.fabric.server, name="Elsewhere")
    cloud = type(ward.fabric.cloud).objects.create(server=ward.fabric.server, name="Silver")
    cloud.host_groups.add(elsewhere)
    free = Host.objects.create(
        server=ward.fabric.server,
        group=elsewhere,
        name="free.example.net",
        cores=1,
        memory_mb=1,
        storage_gb=1,
        slots=1,
    )
    job = ward.order(1, *LONG)
    VirtualMachine.objects.filter(pk=job.subject).update(cloud=cloud)
    ward.begin()
    assert Job.objects.get(pk=job.pk).host_id == free.pk


@pytest.mark.parametrize("end", ["succeeds", "fails", "is cancelled"])
def test_the_slot_is_given_back_once_however_it_ends(ward, end):
    course = {"fails": [Fault("No.")], "is cancelled": LONG}.get(end, [Again(1.0)])
    job = ward.order(0, *course)
    ward.begin()
    if end == "is cancelled":
        sweep.request_cancel(job)
    job = ward.advance(job)
    assert job.is_final
    ward.check()
    turn = engine.Turn(job, {})
    job.holds_slot = True
    slots.give_back(turn)
    ward.check()


def test_a_slot_is_given_back_even_when_the_ending_breaks(ward):
    def broken(*_):
        raise RuntimeError("the ending broke")

    job = ward.order(0, Fault("No."))
    ward.recipes["heavy"] = engine.replace(ward.recipes["heavy"], failed=broken)
    ward.begin()
    assert Job.objects.get(pk=job.pk).state == "failed"
    ward.check()


def test_killed_between_taking_and_recording_nothing_is_taken(ward):
    job = ward.order(0)
    ward.killed_after_taking = True
    with pytest.raises(Killed):
        ward.begin()
    ward.check()
    assert not Job.objects.filter(holds_slot=True).exists()
    ward.killed_after_taking = False
    Job.objects.filter(pk=job.pk).update(claimed_until=Now())
    assert ward.advance(job).state == "succeeded"
    ward.check()


def test_killed_at_work_the_slot_is_kept_for_the_one_who_goes_on(ward):
    job = ward.order(0, *LONG)
    ward.begin()
    Job.objects.filter(pk=job.pk).update(claimed_until=Now())
    ward.check()
    ward.work[job.pk] = []
    assert ward.advance(job).state == "succeeded"
    ward.check()


def test_resumed_it_takes_a_slot_again_or_waits(ward):
    failed = ward.order(0, Fault("No."))
    ward.begin()
    others = [ward.order(1, *LONG) for _ in range(4)]
    ward.begin(4)
    failed = Job.objects.get(pk=failed.pk)
    assert sweep.resume(failed, ward.recipes["heavy"])
    failed = ward.advance(failed)
    assert failed.queued_at
    for other in others:
        ward.work[other.pk] = []
        ward.advance(other)
    assert ward.advance(failed).state == "succeeded"
    ward.check()


def test_waiting_in_line_does_not_run_out_of_time(ward):
    jobs = [ward.order(0, *LONG) for _ in range(5)]
    ward.begin(5)
    last = ward.advance(jobs[4])
    assert "started_at" not in last.steps[0]
    assert last.steps[0]["state"] == "pending"


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_under_any_interleaving(ward, seed):
    """Orders, turns, faults, cancels, resumes and late workers in any order; then all end."""
    rng = random.Random(seed)
    outcomes = [Again(1.0), Again(1.0), Fault("No."), Fault("Busy.", retry_after=0.1)]
    for _ in range(60):
        live = list(Job.objects.filter(state__in=("waiting", "running")))
        failed = list(Job.objects.filter(state="failed"))
        match rng.randrange(7):
            case 0 | 1:
                course = [rng.choice(outcomes) for _ in range(rng.randrange(4))]
                host = rng.choice([None, None, *ward.fabric.hosts])
                ward.order(rng.randrange(2), *course, host=host)
            case 2 | 3:
                ward.begin()
            case 4 if live:
                ward.advance(rng.choice(live))
            case 5 if live:
                sweep.request_cancel(rng.choice(live))
            case 6 if failed:
                job = rng.choice(failed)
                sweep.resume(job, ward.recipes[job.recipe])
        ward.check()
    ward.end_all()
    ward.check()
    assert not Host.objects.filter(busy_slots__gt=0).exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once(vault, monkeypatch):
    """Real transactions, real locks: three workers, two slots, and messages that go round."""
    todo: list[object] = []
    monkeypatch.setattr("fabric.durable.nudge.nudge", lambda _task, *args, **_: todo.extend(args))
    ward = Ward(hosts=1)
    for n in range(12):
        ward.order(n % 2, Again(0.0))
    problems: list[BaseException] = []

    def work():
        try:
            for _ in range(300):
                if not Job.objects.filter(state__in=("waiting", "running")).exists():
                    return
                job_id = todo.pop() if todo else engine.begin(Job, ward.recipes)[0]
                while job_id and engine.advance(Job, ward.recipes, job_id) is not None:
                    pass
                Job.objects.filter(queued_at__isnull=False, claimed_until=None).update(due_at=Now())
                todo.extend(sweep.overdue(Job).begun)
        except BaseException as error:
            problems.append(error)
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert problems == []
    ward.end_all()
    ward.check()
    assert len(ward.begun) == 12
    assert not Host.objects.filter(busy_slots__gt=0).exists()
