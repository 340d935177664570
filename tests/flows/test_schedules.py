"""Schedules: due once, in the maker's zone and with the maker's rights (features D048)."""

from __future__ import annotations

import datetime as dt
import threading
from zoneinfo import ZoneInfo

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from fabric import crontab, tasks
from fabric.actions import groups, schedules
from fabric.actions.schedules import Target
from fabric.errors import NotPossible
from fabric.models import Job, Machine, MachineGrant, RunOutcome, Schedule, ScheduleRun
from fabric.states import MachineState
from tenants.errors import NotPermitted, Refused
from tenants.models import Membership, Role
from tests.factories.fabric import make_machine

BERLIN = "Europe/Berlin"


@pytest.fixture
def machine(subscription) -> Machine:
    with transaction.atomic():
        return make_machine(subscription, "web-01", tags=["office"])


@pytest.fixture
def nightly(subscription, machine, alice) -> Schedule:
    return schedules.create(
        by=alice,
        subscription=subscription,
        name="Every night",
        action="stop",
        target=Target(machine=machine),
        cron="0 20 * * *",
        time_zone=BERLIN,
    )


def due(schedule: Schedule, minutes: float = 1) -> dt.datetime:
    """Have a schedule be due since so many minutes; return now."""
    now = timezone.now()
    Schedule.objects.filter(pk=schedule.pk).update(next_at=now - dt.timedelta(minutes=minutes))
    return now


def last(schedule: Schedule) -> ScheduleRun:
    return schedule.runs.latest("due_at")


def test_D048_a_machine_is_stopped_when_its_schedule_is_due(nightly, machine, alice):
    now = due(nightly)
    tasks.tick()
    machine.refresh_from_db()
    assert machine.state == MachineState.UPDATING
    job = Job.objects.get(machine=machine, inputs__verb="stop")
    assert job.actor_email == alice.email
    nightly.refresh_from_db()
    assert nightly.next_at > now
    assert nightly.next_at.astimezone(ZoneInfo(BERLIN)).hour == 20
    assert last(nightly).results == [{"name": "web-01", "job": str(job.pk), "refused": ""}]


def test_what_is_not_due_is_left_alone(nightly):
    assert schedules.run_due() == 0
    assert not ScheduleRun.objects.exists()


def test_a_run_that_was_missed_is_made_up_for_once_within_an_hour(nightly):
    due(nightly, minutes=50)
    assert schedules.run_due() == 1
    assert schedules.run_due() == 0
    assert last(nightly).outcome == RunOutcome.STARTED


def test_later_it_is_skipped_and_said(nightly, machine):
    due(nightly, minutes=61)
    schedules.run_due()
    assert last(nightly).outcome == RunOutcome.SKIPPED
    assert "server was down" in last(nightly).text
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    nightly.refresh_from_db()
    assert nightly.is_enabled
    assert nightly.next_at > timezone.now()


@pytest.mark.parametrize(
    ("lose", "why"),
    [
        (lambda user: Membership.objects.filter(user=user).delete(), "may not plan schedules"),
        (
            lambda user: Membership.objects.filter(user=user).update(role=Role.READER),
            "may not plan schedules",
        ),
        (
            lambda user: Membership.objects.filter(user=user).update(rights=["Schedules", "Start"]),
            "role does not allow",
        ),
        (lambda user: type(user).objects.filter(pk=user.pk).update(is_active=False), "no account"),
    ],
)
def test_who_lost_the_right_switches_it_off_with_the_reason(subscription, machine, bob, lose, why):
    schedule = schedules.create(
        by=bob,
        subscription=subscription,
        name="Bob's",
        action="stop",
        target=Target(machine=machine),
        cron="0 20 * * 1-5",
        time_zone="UTC",
    )
    due(schedule)
    lose(bob)
    schedules.run_due()
    schedule.refresh_from_db()
    assert (schedule.is_enabled, schedule.next_at) == (False, None)
    assert why in schedule.off_reason
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING


def test_a_machine_in_that_state_already_is_noted_and_the_schedule_goes_on(nightly, machine):
    Machine.objects.update(state=MachineState.STOPPED)
    due(nightly)
    schedules.run_due()
    assert last(nightly).outcome == RunOutcome.SKIPPED
    assert last(nightly).text == "It is not running."
    nightly.refresh_from_db()
    assert nightly.is_enabled


def test_a_deleted_machine_ends_its_schedule(nightly):
    Machine.objects.update(state=MachineState.DELETED)
    due(nightly)
    schedules.run_due()
    nightly.refresh_from_db()
    assert nightly.off_reason == "The machine is deleted."


