"""From the action to the row and back: deploy, operate, delete, resume, and what may go wrong."""

from __future__ import annotations

import pytest

from fabric.actions import machines, power
from fabric.connect import rdp_file
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Job, Load, Machine
from fabric.states import MachineState, Verb
from fabric.sync import stamps
from plans.actions import quota
from plans.errors import QuotaExceeded
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Operation, Phase

PASSWORD = "Canary-Guest-9"


def log_of(machine: Machine) -> list[tuple[str, str]]:
    return list(
        Operation.objects.filter(object_id=str(machine.pk))
        .order_by("id")
        .values_list("action", "phase")
    )


def test_a_machine_is_accepted_at_once_with_its_quota_reserved(order, subscription):
    machine = order()
    assert machine.state == MachineState.CREATING
    assert quota.used(subscription) == {
        "machines": 1,
        "cores": machine.cores,
        "memory_mb": machine.memory_mb,
        "storage_gb": machine.storage_gb,
    }
    assert log_of(machine) == [("machine.deploy", Phase.STARTED)]


def test_it_ends_running_with_an_address_and_committed_quota(running, fake, subscription):
    assert running.addresses
    assert len(fake.held) == 1
    assert log_of(running) == [
        ("machine.deploy", Phase.STARTED),
        ("machine.deploy", Phase.SUCCEEDED),
    ]
    assert quota.used(subscription)["machines"] == 1
    assert rdp_file(running).decode("utf-16") == f"full address:s:{running.address}\r\n"  # A071


def test_the_same_form_sent_twice_is_one_machine(order, work, fake):
    assert order(key="same").pk == order(name="other", key="same").pk
    work()
    assert len(fake.held) == Machine.objects.count() == 1


def test_a_name_is_used_once_in_a_subscription(order):
    order(key="one")
    with pytest.raises(Conflicting) as refused:
        order(name="WEB-01", key="two")
    assert refused.value.field == "name"
    assert Machine.objects.count() == 1


def test_the_plan_limits_and_the_refusal_leaves_nothing(order, subscription):
    for n in range(3):
        order(name=f"vm-{n}", key=str(n))
    with pytest.raises(QuotaExceeded) as refused:
        order(name="vm-4", key="4")
    assert refused.value.resource == "machines"
    assert Machine.objects.count() == Job.objects.filter(machine__isnull=False).count() == 3
    assert quota.used(subscription)["machines"] == 3


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ({"name": "no spaces"}, "name"),
        ({"name": "12345"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"password": "short"}, "password"),
        ({"password": "alllowercase"}, "password"),
    ],
)
def test_bad_input_is_refused_at_its_field(order, what, field):
    with pytest.raises(Refused) as refused:
        order(**what)
    assert refused.value.field == field
    assert Machine.objects.count() == 0


def test_a_lost_reply_makes_no_second_machine(order, fake, work, subscription):
    fake.plan("ensure_machine", "lose_reply")
    machine = order()
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert len(fake.held) == 1
    assert quota.used(subscription)["machines"] == 1


def test_a_failed_deployment_keeps_its_quota_and_can_be_resumed(order, fake, work, alice):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    machine.refresh_from_db()
    job = machine.jobs.get()
    assert (machine.state, job.state) == (MachineState.FAILED, JobState.FAILED)
    assert job.fault["message"]
    assert quota.used(machine.subscription)["machines"] == 1
    machines.resume(by=alice, machine=machine)
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING
    assert len(fake.held) == 1
    assert log_of(machine) == [
        ("machine.deploy", Phase.STARTED),
        ("machine.deploy", Phase.FAILED),
        ("machine.continue", Phase.STARTED),
        ("machine.continue", Phase.SUCCEEDED),
    ]


def test_a_failed_deployment_can_be_removed(order, fake, work, alice, subscription):
    fake.plan("ensure_machine", "fail")
    machine = order()
    work()
    machine.refresh_from_db()
    machines.delete(by=alice, machine=machine)
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.DELETED
    assert fake.held == {}
    assert set(quota.used(subscription).values()) == {0}


