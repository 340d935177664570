"""Checkpoints: made, restored, removed, and a tree that is the host's."""

from __future__ import annotations

import pytest

from fabric.hypervisors.base import Power
from fabric.vmm import actions
from fabric.vmm.errors import (
    Denied,
    Invalid,
    NoSuitableHost,
    NotFound,
    QuotaExceeded,
    WrongState,
)
from fabric.vmm.models import CapabilityProfile, Checkpoint, Host, RoleScope
from tests.factories.troubles import assert_true, fail, kill, suffer
from tests.factories.vmm import acting_for, deploy, driver, finish, make_role


@pytest.fixture
def machine(fabric, alice):
    return deploy(fabric, alice)


def make(caller, machine, name: str = "before") -> Checkpoint:
    checkpoint, job = actions.checkpoints.create(caller, machine, name=name)
    assert finish(job).state == "succeeded"
    checkpoint.refresh_from_db()
    return checkpoint


def current(machine) -> str:
    return machine.checkpoints.get(is_current=True).name


def resize(caller, machine, **size) -> None:
    machine.refresh_from_db()
    if machine.status != "PowerOff":
        finish(actions.machines.operate(caller, machine, "Stop"))
    finish(actions.machines.update(caller, machine, **size))
    machine.refresh_from_db()


def test_checkpoints_are_a_tree_with_one_current(alice, machine):
    first = make(alice, machine, "first")
    assert (first.is_complete, first.is_current, first.power) == (True, True, "running")
    second = make(alice, machine, "second")
    finish(actions.checkpoints.restore(alice, first))
    third = make(alice, machine, "third")
    parents = dict(machine.checkpoints.values_list("name", "parent__name"))
    assert parents == {"first": None, "second": "first", "third": "first"}
    assert current(machine) == "third"
    assert_true(machine)
    finish(actions.checkpoints.remove(alice, first))
    assert not machine.checkpoints.filter(parent__isnull=False).exists()
    assert_true(machine)
    finish(actions.checkpoints.remove(alice, second))
    finish(actions.checkpoints.remove(alice, third))
    assert not Checkpoint.objects.exists()
    assert_true(machine)


def test_one_is_removed_with_all_below_it(alice, machine):
    top = make(alice, machine, "top")
    for name in ("middle", "bottom"):
        make(alice, machine, name)
    middle = machine.checkpoints.get(name="middle")
    finish(actions.checkpoints.remove(alice, middle, with_children=True))
    assert [c.name for c in machine.checkpoints.all()] == ["top"]
    assert current(machine) == "top"
    assert_true(machine)
    finish(actions.checkpoints.remove(alice, top, with_children=True))
    assert_true(machine)


def test_while_it_is_at_work_the_machine_says_so(alice, machine):
    checkpoint, job = actions.checkpoints.create(alice, machine, name="now")
    machine.refresh_from_db()
    assert machine.status == "CreatingCheckpoint"
    assert not checkpoint.is_complete
    finish(job)
    job = actions.checkpoints.restore(alice, checkpoint)
    machine.refresh_from_db()
    assert machine.status == "RecoveringCheckpoint"
    finish(job)
    machine.refresh_from_db()
    assert machine.status == "Saved"
    job = actions.checkpoints.remove(alice, checkpoint)
    machine.refresh_from_db()
    assert machine.status == "DeletingCheckpoint"
    assert finish(job).state == "succeeded"


def test_a_restored_machine_has_the_size_it_had(alice, machine):
    finish(actions.machines.operate(alice, machine, "Stop"))
    small = make(alice, machine, "small")
    resize(alice, machine, cores=4, memory_mb=4096)
    large = make(alice, machine, "large")
    finish(actions.checkpoints.restore(alice, small))
    machine.refresh_from_db()
    assert (machine.cores, machine.memory_mb) == (1, 1024)
    assert_true(machine)
    finish(actions.checkpoints.restore(alice, large))
    machine.refresh_from_db()
    assert (machine.cores, machine.memory_mb) == (4, 4096)
    assert_true(machine)


def test_a_larger_checkpoint_needs_the_room_first(fabric, alice, machine):
    resize(alice, machine, cores=4, memory_mb=4096)
    large = make(alice, machine, "large")
    finish(actions.machines.update(alice, machine, cores=1, memory_mb=1024))
    RoleScope.objects.update(memory_mb=2048)
    with pytest.raises(QuotaExceeded, match="2048 MB"):
        actions.checkpoints.restore(alice, large)
    RoleScope.objects.update(memory_mb=None)
    Host.objects.update(reserved_memory_mb=65_536 - 2048)
    with pytest.raises(NoSuitableHost):
        actions.checkpoints.restore(alice, large)
    machine.refresh_from_db()
    assert (machine.status, machine.memory_mb) == ("PowerOff", 1024)


