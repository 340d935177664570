"""Whatever is asked for, fails, is lost or killed: the ledger is as the cloud is."""

from __future__ import annotations

import contextlib
import random
import uuid
from datetime import timedelta

import pytest
from django.utils import timezone

from fabric.actions import checkpoints, configuring, copies, disks, machines, power
from fabric.durable import engine
from fabric.durable.states import LIVE, JobState
from fabric.jobs import RECIPES, settling, watch
from fabric.models import Job, Machine, Stamp
from fabric.orders import NewDisk
from fabric.states import BUSY, GONE, MachineState, Verb
from fabric.sync import stamps
from plans.actions import quota
from plans.models import Entry, EntryKind
from tenants.errors import Refused
from tests.flows.conftest import LIMITS

ACTS = 35
TROUBLE = ("fail", "lose_reply", "unreachable")
VERBS = ("ensure_machine", "change", "change", "operate", "remove_machine", "devices", "machines")


class Killed(BaseException):
    """The worker's process is gone."""


class Deaths:
    """Kill the worker when so many places of its work have been passed."""

    def __init__(self) -> None:
        self.countdown = 0


deaths = Deaths()


def probe(job: object, step: str, where: str) -> None:
    """Stand where a job's step is about to begin, to be recorded, or over."""
    deaths.countdown -= 1
    if deaths.countdown == 0:
        raise Killed


@pytest.fixture
def hands(settings, stamp):
    """Return a worker that may be killed and goes on as another one."""
    settings.JOB_PROBE = "tests.flows.test_quota_exact.probe"

    def hands(rounds: int = 25) -> None:
        for _round in range(rounds):
            live = list(Job.objects.filter(state__in=LIVE).values_list("pk", flat=True))
            if not live:
                return
            Job.objects.filter(pk__in=live).update(due_at=timezone.now(), claimed_until=None)
            for job_id in live:
                with contextlib.suppress(Killed):
                    engine.advance(Job, RECIPES, job_id)
            Stamp.objects.update(next_watch_at=timezone.now())
            watch.run(str(stamp.pk))

    yield hands
    deaths.countdown = 0


class Tenant:
    """Asks for things at random."""

    def __init__(self, chance: random.Random, alice, order) -> None:
        self.chance, self.alice, self.order, self.n = chance, alice, order, 0

    def act(self) -> None:
        """Ask for one thing; a refusal is fine and changes nothing."""
        found = list(Machine.objects.exclude(state__in=GONE).order_by("created_at"))
        asks = [self.deploy, self.deploy]
        if found:
            machine = self.chance.choice(found)
            asks += [
                lambda: self.resize(machine),
                lambda: self.resize(machine),
                lambda: self.attach(machine),
                lambda: self.grow(machine),
                lambda: self.detach(machine),
                lambda: self.clone(machine),
                lambda: self.power(machine),
                lambda: self.power(machine),
                lambda: self.checkpoint(machine),
                lambda: machines.resume(by=self.alice, machine=machine),
                lambda: machines.delete(by=self.alice, machine=machine),
            ]
        with contextlib.suppress(Refused):
            self.chance.choice(asks)()

    def name(self) -> str:
        self.n += 1
        return f"vm-{self.n}"

    def deploy(self) -> None:
        extra = (NewDisk(self.chance.randint(1, 30)),) if self.chance.random() < 0.4 else ()
        name = self.name()
        self.order(name, key=name, cores=self.chance.randint(1, 3), disks=extra)

    def resize(self, machine: Machine) -> None:
        size = {"cores": self.chance.randint(1, 5), "memory_mb": 512 * self.chance.randint(1, 8)}
        configuring.configure(by=self.alice, machine=machine, **size)

    def attach(self, machine: Machine) -> None:
        disks.attach(by=self.alice, machine=machine, size_gb=self.chance.randint(1, 60))

    def grow(self, machine: Machine) -> None:
        disk = self.chance.choice(list(machine.disks.all()) or [None])
        if disk:
            more = disk.size_gb + self.chance.randint(1, 40)
            disks.grow(by=self.alice, disk=disk, size_gb=more)

    def detach(self, machine: Machine) -> None:
        disk = machine.disks.filter(is_boot=False).first()
        if disk:
            disks.remove(by=self.alice, disk=disk)

    def clone(self, machine: Machine) -> None:
        name = self.name()
        copies.clone(by=self.alice, machine=machine, name=name, request_key=name)

    def power(self, machine: Machine) -> None:
        verb = Verb.STOP if machine.state == MachineState.RUNNING else Verb.START
        power.operate(by=self.alice, machine=machine, verb=verb)

    def checkpoint(self, machine: Machine) -> None:
        for point in machine.checkpoints.all()[:1]:
            checkpoints.remove(by=self.alice, checkpoint=point)
            return
        checkpoints.create(by=self.alice, machine=machine, name="point")


