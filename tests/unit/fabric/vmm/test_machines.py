"""Operating, changing and removing a machine that is there."""

from __future__ import annotations

import pytest
from django.conf import settings
from django.utils import timezone

from fabric.hypervisors.base import Power
from fabric.hypervisors.simulated import clear_faults, journal, plan_fault
from fabric.vmm import actions, healing
from fabric.vmm.errors import Conflict, Invalid, NotFound, WrongState
from fabric.vmm.models import AddressLease, Host, Job, NetworkAdapter, VirtualMachine
from tests.factories.vmm import deploy, driver, finish, left_on_rack, order


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    return deploy(fabric, alice)


def status(machine: VirtualMachine) -> str:
    machine.refresh_from_db()
    return machine.status


def power(machine: VirtualMachine) -> Power:
    guest = driver(machine.host).guest(machine.pk)
    assert guest is not None
    return guest.power


def fail(machine: VirtualMachine, verb: str, kind: str = "fail", times: int = 1) -> None:
    plan_fault(settings.SIMULATED_RACK, machine.host.name, verb, kind, times)


@pytest.mark.parametrize(
    ("road", "ends", "power_is"),
    [
        (["Stop"], "PowerOff", Power.OFF),
        (["Shutdown"], "PowerOff", Power.OFF),
        (["Shutdown", "Start"], "Running", Power.RUNNING),
        (["Suspend"], "Paused", Power.PAUSED),
        (["Pause", "Resume"], "Running", Power.RUNNING),
        (["SaveState"], "Saved", Power.SAVED),
        (["Save", "Start"], "Running", Power.RUNNING),
        (["SaveState", "DiscardSavedState"], "PowerOff", Power.OFF),
        (["Reset"], "Running", Power.RUNNING),
        (["Restart", "Suspend", "Stop"], "PowerOff", Power.OFF),
        (["Refresh"], "Running", Power.RUNNING),
    ],
)
def test_operations_move_a_machine(alice, machine, road, ends, power_is):
    for operation in road:
        job = actions.machines.operate(alice, machine, operation)
        finish(job)
        assert job.state == "succeeded"
        machine.refresh_from_db()
        assert machine.most_recent_job_id == job.pk
    assert (machine.status, power(machine)) == (ends, power_is)


def test_while_it_moves_it_says_so(alice, machine, settings):
    settings.SIMULATED_SCALE = 1
    job = actions.machines.operate(alice, machine, "Shutdown")
    assert status(machine) == "PoweringOff"
    assert (machine.status_string, machine.machine_state) == ("Stopping...", "PoweringOff")
    assert actions.machines.operate(alice, machine, "Shutdown").pk == job.pk
    with pytest.raises(Conflict, match="Shut down"):
        actions.machines.operate(alice, machine, "Start")
    with pytest.raises(Conflict):
        actions.machines.remove(alice, machine)


@pytest.mark.parametrize("operation", ["Start", "Resume", "DiscardSavedState"])
def test_an_operation_impossible_in_the_present_state_is_refused(alice, machine, operation):
    with pytest.raises(WrongState, match=f"Running: {operation}"):
        actions.machines.operate(alice, machine, operation)


def test_an_unknown_operation_is_named(alice, machine):
    with pytest.raises(Invalid, match="'Explode'"):
        actions.machines.operate(alice, machine, "Explode")


def test_a_refused_operation_leaves_the_machine_where_it_was(alice, machine):
    fail(machine, "ensure_power")
    job = finish(actions.machines.operate(alice, machine, "Stop"))
    assert job.state == "failed"
    assert (status(machine), machine.failed_job_id) == ("Running", job.pk)
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert (status(machine), machine.failed_job_id) == ("PowerOff", None)


def test_a_silent_host_is_told_apart_and_a_refresh_tells_the_truth(alice, machine):
    fail(machine, "ensure_power", "lose_reply")
    fail(machine, "*", "vanish")
    finish(actions.machines.operate(alice, machine, "Stop"))
    assert status(machine) == "HostNotResponding"
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    assert status(machine) == "Running"


def test_a_host_that_answers_again_heals_its_machines(alice, machine):
    fail(machine, "*", "vanish")
    finish(actions.machines.operate(alice, machine, "Suspend"))
    assert healing.heal() == 0
    assert status(machine) == "HostNotResponding"
    clear_faults(settings.SIMULATED_RACK)
    assert healing.heal() == 1
    assert status(machine) == "Running"


def test_a_failed_creation_that_was_renamed_and_asked_about_can_be_resumed(fabric, alice):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_disk", "fail")
    machine = deploy(fabric, alice)
    finish(actions.machines.update(alice, machine, name="shop"))
    fail(machine, "*", "vanish")
    finish(actions.machines.operate(alice, machine, "Refresh"))
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    assert status(machine) == "CreationFailed"
    job = finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert (job.recipe, status(machine), machine.name) == ("deploy", "Running", "shop")
    assert machine.most_recent_job_id == job.pk


def test_a_host_that_denies_a_machine_once_is_not_believed(alice, machine):
    fail(machine, "guest", "lie")
    finish(actions.machines.operate(alice, machine, "Refresh"))
    assert status(machine) == "Running"


