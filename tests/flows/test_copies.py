"""Clones, machines from checkpoints, the library, rebuilding and rescue."""

from __future__ import annotations

import pytest

from fabric.actions import checkpoints, copies, disks, machines, power
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.models import Job, Machine, Media, Template
from fabric.orders import Guest
from fabric.providers.abilities import ALL, CLONE
from fabric.states import MachineState, Verb
from plans.actions import quota
from plans.errors import QuotaExceeded
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Operation

GUEST = Guest(password="Canary-Again-1")


def fresh(machine: Machine) -> Machine:
    machine.refresh_from_db()
    return machine


def test_a_clone_is_a_machine_of_its_own_and_counted(stopped, alice, work, exact):
    disks.attach(by=alice, machine=stopped, size_gb=20)
    work()
    made = copies.clone(by=alice, machine=stopped, name="web-02", request_key="k2")
    assert quota.used(stopped.subscription)["storage_gb"] == 60
    work()
    assert (fresh(made).state, made.storage_gb) == (MachineState.STOPPED, 30)
    assert made.disks.count() == 2
    assert exact() == {"machines": 2, "cores": 2, "memory_mb": 2048, "storage_gb": 60}


def test_the_same_clone_asked_for_twice_is_one(stopped, alice, work, exact):
    def ask(name="web-02"):
        return copies.clone(by=alice, machine=stopped, name=name, request_key="same")

    assert ask() == ask("web-03")
    work()
    assert exact()["machines"] == 2


@pytest.mark.parametrize("what", ["lose_reply", "unreachable"])
def test_a_lost_reply_makes_no_second_clone(stopped, alice, work, fake, exact, what):
    fake.plan("ensure_machine", what)
    made = copies.clone(by=alice, machine=stopped, name="web-02", request_key="k2")
    work(rounds=20)
    assert fresh(made).state == MachineState.STOPPED
    assert exact()["machines"] == 2


def test_a_failed_clone_keeps_its_quota_until_it_is_removed(stopped, alice, work, fake, exact):
    fake.plan("ensure_machine", "fail")
    made = copies.clone(by=alice, machine=stopped, name="web-02", request_key="k2")
    work()
    assert fresh(made).state == MachineState.FAILED
    assert quota.used(stopped.subscription)["machines"] == 2
    machines.resume(by=alice, machine=made)
    work()
    assert fresh(made).state == MachineState.STOPPED
    machines.delete(by=alice, machine=made)
    work()
    assert exact()["machines"] == 1


def test_a_clone_past_the_limit_or_of_a_name_that_is_taken_is_refused(stopped, alice, exact):
    with pytest.raises(Conflicting):
        copies.clone(by=alice, machine=stopped, name="WEB-01", request_key="k2")
    for n in range(2):
        copies.clone(by=alice, machine=stopped, name=f"copy-{n}", request_key=f"c{n}")
    with pytest.raises(QuotaExceeded):
        copies.clone(by=alice, machine=stopped, name="copy-3", request_key="c3")
    assert Machine.objects.count() == 3


def test_a_running_machine_is_not_cloned(running, alice):
    with pytest.raises(NotPossible, match="Shut it down first"):
        copies.clone(by=alice, machine=running, name="web-02", request_key="k2")


def test_an_spf_that_makes_no_copies_says_so(stopped, alice, stamp):
    stamp.provider.capabilities = {"abilities": sorted(ALL - {CLONE}), "asked": sorted(ALL)}
    stamp.provider.save()
    with pytest.raises(NotPossible, match="no copies"):
        copies.clone(by=alice, machine=stopped, name="web-02", request_key="k2")


def test_a_machine_from_a_checkpoint_while_the_first_one_runs(running, alice, work, exact):
    checkpoints.create(by=alice, machine=running, name="clean")
    work()
    point = running.checkpoints.get()
    made = copies.from_checkpoint(by=alice, checkpoint=point, name="web-02", request_key="k2")
    work()
    assert fresh(made).state == MachineState.STOPPED
    assert fresh(running).state == MachineState.RUNNING
    assert made.checkpoints.count() == 0
    assert exact()["machines"] == 2


def test_a_machine_is_stored_and_brought_back(stopped, alice, work, exact):
    copies.store(by=alice, machine=stopped)
    work()
    assert fresh(stopped).state == MachineState.STORED
    assert exact()["machines"] == 1, "what is stored is held still"
    with pytest.raises(NotPossible, match="bring it back first"):
        disks.attach(by=alice, machine=stopped, size_gb=1)
    copies.deploy_stored(by=alice, machine=stopped)
    work()
    assert fresh(stopped).state == MachineState.STOPPED
    with pytest.raises(NotPossible, match="not in the library"):
        copies.deploy_stored(by=alice, machine=stopped)


