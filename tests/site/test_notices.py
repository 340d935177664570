"""Mail about work that ended and machines whose time ends: once, and to who wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from fabric.durable.states import JobState
from fabric.models import Job, Machine
from portal import notices
from portal.models import Notice
from tenants.actions import team
from tenants.models import Role, User
from tests.factories.fabric import (
    make_cloud,
    make_machine,
    make_plan,
    make_stamp,
    make_subscription,
)
from tests.people import join, make_user
from tests.site.tenant.conftest import make_job


@pytest.fixture
def machine(vault, alices):
    return make_machine(make_subscription(alices, make_plan(make_cloud(make_stamp()))))


def ended(machine, by, state=JobState.FAILED, **fields) -> Job:
    fault = {"message": "The host is full."} if state == JobState.FAILED else None
    return make_job(
        machine, state, fault=fault, ended_at=timezone.now(), actor_email=by.email, **fields
    )


def tell() -> list:
    mail.outbox.clear()
    notices.collect()
    notices.send()
    return list(mail.outbox)


def test_who_asked_is_told_of_a_failure_once(alice, machine) -> None:
    job = ended(machine, alice)
    (sent,) = tell()
    assert sent.to == [alice.email]
    assert "web-01" in sent.subject
    assert "The host is full." in sent.body
    assert reverse("job", args=[job.pk]) in sent.body
    assert not tell()


def test_who_left_is_told_nothing_more(alice, alices, machine) -> None:
    """What runs on its own does so in the name of who subscribed, wherever they are by now."""
    join(alices, make_user("erin@example.net"), Role.ADMIN)
    team.leave(by=alice, tenant=alices)
    ended(machine, alice)
    assert not tell()


def test_a_name_breaks_no_header(alice, machine) -> None:
    job = ended(machine, alice)
    Job.objects.filter(pk=job.pk).update(title="Leave\r\nBcc: eve@example.net")
    (sent,) = tell()
    assert "\r" not in sent.subject
    assert sent.recipients() == [alice.email]


def test_only_what_is_wanted(alice, machine) -> None:
    ended(machine, alice, JobState.SUCCEEDED)
    assert not tell(), "by default only failures"
    alice.mail_on = ["succeeded"]
    alice.save()
    ended(machine, alice)
    (sent,) = tell()
    assert sent.subject.startswith("Katal: Done")
    alice.mail_on = []
    alice.save()
    ended(machine, alice)
    assert not tell()


def test_what_failed_again_is_told_again(alice, machine) -> None:
    job = ended(machine, alice)
    assert tell()
    Job.objects.filter(pk=job.pk).update(ended_at=timezone.now() + timedelta(minutes=2))
    assert tell()


def test_many_things_are_one_mail(alice, machine) -> None:
    for _ in range(3):
        ended(machine, alice)
    (sent,) = tell()
    assert "3 things happened" in sent.subject
    assert sent.body.count("/jobs/") == 3


def test_what_a_group_began_it_tells_itself(alice, machine) -> None:
    parent = ended(machine, alice)
    ended(machine, alice, parent=parent)
    (sent,) = tell()
    assert sent.body.count("/jobs/") == 1


def test_a_mail_server_that_is_away_is_tried_again(alice, machine, monkeypatch) -> None:
    ended(machine, alice)
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.EmailMessage.send", refuse)
        assert not tell()
    assert not tell(), "not at once"
    Notice.objects.update(due_at=timezone.now())
    assert len(tell()) == 1


def refuse(*_args, **_kwargs):
    raise ConnectionRefusedError


@pytest.mark.parametrize("how", ["removed", "deactivated"])
def test_what_was_noted_does_not_follow_who_left(alice, alices, machine, how) -> None:
    """A mail server was away, and they are off the team by the time it is back."""
    join(alices, make_user("erin@example.net"), Role.ADMIN)
    ended(machine, alice)
    notices.collect()
    if how == "removed":
        alice.memberships.all().delete()
    else:
        User.objects.filter(pk=alice.pk).update(is_active=False)
    assert not tell()


def test_a_quiet_moment_costs_four_queries(
    alice, bob, charlie, machine, django_assert_num_queries
) -> None:
    """However many people there are: they are asked for once there is something to tell."""
    with django_assert_num_queries(4):
        notices.collect()


def test_two_workers_do_not_send_one_mail_twice(alice, machine) -> None:
    ended(machine, alice)
    notices.collect()
    first = notices._claim()
    assert len(first) == 1
    assert not notices._claim()


def test_a_worker_that_died_while_sending_lets_another_try(alice, machine) -> None:
    ended(machine, alice)
    notices.collect()
    notices._claim()
    Notice.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert notices.send() == 1


def test_the_end_of_a_machine_is_announced_to_its_maker_and_the_admins(
    alice, bob, charlie, machine
) -> None:
    machine.ends_at = timezone.now() + timedelta(days=1)
    machine.end_warned_at = timezone.now()
    machine.end_action = "delete"
    machine.created_by = bob
    machine.save()
    sent = tell()
    assert sorted(one.to[0] for one in sent) == [alice.email, bob.email]
    assert "will be deleted" in sent[0].subject
    assert reverse("machine", args=[machine.pk]) in sent[0].body
    assert not tell()


def test_the_end_of_a_machine_is_told_by_the_readers_clock(alice, machine) -> None:
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Tokyo")
    machine.ends_at = datetime(2031, 5, 1, 18, 30, tzinfo=UTC)
    machine.end_warned_at = timezone.now()
    machine.save()
    (sent,) = tell()
    assert "May 2, 2031, 3:30 a.m. JST" in sent.body


def test_admins_who_want_it_hear_of_their_team(alice, alices, bob) -> None:
    dave = make_user("dave@example.net")
    join(alices, dave, Role.READER)
    team.remove(by=alice, membership=dave.memberships.get())
    assert not tell(), "nobody wants it"
    bob.memberships.update(role=Role.ADMIN)
    bob.mail_on = ["team"]
    bob.save()
    (sent,) = tell()
    assert sent.to == [bob.email]
    assert "dave@example.net" in sent.subject
    assert not tell()


def test_old_notices_are_dropped(alice, machine) -> None:
    ended(machine, alice)
    tell()
    Notice.objects.update(created_at=timezone.now() - timedelta(days=8))
    notices.forget_old()
    assert not Notice.objects.exists()


def test_the_end_of_very_many_machines_reaches_everybody(
    alice, charlie, machine, monkeypatch
) -> None:
    """Those told already, and those nobody wants to hear of, do not stand before the others."""
    monkeypatch.setattr(notices, "MOST_AT_ONCE", 2)
    for number in range(6):
        make_machine(machine.subscription, f"end-{number}")
    soon = timezone.now() + timedelta(days=1)
    Machine.objects.update(ends_at=soon, end_warned_at=timezone.now())
    for _turn in range(4):
        tell()
    assert Notice.objects.filter(kind="lease", user=alice).count() == 7


def test_a_slow_mail_server_has_nobody_told_twice(alice, bob, machine, monkeypatch) -> None:
    """Others take up what waits behind a mail that hangs."""
    bob.mail_on = ["failed"]
    bob.save()
    ended(machine, alice)
    ended(make_machine(machine.subscription, "web-02"), bob)
    notices.collect()
    send, begun = notices.EmailMessage.send, []

    def slowly(message):
        begun.append(message)
        if len(begun) == 1:
            Notice.objects.exclude(user__email=message.to[0]).update(due_at=timezone.now())
            notices.send()
        return send(message)

    monkeypatch.setattr(notices.EmailMessage, "send", slowly)
    mail.outbox.clear()
    notices.send()
    assert sorted(one.to[0] for one in mail.outbox) == [alice.email, bob.email]
