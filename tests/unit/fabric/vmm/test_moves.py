"""Moving machines between hosts, and emptying a host."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import timezone

from fabric.durable import engine
from fabric.hypervisors.simulated import clear_faults, plan_fault
from fabric.vmm import actions, drain, healing
from fabric.vmm.errors import Conflict, Denied, NoSuitableHost, WrongState
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import Host, Job, VirtualMachine
from tests.factories.vmm import (
    ADMINISTRATOR,
    acting_for,
    deploy,
    driver,
    finish,
    make_fabric,
    make_role,
    order,
)
from tests.unit.fabric.vmm import books


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.select_related("host").get(pk=machine.pk)


def other(fabric, machine: VirtualMachine) -> Host:
    return next(host for host in fabric.hosts if host.pk != machine.host_id)


def fail(host: Host, verb: str, kind: str = "fail", times: int = 1) -> None:
    plan_fault(settings.SIMULATED_RACK, host.name, verb, kind, times)


@pytest.mark.parametrize(
    ("road", "ends"),
    [([], "Running"), (["Suspend"], "Paused"), (["SaveState"], "Saved"), (["Stop"], "PowerOff")],
)
def test_a_machine_moves_and_stays_what_it_is(fabric, alice, road, ends):
    machine = deploy(fabric, alice)
    for operation in road:
        finish(actions.machines.operate(alice, machine, operation))
    target = other(fabric, machine)
    job = actions.moves.move(ADMINISTRATOR, machine, host=target)
    assert again(machine).status == "UnderMigration"
    finish(job)
    assert (job.state, job.fault) == ("succeeded", None)
    assert (again(machine).host, again(machine).status) == (target, ends)
    assert job.memo["placement"]["reasons"]
    books.assert_true()


def test_without_a_host_it_goes_to_the_best_other_one(db, vault):
    fabric = make_fabric(hosts=3)
    alice = acting_for(make_role(fabric))
    machine, rival = deploy(fabric, alice), deploy(fabric, alice, "rival")
    finish(actions.moves.move(alice, machine))
    assert again(machine).host not in (machine.host, rival.host)


def test_who_may_move_what_and_where(fabric, alice, charlie):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    with pytest.raises(Denied, match="administrator of the fabric"):
        actions.moves.move(alice, machine, host=target)
    bound = acting_for(make_role(fabric, permissions=["Create"]))
    with pytest.raises(Denied, match="MigrateVM"):
        actions.moves.move(bound, deploy(fabric, bound, "bound"))
    with pytest.raises(Conflict, match="already"):
        actions.moves.move(ADMINISTRATOR, machine, host=machine.host)
    pending, _ = order(fabric, alice, "pending")
    with pytest.raises(Conflict, match="still under way"):
        actions.moves.move(ADMINISTRATOR, pending, host=target)


def test_a_host_without_room_is_refused_at_once(fabric, alice):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    Host.objects.filter(pk=target.pk).update(reserved_memory_mb=target.memory_mb)
    with pytest.raises(NoSuitableHost, match="memory"):
        actions.moves.move(ADMINISTRATOR, machine, host=target)
    assert again(machine).status == "Running"
    books.assert_true()


def test_a_move_the_host_refuses_gives_the_room_back(fabric, alice):
    machine = deploy(fabric, alice)
    fail(machine.host, "ensure_moved")
    job = finish(actions.moves.move(ADMINISTRATOR, machine, host=other(fabric, machine)))
    assert (job.state, again(machine).status) == ("failed", "Running")
    books.assert_true()
    finish(actions.machines.operate(ADMINISTRATOR, machine, "Repair", retry=True))
    assert again(machine).host == other(fabric, machine)
    books.assert_true()


@pytest.mark.parametrize("how", ["retry", "undo", "dismiss"])
@pytest.mark.parametrize("lost", ["on the way", "on arrival"])
def test_a_move_that_nobody_knows_about_is_repaired(fabric, alice, how, lost):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    if lost == "on the way":
        fail(machine.host, "ensure_moved", "unreachable", 6)
    else:
        fail(target, "guest", "unreachable", 6)
    finish(actions.moves.move(ADMINISTRATOR, machine, host=target))
    assert again(machine).status == "HostNotResponding"
    assert again(machine).moving_to == target
    books.assert_safe()
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(ADMINISTRATOR, machine, "Repair", **{how: True}))
    came = how == "retry" or (how == "dismiss" and lost == "on arrival")
    assert again(machine).host == (target if came else machine.host)
    assert again(machine).status == "Running"
    books.assert_true()


@pytest.mark.parametrize("came", [True, False])
def test_hosts_that_answer_again_settle_a_move(fabric, alice, came):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    fail(*((target, "guest") if came else (machine.host, "ensure_moved")), "unreachable", 6)
    finish(actions.moves.move(ADMINISTRATOR, machine, host=target))
    fail(target, "*", "vanish")
    fail(machine.host, "*", "vanish")
    assert healing.heal() == 0
    clear_faults(settings.SIMULATED_RACK)
    assert healing.heal() == 1
    assert again(machine).host == (target if came else machine.host)
    books.assert_true()


def test_a_move_whose_machine_is_removed_leaves_nothing_on_either_host(fabric, alice):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    fail(target, "guest", "unreachable", 6)
    finish(actions.moves.move(ADMINISTRATOR, machine, host=target))
    finish(actions.machines.remove(alice, machine))
    assert not VirtualMachine.objects.exists()
    assert [driver(host).guests() for host in fabric.hosts] == [(), ()]
    books.assert_true()


def test_a_move_in_line_is_cancelled_and_holds_nothing(fabric, alice):
    machine = deploy(fabric, alice)
    job = actions.moves.move(ADMINISTRATOR, machine, host=other(fabric, machine))
    actions.jobs.cancel(ADMINISTRATOR, job)
    finish(job)
    assert (job.state, again(machine).status) == ("cancelled", "Running")
    books.assert_true()


def run_moves() -> None:
    for job in Job.objects.filter(recipe="move", state__in=("waiting", "running")):
        finish(job)


@pytest.fixture
def busy(fabric, alice) -> Host:
    """Return a host with three machines on it."""
    actions.hosts.set_maintenance(ADMINISTRATOR, fabric.hosts[1], is_in_maintenance=True)
    for number in range(3):
        deploy(fabric, alice, f"web-{number}")
    actions.hosts.set_maintenance(ADMINISTRATOR, fabric.hosts[1], is_in_maintenance=False)
    return fabric.hosts[0]


def test_a_drain_empties_a_host(fabric, busy):
    drain.start(ADMINISTRATOR, busy)
    now = drain.progress(Host.objects.get(pk=busy.pk))
    assert (now.total, now.done, now.waiting, now.failed) == (3, 0, 3, ())
    assert drain.go_on() == 0
    run_moves()
    now = drain.progress(Host.objects.get(pk=busy.pk))
    assert (now.total, now.done, now.left) == (3, 3, 0)
    assert VirtualMachine.objects.filter(host=fabric.hosts[1], status="Running").count() == 3
    books.assert_true()


def test_a_drain_tries_three_times_and_says_why_not(fabric, busy):
    unlucky = VirtualMachine.objects.get(name="web-1")
    target = fabric.hosts[1]
    Host.objects.filter(pk=target.pk).update(reserved_memory_mb=target.memory_mb - 2048)
    drain.start(ADMINISTRATOR, busy)
    for _ in range(5):
        run_moves()
        drain.go_on()
    now = drain.progress(Host.objects.get(pk=busy.pk))
    assert (now.done, now.moving, now.waiting) == (2, 0, 0)
    assert [stuck.tries for stuck in now.failed] == [3]
    assert "memory" in now.failed[0].reason
    Host.objects.filter(pk=target.pk).update(reserved_memory_mb=0)
    drain.start(ADMINISTRATOR, busy)
    run_moves()
    assert again(unlucky).host == target
    books.assert_true()


def test_a_machine_that_cannot_move_is_named_by_the_drain(fabric, alice, busy):
    for host in fabric.hosts:
        fail(host, "ensure_defined")
    machine = deploy(fabric, alice, "half")
    if machine.host == busy:
        drain.start(ADMINISTRATOR, busy)
        stuck = drain.progress(Host.objects.get(pk=busy.pk)).failed
        assert [(s.name, "Creation Failed" in s.reason) for s in stuck] == [("half", True)]


def test_a_drain_is_stopped_and_its_line_dissolved(fabric, alice, busy):
    drain.start(ADMINISTRATOR, busy)
    drain.stop(ADMINISTRATOR, Host.objects.get(pk=busy.pk))
    run_moves()
    assert drain.go_on() == 0
    assert VirtualMachine.objects.filter(host=busy, status="Running").count() == 3
    assert Host.objects.get(pk=busy.pk).is_in_maintenance
    with pytest.raises(Denied):
        drain.start(alice, busy)
    books.assert_true()


def test_ending_the_maintenance_ends_the_drain(fabric, busy):
    drain.start(ADMINISTRATOR, busy)
    actions.hosts.set_maintenance(ADMINISTRATOR, busy, is_in_maintenance=False)
    drain.go_on()
    assert Host.objects.get(pk=busy.pk).drain_started_at is None


def test_a_machine_that_is_missing_is_not_moved(fabric, alice):
    machine = deploy(fabric, alice)
    driver(machine.host).ensure_removed(machine.pk)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    with pytest.raises(WrongState, match="Missing"):
        actions.moves.move(ADMINISTRATOR, machine, host=other(fabric, machine))


def take_turns(job: Job, turns: int) -> Job:
    for _ in range(turns):
        Job.objects.filter(pk=job.pk).update(due_at=timezone.now())
        engine.advance(Job, RECIPES, job.pk)
        job.refresh_from_db()
    return job


def make_busy(host: Host, *, free: int) -> None:
    Host.objects.filter(pk=host.pk).update(busy_slots=host.slots - free)


@pytest.mark.parametrize("is_chosen", [True, False])
def test_a_move_waits_in_line_for_hosts_that_are_busy(fabric, alice, is_chosen):
    machine = deploy(fabric, alice)
    target = other(fabric, machine)
    make_busy(target, free=0)
    job = actions.moves.move(ADMINISTRATOR, machine, host=target if is_chosen else None)
    take_turns(job, 8)
    assert (job.state, job.message) == ("waiting", "Waiting for a free host: 1st in line")
    make_busy(target, free=8)
    assert finish(job).state == "succeeded"
    books.assert_true()


def test_a_move_to_a_busy_host_keeps_nobody_from_another(db, vault):
    fabric = make_fabric(hosts=3)
    alice = acting_for(make_role(fabric))
    machine = deploy(fabric, alice)
    busy, free = (host for host in fabric.hosts if host.pk != machine.host_id)
    make_busy(machine.host, free=0)
    make_busy(busy, free=0)
    make_busy(free, free=1)
    waiting = take_turns(actions.moves.move(ADMINISTRATOR, machine, host=busy), 2)
    assert waiting.queued_at is not None
    _, job = order(fabric, alice, "web-02")
    assert take_turns(job, 3).state == "succeeded"


def test_a_driver_that_breaks_keeps_no_other_host_from_healing(fabric, alice, monkeypatch):
    machine = deploy(fabric, alice)
    rival = next(m for m in (deploy(fabric, alice, n) for n in "abc") if m.host != machine.host)
    VirtualMachine.objects.update(status="HostNotResponding")
    ask = healing.open_driver

    def broken(kind, name):
        if name == machine.host.name:
            raise ValueError("an answer nobody understands")
        return ask(kind, name)

    monkeypatch.setattr(healing, "open_driver", broken)
    healing.heal()
    assert again(rival).status == "Running"
    assert again(machine).status == "HostNotResponding"