def test_storing_needs_the_plans_leave(stopped, alice, plan):
    plan.offering.permissions = ["Start", "Stop"]
    plan.offering.save()
    with pytest.raises(NotPermitted, match="plan"):
        copies.store(by=alice, machine=stopped)


def rebuild(alice, machine, key="r1", guest=GUEST, **more):
    template = machine.template
    return copies.rebuild(
        by=alice, machine=machine, template=template, guest=guest, request_key=key, **more
    )


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_machine_is_rebuilt_with_its_address(request, state, alice, work, exact):
    machine = request.getfixturevalue(state)
    before = [adapter.mac for adapter in machine.adapters.all()]
    disk = machine.disks.get().remote_id
    job = rebuild(alice, machine)
    work(rounds=20)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    assert fresh(machine).state == MachineState.RUNNING
    assert [adapter.mac for adapter in machine.adapters.all()] == before
    assert machine.disks.get().remote_id != disk
    assert exact()["machines"] == 1


def test_a_rebuild_keeps_no_secret(running, alice, work, caplog):
    job = rebuild(alice, running)
    told = str(list(Job.objects.values())) + str(list(Operation.objects.values()))
    work(rounds=20)
    job.refresh_from_db()
    assert job.sealed == ""
    told += str(list(Job.objects.values())) + str(list(Operation.objects.values()))
    assert "Canary" not in told + caplog.text


@pytest.mark.parametrize("what", ["lose_reply", "unreachable"])
def test_a_lost_reply_rebuilds_once(running, alice, work, fake, what):
    fake.plan("change", what)
    job = rebuild(alice, running)
    work(rounds=30)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    assert fresh(running).state == MachineState.RUNNING


def test_a_larger_template_is_reserved_first_and_the_truth_counted(running, alice, work, exact):
    Template.objects.update(storage_gb=40)
    running.template.refresh_from_db()
    rebuild(alice, running)
    assert quota.used(running.subscription)["storage_gb"] == 40
    work(rounds=20)
    assert exact()["storage_gb"] == 10, "as large as the cloud made it"


def test_what_must_not_be_rebuilt(running, alice, work):
    checkpoints.create(by=alice, machine=running, name="clean")
    work()
    with pytest.raises(NotPossible, match="checkpoints first"):
        rebuild(alice, running)
    Machine.objects.update(is_protected=True)
    with pytest.raises(NotPossible, match="protected"):
        rebuild(alice, running, key="r2")


def test_a_guest_is_judged_before_anything_is_lost(running, alice):
    with pytest.raises(Refused) as refused:
        rebuild(alice, running, guest=Guest(password="short"))
    assert refused.value.field == "password"
    assert not Job.objects.filter(recipe="machine.rebuild").exists()


@pytest.mark.parametrize("state", ["running", "stopped"])
def test_a_machine_is_rescued_and_says_so(request, state, alice, work, fake):
    machine = request.getfixturevalue(state)
    image = Media.objects.get()
    copies.rescue(by=alice, machine=machine, media=image)
    work(rounds=20)
    assert fresh(machine).rescued_at is not None
    assert (machine.state, machine.media) == (MachineState.RUNNING, image)
    with pytest.raises(NotPossible, match="in rescue already"):
        copies.rescue(by=alice, machine=machine, media=image)
    copies.end_rescue(by=alice, machine=machine)
    work(rounds=20)
    assert (fresh(machine).rescued_at, machine.media) == (None, None)
    assert machine.state == MachineState.RUNNING


def test_a_rescue_ends_without_starting_what_is_off(running, alice, work):
    copies.rescue(by=alice, machine=running, media=Media.objects.get())
    work(rounds=20)
    power.operate(by=alice, machine=running, verb=Verb.STOP)
    work()
    copies.end_rescue(by=alice, machine=running)
    work(rounds=20)
    assert (fresh(running).state, running.rescued_at) == (MachineState.STOPPED, None)
    with pytest.raises(NotPossible, match="not in rescue"):
        copies.end_rescue(by=alice, machine=running)


def test_a_rescue_that_fails_is_none(running, alice, work, fake):
    fake.plan("change", "fail")
    copies.rescue(by=alice, machine=running, media=Media.objects.get())
    work(rounds=20)
    assert fresh(running).rescued_at is None
    assert running.state == MachineState.RUNNING