def test_a_tag_means_every_machine_with_it_then(subscription, machine, alice):
    schedule = schedules.create(
        by=alice,
        subscription=subscription,
        name="Office",
        action="shutdown",
        target=Target(tag="office"),
        cron="0 18 * * *",
        time_zone="UTC",
    )
    make_machine(subscription, "web-02", tags=["office"])
    make_machine(subscription, "db-01", tags=["always"])
    due(schedule)
    schedules.run_due()
    assert sorted(told["name"] for told in last(schedule).results) == ["web-01", "web-02"]
    assert Machine.objects.get(name="db-01").state == MachineState.RUNNING


def test_a_group_is_run_in_order(subscription, machine, alice):
    group = groups.create(by=alice, subscription=subscription, name="Shop", machines=[machine])
    schedule = schedules.create(
        by=alice,
        subscription=subscription,
        name="Shop off",
        action="stop",
        target=Target(group=group),
        cron="0 18 * * *",
        time_zone="UTC",
    )
    due(schedule)
    schedules.run_due()
    assert Job.objects.get(recipe="group.run").subject == group.pk
    with pytest.raises(Refused, match="A group is"):
        schedules.change(
            by=alice,
            schedule=schedule,
            name="X",
            action="restart",
            target=Target(group=group),
            cron="0 18 * * *",
            time_zone="UTC",
        )


def test_a_tag_is_planned_for_in_the_spelling_that_machines_have(subscription, machine, alice):
    """However the page, the REST interface or a wizard passes it on."""
    told = {"by": alice, "subscription": subscription, "name": "Off", "action": "stop"}
    told |= {"cron": "0 18 * * *", "time_zone": "UTC"}
    schedule = schedules.create(target=Target(tag="  Office "), **told)
    assert schedule.tag == "office"
    due(schedule)
    schedules.run_due()
    assert last(schedule).results[0]["name"] == machine.name
    for tag in ("<b>", "x" * 41):
        with pytest.raises(Refused) as refused:
            schedules.create(target=Target(tag=tag), **told)
        assert refused.value.field == "tag"
    with pytest.raises(Refused, match="Choose a machine, a group or a tag"):
        schedules.create(target=Target(tag="  "), **told)


def test_a_group_that_outgrew_who_planned_it_switches_it_off(subscription, machine, alice, bob):
    """A run names its machines: it is for who sees every one."""
    member = Membership.objects.get(user=bob)
    Membership.objects.filter(pk=member.pk).update(all_machines=False)
    MachineGrant.objects.create(membership=member, machine=machine)
    group = groups.create(by=bob, subscription=subscription, name="Shop", machines=[machine])
    schedule = schedules.create(
        by=bob,
        subscription=subscription,
        name="Shop off",
        action="stop",
        target=Target(group=group),
        cron="0 18 * * *",
        time_zone="UTC",
    )
    groups.add(by=alice, group=group, machine=make_machine(subscription, "db-01"))
    due(schedule)
    schedules.run_due()
    schedule.refresh_from_db()
    assert "do not see all" in schedule.off_reason
    assert not Job.objects.filter(recipe="group.run").exists()


def test_what_breaks_on_our_side_costs_one_run(nightly, monkeypatch, caplog):
    def broken(**_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(schedules.power, "operate", broken)
    due(nightly)
    assert schedules.run_due() == 1
    assert "our side" in last(nightly).text
    assert schedules.run_due() == 0
    assert "a bug" in caplog.text


def test_pausing_and_resuming(nightly, alice):
    schedules.pause(by=alice, schedule=nightly)
    due(nightly)
    assert schedules.run_due() == 0
    schedules.resume(by=alice, schedule=nightly)
    nightly.refresh_from_db()
    assert nightly.next_at > timezone.now()


def test_a_subscription_that_is_suspended_keeps_its_schedules(nightly, subscription):
    type(subscription).objects.update(state="suspended")
    due(nightly)
    schedules.run_due()
    assert last(nightly).text == "The subscription is not active."
    nightly.refresh_from_db()
    assert nightly.is_enabled


def test_it_takes_the_right(nightly, dora, charlie):
    for person in (dora, charlie):
        with pytest.raises(NotPermitted):
            schedules.pause(by=person, schedule=nightly)
        with pytest.raises(NotPermitted):
            schedules.delete(by=person, schedule=nightly)


def test_a_machine_of_somebody_else_cannot_be_chosen(subscription, alice, charlie, plan):
    from tests.factories.fabric import make_subscription

    theirs = make_machine(make_subscription(charlie.tenants.get(), plan), "theirs")
    with pytest.raises(NotPermitted):
        schedules.create(
            by=alice,
            subscription=subscription,
            name="X",
            action="stop",
            target=Target(machine=theirs),
            cron="0 18 * * *",
            time_zone="UTC",
        )


def test_none_can_be_made_in_a_subscription_that_is_left(nightly, subscription, machine, alice):
    type(subscription).objects.update(state="deleting")
    nightly.refresh_from_db()
    schedules.pause(by=alice, schedule=nightly)
    with pytest.raises(NotPossible):
        schedules.resume(by=alice, schedule=nightly)


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_run_it_once(nightly, machine):
    now = due(nightly)
    both, told = threading.Barrier(2), []

    def clock() -> None:
        try:
            both.wait(60)
            told.append(schedules.run_due(now))
        finally:
            connection.close()

    threads = [threading.Thread(target=clock) for _n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(told) == 1
    assert nightly.runs.count() == 1
    assert Job.objects.filter(machine=machine, inputs__verb="stop").count() == 1


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN))


