"""Messages are only nudges: emptied, cut off, doubled, late or lost, the rows know it all."""

from __future__ import annotations

import os
import signal
import time

import pytest
import redis
from celery import Celery

from fabric.models import Job
from fabric.vmm.models import Job as VMMJob
from tests.faults import probe
from tests.faults.cloud import until

pytestmark = pytest.mark.faults

LONG = 20.0  # seconds
GROUP = "Messages and the broker"


@pytest.fixture
def broker(cloud):
    with redis.Redis.from_url(cloud.stack.valkey.url) as client:
        yield client


@pytest.fixture
def post(cloud):
    """Return what sends a task's message, as often as one likes."""
    address = cloud.stack.valkey.url.replace("unix://", "redis+socket://")
    with Celery(broker=address, set_as_current=False) as messenger:

        def post(task: str, job_id: object) -> None:
            queue = "vmm" if task.startswith("fabric.vmm") else "portal"
            messenger.send_task(task, [str(job_id)], queue=queue, ignore_result=True)

        yield post


def held_mid_way(cloud, name: str):
    """Order a machine and keep VMM's worker in the middle of it."""
    plan = cloud.plan(name, "deploy", "ensure_disks", "between", probe.HOLD)
    (machine,) = cloud.order(name)
    until(lambda: plan.struck, lambda: "VMM to copy the disk")
    return plan, machine


def test_redis_is_emptied_mid_way(cloud, prove, broker):
    plan, machine = held_mid_way(cloud, "flush-midway")
    beside = cloud.order("flush-a", "flush-b", "flush-c")
    broker.flushall()
    plan.release()
    prove.well(machine, *beside)
    prove.note(GROUP, "Redis is emptied mid-way", machine)
    prove.gone(machine, *beside)


def test_the_broker_is_away_for_a_while(cloud, prove):
    plan, machine = held_mid_way(cloud, "broker-midway")
    cloud.person.get("/machines/")
    cloud.stack.stop_valkey()
    plan.release()
    began = time.monotonic()
    beside = cloud.order("broker-away")
    accepted_in = time.monotonic() - began
    cloud.person.get(f"/machines/{beside[0].pk}/")
    until(lambda: _noticed(cloud), lambda: "the workers to miss the broker")
    cloud.stack.start_valkey()
    prove.well(machine, *beside)
    # Who waited for it would wait until it is back, and that is only now.
    assert accepted_in < LONG, "who orders does not wait for a broker"
    prove.note(GROUP, "The broker goes away mid-way and comes back empty", machine)
    prove.note(GROUP, "A machine is ordered while the broker is away", beside[0])
    prove.gone(machine, *beside)


def _noticed(cloud) -> bool:
    return all("Cannot connect to redis" in cloud.stack.log(name) for name in ("worker", "vmm"))


def test_a_message_comes_twice_and_late(cloud, prove, post):
    names = [f"twice-{n}" for n in range(4)]
    machines = cloud.order(*names)
    ours = Job.objects.filter(machine__in=machines)
    until(
        lambda: VMMJob.objects.filter(target_name__in=names).count() == len(names),
        lambda: "VMM to take the orders",
    )
    for _ in range(5):
        for job in ours:
            post("fabric.tasks.advance", job.pk)
        for job in VMMJob.objects.filter(target_name__in=names):
            post("fabric.vmm.tasks.advance", job.pk)
    cloud.wait_until_over(machines)
    rows = list(ours.order_by("pk").values())
    for row in rows:
        post("fabric.tasks.advance", row["id"])
    post("fabric.vmm.tasks.advance", VMMJob.objects.get(target_name=names[0]).pk)
    # What is ordered after them is served after them.
    last = cloud.order("twice-last")
    prove.well(*machines, *last)
    assert list(ours.order_by("pk").values()) == rows
    prove.note(GROUP, "Every message comes six times, and once more after the end", machines[0])
    prove.gone(*machines, *last)


@pytest.mark.parametrize(("process", "queue"), [("worker", "portal"), ("vmm", "vmm")])
def test_a_message_is_lost(cloud, prove, broker, process, queue):
    """The workers are halted, so that the message can be taken from under them."""
    name = f"lost-{queue}"
    leader = cloud.stack.running[process].pid
    os.killpg(leader, signal.SIGSTOP)
    try:
        # Sweeps pile up: the one message that was promised to a halted worker is no longer ours.
        until(lambda: broker.llen(queue) > 0, lambda: "sweeps to pile up")
        (machine,) = cloud.order(name)
        jobs = Job.objects.filter(machine=machine)
        if process == "vmm":
            jobs = VMMJob.objects.filter(target_name=name)
            until(jobs.exists, lambda: "VMM to take the order")
        # What begins a job names none and lies in the queue's last list.
        until(lambda: broker.delete(f"{queue}\x06\x169"), lambda: "the message")
    finally:
        os.killpg(leader, signal.SIGCONT)
    prove.well(machine)
    prove.note(GROUP, f"The message to the {queue} workers is lost", machine)
    prove.gone(machine)
