"""Machines made of what another one was at a checkpoint, and what copies are called."""

from __future__ import annotations

import pytest
from django.conf import settings

from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, NotFound, QuotaExceeded, WrongState
from fabric.vmm.models import Checkpoint, VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, driver, finish, make_role
from tests.unit.fabric.vmm import books


@pytest.fixture
def machine(fabric, alice) -> VirtualMachine:
    return deploy(fabric, alice)


def checkpoint_of(caller, machine: VirtualMachine, name: str = "before") -> Checkpoint:
    made, job = actions.checkpoints.create(caller, machine, name=name)
    finish(job)
    made.refresh_from_db()
    return made


def again(machine: VirtualMachine) -> VirtualMachine:
    return VirtualMachine.objects.get(pk=machine.pk)


def of(caller, checkpoint: Checkpoint, name: str = "web-02", **wanted):
    return actions.machines.of_checkpoint(caller, checkpoint, name=name, **wanted)


@pytest.mark.parametrize(("start", "ends"), [(True, "Running"), (False, "PowerOff")])
def test_a_machine_is_made_of_a_checkpoint_while_its_source_runs(
    fabric, alice, machine, start, ends
):
    checkpoint = checkpoint_of(alice, machine)
    made, job = of(alice, checkpoint, start=start)
    assert again(machine).status == "UnderUpdate"
    with pytest.raises(Conflict, match="Create virtual machine from checkpoint"):
        actions.checkpoints.remove(alice, checkpoint)
    finish(job)
    assert (job.state, job.fault) == ("succeeded", None)
    assert (again(made).status, again(machine).status) == (ends, "Running")
    assert driver(machine.host).guest(machine.pk).power == "running"
    mine, theirs = made.adapters.get(), machine.adapters.get()
    assert mine.mac != theirs.mac
    assert mine.addresses != theirs.addresses
    assert not made.checkpoints.exists()
    assert books.library() == set()
    books.assert_true()


def test_it_has_the_size_of_then(fabric, alice, machine):
    checkpoint = checkpoint_of(alice, machine)
    finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.update(alice, machine, cores=4, memory_mb=4096))
    made, job = of(alice, checkpoint)
    finish(job)
    assert (again(made).cores, again(made).memory_mb) == (1, 1024)
    assert again(machine).cores == 4
    books.assert_true()


def test_the_same_request_key_is_the_same_machine(fabric, alice, machine):
    checkpoint, other = checkpoint_of(alice, machine), checkpoint_of(alice, machine, "later")
    first, job = of(alice, checkpoint, request_key="k1")
    assert of(alice, checkpoint, request_key="k1") == (first, job)
    finish(job)
    with pytest.raises(Conflict, match="request key"):
        of(alice, other, request_key="k1")
    with pytest.raises(Conflict, match="request key"):
        actions.machines.clone(alice, machine, name="web-02", request_key="k1")
    assert VirtualMachine.objects.count() == 2


def test_who_may_not_create_or_has_no_quota_left_makes_none(fabric, charlie):
    poor = acting_for(make_role(fabric, vm_count=1))
    machine = deploy(fabric, poor)
    checkpoint = checkpoint_of(poor, machine)
    with pytest.raises(QuotaExceeded, match="1 of virtual machines"):
        of(poor, checkpoint)
    with pytest.raises(NotFound):
        of(charlie, checkpoint)
    actions.userroles.change(ADMINISTRATOR, poor.role, permissions=["Checkpoint", "Start", "Stop"])
    poor.role.refresh_from_db()
    with pytest.raises(Denied, match="Create"):
        of(poor, checkpoint)
    assert again(machine).status == "Running"


def test_a_checkpoint_never_made_in_full_makes_none(fabric, alice, machine):
    checkpoint = checkpoint_of(alice, machine)
    Checkpoint.objects.update(is_complete=False)
    with pytest.raises(WrongState, match="never made in full"):
        of(alice, checkpoint)


def test_a_copy_that_failed_lets_go_of_its_source_as_it_stood(fabric, alice, machine):
    checkpoint = checkpoint_of(alice, machine)
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_checkpoint_image", "fail")
    made, job = of(alice, checkpoint)
    finish(job)
    assert (again(made).status, again(machine).status) == ("CreationFailed", "Running")
    # Meanwhile it may be something else, and is afterwards what it was then.
    finish(actions.machines.operate(alice, machine, "Suspend"))
    finish(actions.machines.operate(alice, made, "Repair", retry=True))
    assert (again(made).status, again(machine).status) == ("PowerOff", "Paused")
    books.assert_true()


def test_a_copy_whose_checkpoint_is_gone_is_only_removed(fabric, alice, machine):
    checkpoint = checkpoint_of(alice, machine)
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_checkpoint_image", "fail")
    made, job = of(alice, checkpoint)
    finish(job)
    finish(actions.checkpoints.remove(alice, checkpoint))
    finish(actions.machines.operate(alice, made, "Repair", retry=True))
    assert "no such checkpoint any more" in again(made).deployment_error["message"]
    finish(actions.machines.operate(alice, made, "Repair", undo=True))
    assert VirtualMachine.objects.get() == machine
    books.assert_true()


def test_a_copy_is_cancelled_while_it_copies(fabric, alice, machine):
    made, job = of(alice, checkpoint_of(alice, machine))
    actions.jobs.cancel(alice, job)
    assert finish(job).state == "cancelled"
    assert (again(made).status, again(machine).status) == ("CreationFailed", "Running")


def test_a_copy_is_described_and_tagged_by_who_makes_it(fabric, alice, machine):
    finish(actions.machines.operate(alice, machine, "Stop"))
    finish(actions.machines.update(alice, machine, description="first", tag="one"))
    same, job = actions.machines.clone(alice, machine, name="web-02")
    finish(job)
    other, _ = actions.machines.clone(alice, machine, name="web-03", description="", tag="two")
    assert (same.description, same.tag) == ("first", "one")
    assert (other.description, other.tag) == ("", "two")
