"""A machine is busy from the moment work is asked for until that work ends, and with nothing else:
not free for a moment between two steps, whatever the cloud tells of it meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models.functions import Now

from fabric.actions import checkpoints, configuring, copies, disks, machines, power
from fabric.durable import engine
from fabric.durable.states import LIVE, JobState
from fabric.errors import NotPossible
from fabric.jobs import RECIPES, settling, watch
from fabric.models import Job, Machine, Stamp
from fabric.orders import Guest, NewDisk
from fabric.providers.errors import Rejected
from fabric.states import MachineState, Verb
from fabric.sync import stamps

DISKS = (NewDisk(5), NewDisk(7))
GUEST = Guest(password="Canary-pass-2")


@pytest.fixture
def follow(stamp) -> Callable[[Machine], list[str]]:
    """Take a machine's work to its end, looking after every move; return the steps it stood at."""

    def follow(machine: Machine) -> list[str]:
        stood = []
        for _round in range(30):
            job = machine.jobs.filter(state__in=LIVE).first()
            if job is None:
                return stood
            stood.append(job.step)
            Job.objects.filter(pk=job.pk).update(due_at=Now(), claimed_until=None)
            for move in (advance, look, sync):
                move(machine)
                machine.refresh_from_db()
                is_live = machine.jobs.filter(state__in=LIVE).exists()
                assert machine.is_busy == is_live, (job.step, move.__name__, machine.state)
        raise AssertionError("it never ends")

    return follow


def advance(machine: Machine) -> None:
    for job in machine.jobs.filter(state__in=LIVE):
        engine.advance(Job, RECIPES, job.pk)


def look(machine: Machine) -> None:
    Stamp.objects.filter(pk=machine.stamp_id).update(next_watch_at=Now())
    watch.run(str(machine.stamp_id))


def sync(machine: Machine) -> None:
    stamps.run(str(machine.stamp_id))


def test_a_machine_made_with_disks(order, follow):
    machine = order(disks=DISKS)
    assert {"wait_until_deployed", "wait_for_disks"} <= set(follow(machine))
    assert (machine.state, machine.storage_gb) == (MachineState.RUNNING, 22)


@pytest.mark.parametrize(
    ("verb", "ends"),
    [
        (Verb.RESTART, MachineState.RUNNING),
        (Verb.RESET, MachineState.RUNNING),
        (Verb.SHUTDOWN, MachineState.STOPPED),
        (Verb.PAUSE, MachineState.PAUSED),
        (Verb.SAVE, MachineState.SAVED),
    ],
)
def test_commands(running, alice, follow, verb, ends):
    power.operate(by=alice, machine=running, verb=verb)
    follow(running)
    assert (running.state, running.status_text) == (ends, "")


def test_a_rebuild(running, alice, follow):
    copies.rebuild(
        by=alice, machine=running, template=running.template, guest=GUEST, request_key="r"
    )
    assert {"wait_until_off", "wait_until_done", "wait_until_on"} <= set(follow(running))
    assert running.state == MachineState.RUNNING


def test_a_rescue_and_its_end(stopped, alice, follow):
    image = stopped.subscription.plan.offering.media.first()
    copies.rescue(by=alice, machine=stopped, media=image)
    follow(stopped)
    assert stopped.state == MachineState.RUNNING
    copies.end_rescue(by=alice, machine=stopped)
    follow(stopped)
    assert (stopped.state, stopped.rescued_at) == (MachineState.RUNNING, None)


def test_changes(running, alice, follow):
    disks.attach(by=alice, machine=running, size_gb=5)
    follow(running)
    checkpoints.create(by=alice, machine=running)
    follow(running)
    configuring.configure(by=alice, machine=running, name="db-01")
    follow(running)
    assert running.state == MachineState.RUNNING


def test_a_copy_and_a_removal(stopped, alice, follow):
    made = copies.clone(by=alice, machine=stopped, name="web-02", request_key="c")
    follow(made)
    assert made.state == MachineState.STOPPED
    machines.delete(by=alice, machine=made)
    follow(made)
    assert made.state == MachineState.DELETED


def test_nothing_else_is_begun_between_two_steps(running, alice, stamp):
    power.operate(by=alice, machine=running, verb=Verb.RESTART)
    advance(running)
    look(running)
    with pytest.raises(NotPossible, match="present work"):
        power.operate(by=alice, machine=running, verb=Verb.START)


def test_what_failed_half_way_shows_where_the_machine_stands(running, fake, alice, work):
    """The guest went off, and cannot be started again."""
    operate = fake.operate

    def refuse(machine_id, operation, **more):
        if operation == "Start":
            raise Rejected("No host has room for it.")
        return operate(machine_id, operation, **more)

    fake.operate = refuse
    job = power.operate(by=alice, machine=running, verb=Verb.RESTART)
    work(rounds=30)
    job.refresh_from_db()
    running.refresh_from_db()
    assert (job.state, job.step) == (JobState.FAILED, "ensure_start_asked")
    assert (running.state, running.status_text) == ("stopped", "No host has room for it.")


def test_what_the_watch_tells_late_is_what_is_shown(running, fake, alice, work):
    """It read the machine while the job was about to, and the job could not."""
    job = power.operate(by=alice, machine=running, verb=Verb.STOP)
    advance(running)
    told = {"completed": True, "succeeded": True}
    Job.objects.filter(pk=job.pk).update(remote=told, due_at=Now())
    fake.is_down = True
    advance(running)
    job.refresh_from_db()
    assert (job.step, job.state) == ("ensure_read_back", JobState.RUNNING)
    fake.is_down = False
    Job.objects.filter(pk=job.pk).update(remote=told | {"stands": "stopped"})
    work()
    running.refresh_from_db()
    assert running.state == MachineState.STOPPED


def test_work_resumed_and_failed_again_shows_where_the_machine_stood_then(
    running, fake, alice, work, stamp
):

    def refuse(machine_id, operation, **more):
        raise Rejected("Not now.")

    fake.operate = refuse
    power.operate(by=alice, machine=running, verb=Verb.RESTART)
    work(rounds=30)
    fake.held[running.remote_id].status = "PowerOff"
    Stamp.objects.update(full_sync_at=None)
    stamps.run(str(stamp.pk))
    running.refresh_from_db()
    assert running.state == MachineState.STOPPED, "somebody turned it off over there"
    machines.resume(by=alice, machine=running)
    work(rounds=30)
    running.refresh_from_db()
    assert running.state == MachineState.STOPPED


def test_what_grows_over_there_meanwhile_is_counted(running, fake, alice, work, stamp, exact):
    """The machine is busy with our restart while it grows over there."""
    power.operate(by=alice, machine=running, verb=Verb.RESTART)
    advance(running)
    fake.held[running.remote_id].cores += 1
    look(running)
    work()
    running.refresh_from_db()
    assert running.unsettled_at is not None
    settling.sweep()
    assert exact()["cores"] == running.cores