def test_a_machine_lost_by_its_host_is_missing(alice, machine):
    driver(machine.host).ensure_removed(machine.pk)
    finish(actions.machines.operate(alice, machine, "Refresh"))
    assert status(machine) == "Missing"
    finish(actions.machines.remove(alice, machine))
    assert not VirtualMachine.objects.exists()


def test_a_failed_creation_that_is_dismissed_believes_the_host(fabric, alice):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_power", "fail")
    machine = deploy(fabric, alice)
    finish(actions.machines.operate(alice, machine, "Repair", dismiss=True))
    assert status(machine) == "PowerOff"
    with pytest.raises(Invalid, match="exactly one"):
        actions.machines.operate(alice, machine, "Repair")
    with pytest.raises(WrongState):
        actions.machines.operate(alice, machine, "Repair", undo=True)


def test_only_the_latest_failed_job_is_restarted(alice, machine):
    fail(machine, "ensure_power")
    job = finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.operate(alice, machine, "Suspend"))
    with pytest.raises(Conflict, match="later job"):
        actions.jobs.restart(alice, job)
    with pytest.raises(WrongState, match="cannot be stopped"):
        actions.jobs.cancel(alice, job)


def test_properties_change_at_any_time(alice, machine):
    finish(actions.machines.update(alice, machine, name="shop", description="front", tag="blue"))
    assert status(machine) == "Running"
    assert (machine.name, machine.description, machine.tag) == ("shop", "front", "blue")
    guest = driver(machine.host).guest(machine.pk)
    assert guest is not None
    assert guest.name == "shop"


def test_the_size_of_a_paused_machine_stays(alice, machine):
    finish(actions.machines.operate(alice, machine, "Suspend"))
    with pytest.raises(WrongState, match="only while it is off"):
        actions.machines.update(alice, machine, cores=2)


def test_a_size_the_host_refuses_is_taken_back(alice, machine):
    finish(actions.machines.operate(alice, machine, "Stop"))
    fail(machine, "ensure_resized")
    job = actions.machines.update(alice, machine, cores=4, memory_mb=4096)
    assert status(machine) == "UnderUpdate"
    assert machine.host.used_memory_mb == 4096
    finish(job)
    assert status(machine) == "PowerOff"
    host = Host.objects.get(pk=machine.host_id)
    assert (machine.cores, machine.memory_mb, host.used_cores, host.used_memory_mb) == (
        1,
        1024,
        1,
        1024,
    )
    with pytest.raises(WrongState, match="undone"):
        actions.jobs.restart(alice, job)


def test_a_running_machine_is_not_removed(alice, machine):
    with pytest.raises(WrongState, match="cannot be removed"):
        actions.machines.remove(alice, machine)


@pytest.mark.parametrize("kind", ["lose_reply", "unreachable", "lie"])
@pytest.mark.parametrize("verb", ["ensure_removed", "guest", "disks"])
def test_removal_leaves_nothing_behind(fabric, alice, machine, verb, kind):
    finish(actions.machines.operate(alice, machine, "Stop"))
    fail(machine, verb, kind)
    job = actions.machines.remove(alice, machine)
    assert status(machine) == "Deleting"
    assert actions.machines.remove(alice, machine).pk == job.pk
    finish(job)
    assert left_on_rack(fabric) == ([], [])
    for model in (VirtualMachine, NetworkAdapter):
        assert not model.objects.exists()
    resting = AddressLease.objects.get()
    assert (resting.adapter, resting.rests_until > timezone.now()) == (None, True)
    assert sorted(h.used_memory_mb + h.used_cores for h in Host.objects.all()) == [0, 0]
    effects = journal(settings.SIMULATED_RACK, machine.host.name)
    assert effects.count(("ensure_removed", str(machine.pk))) == 1
    assert Job.objects.visible_to(alice).filter(pk=job.pk).exists()
    with pytest.raises(NotFound):
        actions.machines.remove(alice, machine)


@pytest.mark.parametrize("verb", ["ensure_disk", "ensure_defined", "ensure_power"])
def test_a_failed_creation_is_removed_with_what_it_left(fabric, alice, verb):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, verb, "lose_reply")
        plan_fault(settings.SIMULATED_RACK, host.name, verb, "fail")
    machine = deploy(fabric, alice)
    assert machine.status == "CreationFailed"
    assert left_on_rack(fabric) != ([], [])
    finish(actions.machines.remove(alice, machine))
    assert left_on_rack(fabric) == ([], [])
    assert not VirtualMachine.objects.exists()


def test_a_machine_that_was_placed_nowhere_is_removed_without_a_host(fabric, alice):
    machine, job = order(fabric, alice, memory_mb=1_000_000)
    finish(job)
    finish(actions.machines.remove(alice, machine))
    assert not VirtualMachine.objects.exists()


def test_a_removal_that_fails_keeps_the_machine_on_the_books(fabric, alice, machine):
    finish(actions.machines.operate(alice, machine, "Stop"))
    fail(machine, "ensure_removed")
    finish(actions.machines.remove(alice, machine))
    assert status(machine) == "PowerOff"
    assert AddressLease.objects.count() == 1
    finish(actions.machines.remove(alice, machine))
    assert left_on_rack(fabric) == ([], [])