def test_a_checkpoint_is_renamed(alice, charlie, machine):
    checkpoint = make(alice, machine)
    actions.checkpoints.rename(alice, checkpoint, name="after", description="of the update")
    checkpoint.refresh_from_db()
    assert (checkpoint.name, checkpoint.description) == ("after", "of the update")
    with pytest.raises(Invalid):
        actions.checkpoints.rename(alice, checkpoint, name=" ")
    with pytest.raises(NotFound):
        actions.checkpoints.rename(charlie, checkpoint, name="mine", description="")


def test_who_may(fabric, machine, alice, charlie):
    checkpoint = make(alice, machine)
    with pytest.raises(NotFound):
        actions.checkpoints.create(charlie, machine, name="mine")
    with pytest.raises(NotFound):
        actions.checkpoints.restore(charlie, checkpoint)
    alice.role.permissions = ["CheckpointRestoreOnly"]
    with pytest.raises(Denied):
        actions.checkpoints.create(alice, machine, name="mine")
    with pytest.raises(Denied):
        actions.checkpoints.remove(alice, checkpoint)
    assert finish(actions.checkpoints.restore(alice, checkpoint)).state == "succeeded"


def test_a_profile_may_forbid_them(fabric, alice, machine):
    profile = CapabilityProfile.objects.create(
        server=fabric.server, name="Plain", may_have_checkpoints=False
    )
    fabric.cloud.capability_profiles.add(profile)
    with pytest.raises(Invalid, match="Plain"):
        actions.checkpoints.create(alice, machine, name="now")


def test_one_never_made_is_not_restored(alice, machine):
    fail(machine, "*", "vanish")
    checkpoint, job = actions.checkpoints.create(alice, machine, name="now")
    assert finish(job).state == "failed"
    with pytest.raises(WrongState):
        actions.checkpoints.restore(alice, checkpoint)


def test_quota_does_not_count_what_they_store(fabric):
    bob = acting_for(make_role(fabric, storage_gb=20), "bob@example.net")
    make(bob, deploy(fabric, bob))


VERBS = {
    "create": ["ensure_checkpoint", "checkpoints", "guest"],
    "restore": ["ensure_restored", "checkpoints", "guest"],
    "remove": ["ensure_checkpoint_removed", "checkpoints", "guest"],
}
STEPS = {
    "create": ["ensure_checkpoint", "ensure_made"],
    "restore": ["ensure_restored", "ensure_followed"],
    "remove": ["ensure_checkpoints_removed", "ensure_forgotten"],
}


def asker(alice, machine, what):
    """Return what asks for the operation, on a machine with three checkpoints and another size."""
    first = make(alice, machine, "first")
    make(alice, machine, "second")
    make(alice, machine, "third")
    resize(alice, machine, cores=2, memory_mb=2048)
    asks = {
        "create": lambda: actions.checkpoints.create(alice, machine, name="more")[1],
        "restore": lambda: actions.checkpoints.restore(alice, first),
        "remove": lambda: actions.checkpoints.remove(alice, first, with_children=True),
    }
    return asks[what]


@pytest.mark.parametrize("kind", ["fail", "unreachable", "hang", "lose_reply", "lie"])
@pytest.mark.parametrize(("what", "verb"), [(w, verb) for w in VERBS for verb in VERBS[w]])
def test_trouble_leaves_the_truth(alice, machine, what, verb, kind):
    suffer(alice, machine, asker(alice, machine, what), STEPS[what][0], verb, kind)


@pytest.mark.parametrize("what", VERBS)
def test_a_host_that_vanishes_is_waited_for(alice, machine, what):
    suffer(alice, machine, asker(alice, machine, what), STEPS[what][0], "*", "vanish")


@pytest.mark.parametrize("where", ["before", "between", "after"])
@pytest.mark.parametrize(("what", "step"), [(w, step) for w in STEPS for step in STEPS[w]])
def test_a_worker_may_die_anywhere(alice, machine, what, step, where):
    job = asker(alice, machine, what)()
    kill(job, step, where)
    assert finish(job).state == "succeeded"
    assert_true(machine)


def test_work_that_a_host_goes_on_with_is_not_called_undone(alice, machine, settings):
    """It lost the reply, then refused: what it had begun is waited for."""
    finish(actions.machines.operate(alice, machine, "Stop"))
    settings.SIMULATED_SCALE = 0.02
    fail(machine, "ensure_checkpoint", "lose_reply")
    fail(machine, "ensure_checkpoint")
    _, job = actions.checkpoints.create(alice, machine, name="now")
    finish(job, turns=400)
    assert_true(machine)
    assert driver(machine.host).guest(machine.pk).power == Power.OFF