@pytest.mark.parametrize(
    ("verbs", "state"),
    [
        ([Verb.STOP], MachineState.STOPPED),
        ([Verb.SHUTDOWN], MachineState.STOPPED),
        ([Verb.SHUTDOWN, Verb.START], MachineState.RUNNING),
        ([Verb.PAUSE], MachineState.PAUSED),
        ([Verb.PAUSE, Verb.RESUME], MachineState.RUNNING),
    ],
)
def test_power_commands_reach_their_state(running, work, alice, verbs, state):
    for verb in verbs:
        power.operate(by=alice, machine=running, verb=verb)
        running.refresh_from_db()
        assert running.state == MachineState.UPDATING
        work()
    running.refresh_from_db()
    assert running.state == state
    assert log_of(running)[-1] == (f"machine.{verbs[-1]}", Phase.SUCCEEDED)


def test_a_command_that_does_not_fit_is_refused_with_the_reason(running, alice):
    with pytest.raises(NotPossible, match="running already"):
        power.operate(by=alice, machine=running, verb=Verb.START)


def test_one_command_at_a_time(running, alice):
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    with pytest.raises(NotPossible, match="present work"):
        power.operate(by=alice, machine=running, verb=Verb.PAUSE)


def test_a_plan_without_stop_refuses_it(running, alice, plan):
    plan.offering.permissions = ["Start"]
    plan.offering.save()
    with pytest.raises(NotPermitted, match="plan does not allow"):
        power.operate(by=alice, machine=running, verb=Verb.STOP)


def test_a_failed_command_shows_the_state_it_was_in(running, fake, work, alice):
    fake.plan("operate", "fail")
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    running.refresh_from_db()
    assert running.state == MachineState.RUNNING
    assert log_of(running)[-1] == ("machine.stop", Phase.FAILED)


def test_a_running_machine_is_turned_off_and_deleted(running, fake, work, alice, subscription):
    machines.delete(by=alice, machine=running)
    work()
    assert fake.held == {}
    assert set(quota.used(subscription).values()) == {0}
    assert not Machine.objects.visible_to(alice).exists()


def test_quota_is_given_back_only_when_nothing_is_left(running, fake, work, alice, subscription):
    fake.plan("remove_machine", "fail")
    machines.delete(by=alice, machine=running)
    work()
    running.refresh_from_db()
    assert running.state == MachineState.FAILED
    assert quota.used(subscription)["machines"] == 1
    machines.resume(by=alice, machine=running)
    work()
    assert set(quota.used(subscription).values()) == {0}


def test_the_guests_password_is_nowhere(order, work, caplog):
    machine = order()
    before = str(list(Job.objects.values())) + str(list(Operation.objects.values()))
    work()
    after = str(list(Job.objects.values())) + str(list(Operation.objects.values()))
    assert "Canary" not in before + after + caplog.text
    assert machine.jobs.get().sealed == ""


def test_the_cloud_is_away_and_comes_back(order, fake, work):
    machine = order()
    fake.is_down = True
    work(rounds=3)
    machine.refresh_from_db()
    assert machine.state == MachineState.CREATING
    fake.is_down = False
    work()
    machine.refresh_from_db()
    assert machine.state == MachineState.RUNNING


def test_the_hosts_counters_become_load_curves(running, stamp):
    stamps.run(str(stamp.pk))
    curves = {(load.frame, load.counter): load for load in running.loads.all()}
    assert set(curves) == {
        (frame, counter) for frame in Load.Frame.values for counter in Load.Counter.values
    }
    hour = curves["hour", "cpu"]
    assert len(hour.samples) == len(hour.times) > 0
    stamps.run(str(stamp.pk))
    assert running.loads.count() == len(curves), "replaced, never grown"