def test_a_time_that_the_clocks_skip_comes_right_after():
    run = crontab.next_run("30 2 * * *", BERLIN, at("2027-03-28T00:00"))
    assert run.isoformat() == "2027-03-28T03:00:00+02:00"


def test_a_time_that_comes_twice_is_taken_once():
    first, second = crontab.next_runs("30 2 * * *", BERLIN, at("2027-10-31T00:00"), 2)
    assert (first.date().isoformat(), second.date().isoformat()) == ("2027-10-31", "2027-11-01")


def test_eight_is_eight_in_summer_and_in_winter():
    summer = crontab.next_run("0 8 * * 1-5", BERLIN, at("2027-07-01T00:00"))
    winter = crontab.next_run("0 8 * * 1-5", BERLIN, at("2027-12-01T00:00"))
    assert (summer.hour, winter.hour) == (8, 8)
    assert summer.utcoffset() != winter.utcoffset()


@pytest.mark.parametrize(
    "cron",
    ["", "x", "* * * * *", "*/5 * * * *", "0 8 31 2 *", "61 8 * * *", "0 0 8 * * *", "@daily"],
)
def test_expressions_that_cannot_be_used_are_refused(cron):
    assert crontab.problem(cron, "UTC")


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 8 * * 1-5", "Monday to Friday at 08:00"),
        ("30 22 * * *", "every day at 22:30"),
        ("5 7 * * 0", "every Sunday at 07:05"),
        ("0 8 1 * *", "0 8 1 * *"),
    ],
)
def test_plain_expressions_are_said_in_words(cron, words):
    assert crontab.problem(cron, "UTC") is None
    assert crontab.in_words(cron) == words


def test_machines_of_a_tag_are_begun_in_the_order_all_lock_them_in(subscription, alice):
    made = [make_machine(subscription, f"web-{n}", tags=["office"]) for n in range(3)]
    schedules.create(
        by=alice,
        subscription=subscription,
        name="Evening",
        action="stop",
        target=Target(tag="office"),
        cron="0 20 * * *",
        time_zone=BERLIN,
    )
    due(Schedule.objects.get())
    schedules.run_due()
    begun = Job.objects.filter(machine__in=made).order_by("created_at")
    assert list(begun.values_list("machine", flat=True)) == sorted(one.pk for one in made)


def test_a_database_that_stumbles_costs_no_run(nightly, monkeypatch):
    def deadlock(**_: object) -> None:
        raise OperationalError("deadlock detected")

    now = due(nightly)
    with monkeypatch.context() as patch:
        patch.setattr(schedules.power, "operate", deadlock)
        assert schedules.run_due() == 0
    assert not nightly.runs.exists()
    nightly.refresh_from_db()
    assert nightly.next_at < now
    assert schedules.run_due() == 1
    assert last(nightly).outcome == RunOutcome.STARTED


def test_one_that_cannot_be_run_does_not_stand_before_the_others(
    subscription, nightly, machine, alice, monkeypatch, caplog
):
    due(nightly, minutes=30)
    other = schedules.create(
        by=alice,
        subscription=subscription,
        name="Shut down",
        action="shutdown",
        target=Target(machine=machine),
        cron="0 21 * * *",
        time_zone=BERLIN,
    )
    due(other)
    Schedule.objects.filter(pk=nightly.pk).update(time_zone="Atlantis/Capital")
    assert schedules.run_due() == 1
    assert last(other).outcome == RunOutcome.STARTED
    assert not nightly.runs.exists()
    assert "cannot be run" in caplog.text


def test_a_time_had_already_is_not_had_again(nightly, machine):
    """A site whose clock is behind may have written it anew."""
    due(nightly)
    had = Schedule.objects.get().next_at
    schedules.run_due()
    Schedule.objects.update(next_at=had)
    schedules.run_due()
    assert nightly.runs.count() == 1
    nightly.refresh_from_db()
    assert nightly.next_at > timezone.now()
