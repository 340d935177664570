"""What has not begun can be taken out of the line, and leaves nothing; what has begun goes on."""

from __future__ import annotations

import pytest

from fabric.actions import cancelling, configuring, power
from fabric.durable import claims
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Job, Machine
from fabric.states import MachineState, Verb
from plans.actions import quota
from tenants.errors import NotPermitted
from tenants.models import Operation, Phase


def test_a_deployment_in_line_is_cancelled_without_a_trace(order, fake, work, alice, subscription):
    machine = order()
    job = machine.jobs.get()
    cancelling.cancel(by=alice, job=job)
    work()
    assert Job.objects.get(pk=job.pk).state == JobState.CANCELLED
    assert not Job.objects.get(pk=job.pk).sealed
    assert Machine.objects.get(pk=machine.pk).state == MachineState.DELETED
    assert not any(quota.used(subscription).values())
    assert not fake.machines(fake.stamp.id)
    assert Operation.objects.filter(operation_id=job.operation_id, phase=Phase.FAILED).exists()
    assert order().name == machine.name, "its name is free again"


def test_a_command_in_line_is_cancelled_and_the_machine_is_as_it_was(running, work, alice):
    job = power.operate(by=alice, machine=running, verb=Verb.STOP)
    cancelling.cancel(by=alice, job=job)
    work()
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING
    assert power.operate(by=alice, machine=running, verb=Verb.STOP)


def test_growth_that_is_cancelled_gives_its_quota_back(running, work, alice, subscription):
    before = quota.used(subscription)
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    running.refresh_from_db()
    job = configuring.configure(by=alice, machine=running, memory_mb=running.memory_mb * 2)
    assert quota.used(subscription) != before
    cancelling.cancel(by=alice, job=job)
    assert quota.used(subscription) == before


def test_what_has_begun_goes_on(order, alice):
    job = order().jobs.get()
    assert claims.claim(Job, job.pk)
    with pytest.raises(NotPossible):
        cancelling.cancel(by=alice, job=job)
    assert Job.objects.get(pk=job.pk).state == JobState.RUNNING


def test_who_may_not_configure_machines_cancels_only_what_they_asked_for(order, alice, dora):
    job = order().jobs.get()
    with pytest.raises(NotPermitted):
        cancelling.cancel(by=dora, job=job)
