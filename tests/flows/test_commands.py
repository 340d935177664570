"""Power commands beyond on and off, and commands for many."""

from __future__ import annotations

import pytest

from fabric.actions import bulk, configuring, power
from fabric.durable.states import JobState
from fabric.models import Machine
from fabric.states import MachineState, Verb
from tenants.errors import NotPermitted, Refused


def operate(alice, machine, verb, work):
    job = power.operate(by=alice, machine=machine, verb=verb)
    work(rounds=20)
    job.refresh_from_db()
    machine.refresh_from_db()
    return job


def test_a_restart_shuts_down_and_starts(running, alice, work, fake):
    fake.calls.clear()
    job = operate(alice, running, Verb.RESTART, work)
    assert job.state == JobState.SUCCEEDED
    assert fake.calls.count("operate") == 2
    assert running.state == MachineState.RUNNING


def test_a_guest_that_does_not_shut_down_is_a_clear_failure(running, alice, work, fake):
    fake.plan("operate", "fail")
    job = operate(alice, running, Verb.RESTART, work)
    assert job.state == JobState.FAILED
    assert job.current_step["name"] == "wait_until_off"
    assert job.fault["message"]
    assert not running.is_busy


def test_a_guest_that_hangs_ends_the_wait(running, alice, work, fake, monkeypatch):
    from fabric.durable import engine

    fake.instant = False
    power.operate(by=alice, machine=running, verb=Verb.RESTART)
    work(rounds=2)
    monkeypatch.setattr(engine, "_seconds_since", lambda stamp: 901.0)
    work(rounds=1)
    job = running.jobs.get(recipe="machine.restart")
    assert job.state == JobState.FAILED
    assert job.fault["code"] == "timed_out"
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING


def test_a_worker_that_dies_between_off_and_on_is_no_matter(running, alice, work, fake):
    job = power.operate(by=alice, machine=running, verb=Verb.RESTART)
    fake.plan("operate", "lose_reply", times=1)
    work(rounds=20)
    job.refresh_from_db()
    running.refresh_from_db()
    assert (job.state, running.state) == (JobState.SUCCEEDED, MachineState.RUNNING)


def test_reset_and_save(running, alice, work, fake):
    assert operate(alice, running, Verb.RESET, work).state == JobState.SUCCEEDED
    assert running.state == MachineState.RUNNING
    operate(alice, running, Verb.SAVE, work)
    assert running.state == MachineState.SAVED
    operate(alice, running, Verb.START, work)
    assert running.state == MachineState.RUNNING


def test_a_plan_without_start_allows_no_restart(running, alice, plan):
    plan.offering.permissions = ["Shutdown", "Stop"]
    plan.offering.save()
    for verb in (Verb.RESTART, Verb.RESET):
        with pytest.raises(NotPermitted):
            power.operate(by=alice, machine=running, verb=verb)


@pytest.mark.parametrize("verb", ["", "format", Verb.DELETE, Verb.CLONE])
def test_what_is_no_power_command_is_refused(running, alice, verb):
    with pytest.raises(Refused):
        power.operate(by=alice, machine=running, verb=verb)


@pytest.fixture
def three(order, work) -> list[Machine]:
    made = [order(f"web-0{n}", key=str(n)) for n in range(3)]
    work()
    return list(Machine.objects.filter(pk__in=[machine.pk for machine in made]).order_by("name"))


def test_a_command_for_many_answers_for_each(three, alice, work):
    configuring.protect(by=alice, machine=three[1], on=True)
    outcomes = bulk.many(by=alice, machines=three, verb=Verb.DELETE)
    assert [bool(each.job) for each in outcomes] == [True, False, True]
    assert "protected" in outcomes[1].refused
    work()
    assert set(Machine.objects.values_list("state", flat=True)) == {
        MachineState.DELETED,
        MachineState.RUNNING,
    }


def test_tags_for_many(three, alice):
    configuring.tag(by=alice, machine=three[0], tags=["old"])
    three[0].refresh_from_db()
    outcomes = bulk.tag_many(by=alice, machines=three, add=["shop"], remove=["OLD"])
    assert not any(each.refused for each in outcomes)
    assert all(machine.tags == ["shop"] for machine in Machine.objects.all())
    outcomes = bulk.tag_many(by=alice, machines=three, add=["<"])
    assert all(each.refused for each in outcomes)


def test_tags_that_somebody_gave_meanwhile_stay(three, alice, bob):
    mine = list(Machine.objects.all())
    configuring.tag(by=bob, machine=three[0], tags=["bobs", "old"])
    bulk.tag_many(by=alice, machines=mine, add=["shop"], remove=["old"])
    three[0].refresh_from_db()
    assert three[0].tags == ["bobs", "shop"]


def test_what_is_no_command_for_many_is_refused(three, alice):
    for verb in (Verb.REBUILD, Verb.PAUSE, "nothing"):
        with pytest.raises(Refused):
            bulk.many(by=alice, machines=three, verb=verb)


def test_strangers_are_refused_one_by_one(three, charlie):
    outcomes = bulk.many(by=charlie, machines=three, verb=Verb.STOP)
    assert all(each.refused and each.job is None for each in outcomes)
