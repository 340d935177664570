"""Machines with an end: warned of twice, ended once."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from fabric import tasks
from fabric.actions import configuring, leases, machines, power
from fabric.errors import NotPossible
from fabric.models import EndAction, Machine
from fabric.states import MachineState, Verb
from plans.models import Subscription
from tenants.errors import Refused
from tenants.models import Operation

END = timezone.now() + timedelta(days=10)


@pytest.fixture
def at(monkeypatch):
    """Run what is due as if it were another time."""

    def at(moment: datetime) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(leases.timezone, "now", lambda: moment)
            tasks.leases()

    return at


def warnings() -> int:
    return Operation.objects.filter(action="machine.lease.warn", phase="succeeded").count()


def test_two_warnings_come_before_the_end(running, alice, at):
    configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.STOP)
    for days_before, expected in ((4, 0), (2.9, 1), (2, 1), (0.9, 2), (0.5, 2)):
        at(END - timedelta(days=days_before))
        assert warnings() == expected
    running.refresh_from_db()
    assert running.end_warned_at == END - timedelta(days=0.9)


def test_a_machine_that_ends_soon_is_warned_of_once(running, alice, at):
    configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.STOP)
    at(END - timedelta(hours=2))
    at(END - timedelta(hours=1))
    assert warnings() == 1


def test_at_the_end_it_is_turned_off_once(running, alice, work, at):
    configuring.lease(by=alice, machine=running, ends_at=END)
    at(END + timedelta(minutes=1))
    work()
    running.refresh_from_db()
    assert (running.state, running.ends_at) == (MachineState.STOPPED, None)
    power.operate(by=alice, machine=running, verb=Verb.START)
    work()
    at(END + timedelta(days=1))
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING, "what was started again is not stopped again"


def test_at_the_end_it_is_deleted_with_its_quota(running, alice, work, at, exact):
    configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.DELETE)
    at(END)
    at(END)
    assert running.jobs.filter(recipe="machine.remove").count() == 1
    work()
    assert set(exact().values()) == {0}


def test_what_is_busy_ends_a_little_later(running, alice, work, at):
    configuring.lease(by=alice, machine=running, ends_at=END)
    power.operate(by=alice, machine=running, verb=Verb.PAUSE)
    at(END)
    running.refresh_from_db()
    assert running.ends_at == END
    work()
    at(END)
    work()
    running.refresh_from_db()
    assert running.state == MachineState.STOPPED


def test_a_machine_that_is_off_just_loses_its_date(stopped, alice, at):
    configuring.lease(by=alice, machine=stopped, ends_at=END)
    before = stopped.jobs.count()
    at(END)
    stopped.refresh_from_db()
    assert (stopped.ends_at, stopped.jobs.count()) == (None, before)


def test_nothing_ends_in_a_suspended_subscription(running, alice, at):
    configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.DELETE)
    Subscription.objects.update(state="suspended")
    at(END)
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING
    assert running.ends_at == END


def test_an_end_has_to_come(running, alice):
    with pytest.raises(Refused) as refused:
        configuring.lease(by=alice, machine=running, ends_at=timezone.now())
    assert refused.value.field == "ends_at"


def test_protection_and_deletion_exclude_each_other(running, alice):
    configuring.protect(by=alice, machine=running, on=True)
    with pytest.raises(NotPossible, match="protected"):
        configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.DELETE)
    configuring.protect(by=alice, machine=running, on=False)
    configuring.lease(by=alice, machine=running, ends_at=END, action=EndAction.DELETE)
    with pytest.raises(NotPossible, match="end date"):
        configuring.protect(by=alice, machine=running, on=True)


def test_a_new_date_is_warned_of_anew_and_none_ends_nothing(running, alice, at):
    configuring.lease(by=alice, machine=running, ends_at=END)
    at(END - timedelta(days=1))
    configuring.lease(by=alice, machine=running, ends_at=END + timedelta(days=5))
    running.refresh_from_db()
    assert running.end_warned_at is None
    configuring.lease(by=alice, machine=running, ends_at=None)
    at(END + timedelta(days=9))
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING


def test_a_deleted_machine_has_no_end(running, alice, work, at):
    configuring.lease(by=alice, machine=running, ends_at=END)
    machines.delete(by=alice, machine=running)
    work()
    at(END)
    assert Machine.objects.get(pk=running.pk).state == MachineState.DELETED


@pytest.mark.parametrize(
    "state", [MachineState.UNREACHABLE, MachineState.FAILED, MachineState.MISSING]
)
def test_what_may_still_run_is_not_taken_for_ended(running, alice, work, at, state):
    configuring.lease(by=alice, machine=running, ends_at=END)
    Machine.objects.update(state=state)
    at(END)
    running.refresh_from_db()
    assert running.ends_at == END
    Machine.objects.update(state=MachineState.RUNNING)
    at(END + timedelta(minutes=1))
    work()
    running.refresh_from_db()
    assert (running.state, running.ends_at) == (MachineState.STOPPED, None)


def test_a_restart_under_way_is_not_taken_for_the_end(running, fake, alice, work, at):
    """Half-way through it the machine is off, and on again a moment later."""
    configuring.lease(by=alice, machine=running, ends_at=END)
    power.operate(by=alice, machine=running, verb=Verb.RESTART)
    work(rounds=1)
    assert fake.held[running.remote_id].status == "PowerOff"
    at(END)
    running.refresh_from_db()
    assert running.ends_at == END