def check(subscription, fake) -> None:
    """The limits hold always; what is there is counted as it is, unless it was never made."""
    used = quota.used(subscription)
    assert all(used[name] <= LIMITS[name] for name in used), used
    by_machine = quota.used_by_subject(subscription)
    told = Entry.objects.filter(kind=EntryKind.RESERVED).values_list("subject", flat=True)
    assert set(told) <= set(Machine.objects.values_list("pk", flat=True))
    by_tag = {machine.order.tag: machine for machine in fake.held.values()}
    for machine in Machine.objects.all():
        there = by_tag.get(str(machine.pk))
        if machine.state in GONE:
            assert there is None
            assert machine.pk not in by_machine
        elif there is not None and is_made(machine):
            assert by_machine[machine.pk] == there.size, machine
        elif there is not None:
            held = by_machine[machine.pk]
            assert all(held[name] >= there.size[name] for name in held), machine


def is_made(machine: Machine) -> bool:
    """Tell whether making it ended well; until then it keeps all that was reserved for it."""
    making = machine.jobs.filter(recipe__in=("machine.deploy", "machine.copy"))
    return making.filter(state=JobState.SUCCEEDED).exists()


@pytest.mark.parametrize("seed", range(6))
def test_the_ledger_is_as_the_cloud_is(
    seed, subscription, alice, order, fake, hands, stamp, monkeypatch
):
    chance = random.Random(seed)
    tenant = Tenant(chance, alice, order)
    for _act in range(ACTS):
        for verb in chance.sample(VERBS, 3) if chance.random() < 0.6 else ():
            fake.plan(verb, chance.choice(TROUBLE), times=chance.choice((1, 1, 2, 7)))
        deaths.countdown = chance.randint(1, 25) if chance.random() < 0.4 else 0
        tenant.act()
        hands()
        fake._plans.clear()
        deaths.countdown = 0
        hands()
        stamps.run(str(stamp.pk))
        settling.sweep()
        assert not Machine.objects.filter(state__in=BUSY).exists()
        check(subscription, fake)
    for machine in Machine.objects.exclude(state__in=GONE):
        configuring.protect(by=alice, machine=machine, on=False)
        machines.delete(by=alice, machine=machine)
    hands()
    assert fake.held == {}
    assert set(quota.used(subscription).values()) == {0}


def test_what_was_changed_over_there_is_counted_before_long(running, fake, stamp, exact):
    """An operator enlarged it in VMM: the portal's ledger follows what passes find."""
    machine = fake.held[running.remote_id]
    machine.cores = 4
    machine.parts.add_disk("by hand", 7, uuid.uuid4())
    Stamp.objects.update(full_sync_at=None)
    Machine.objects.update(devices_synced_at=None)
    stamps.run(str(stamp.pk))
    assert Machine.objects.get().unsettled_at is not None
    settling.sweep()
    assert exact() == {"machines": 1, "cores": 4, "memory_mb": 1024, "storage_gb": 17}
    assert Machine.objects.get().unsettled_at is None


def test_a_failed_machine_keeps_what_it_reserved_whatever_passes_find(order, work, fake, stamp):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    before = quota.used(machine.subscription)
    next(iter(fake.held.values())).cores = 7
    Stamp.objects.update(full_sync_at=None)
    stamps.run(str(stamp.pk))
    settling.sweep()
    assert quota.used(machine.subscription) == before


def test_machines_nobody_can_read_do_not_stand_before_the_others(
    running, order, work, fake, monkeypatch, exact
):
    monkeypatch.setattr(settling, "AT_ONCE", 1)
    lost = order("web-02", key="k2")
    work()
    longest_ago = timezone.now() - timedelta(days=1)
    Machine.objects.filter(pk=lost.pk).update(state="missing", unsettled_at=longest_ago)
    Machine.objects.filter(pk=running.pk).update(unsettled_at=timezone.now())
    assert settling.sweep() == 1
    running.refresh_from_db()
    assert running.unsettled_at is None


def test_a_stamp_that_is_away_does_not_stand_before_the_others(running, stamp, monkeypatch):
    Machine.objects.update(unsettled_at=timezone.now())
    Stamp.objects.update(away_since=timezone.now(), next_probe_at=timezone.now())
    assert settling.sweep() == 0
    Stamp.objects.update(away_since=None)
    assert settling.sweep() == 1
