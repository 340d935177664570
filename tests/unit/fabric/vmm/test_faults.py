"""Every fault at every verb of every operation: whatever comes of it, the books tell the truth.

A fault strikes once. The job either gets over it, or fails and is repaired by retrying, or, where
its change was undone, is asked for again. At no point does a host hold more than our books say.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings

from fabric.hypervisors.simulated import clear_faults, plan_fault
from fabric.vmm import actions, healing
from fabric.vmm.actions.setups import Asked
from fabric.vmm.errors import WrongState
from fabric.vmm.jobs.clone import CLONE, OF_CHECKPOINT
from fabric.vmm.jobs.move import MOVE
from fabric.vmm.jobs.rebuild import REBUILD
from fabric.vmm.jobs.remove import REMOVE
from fabric.vmm.jobs.store import DEPLOY_STORED, STORE
from fabric.vmm.jobs.update import UPDATE
from fabric.vmm.models import Job, VirtualMachine
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    Killed,
    deploy,
    finish,
    kill_at,
    make_share,
)
from tests.unit.fabric.vmm import books

KINDS = ("fail", "unreachable", "lose_reply", "lie", "vanish")
Begin = Callable[[VirtualMachine], Job]


def _clone(machine: VirtualMachine) -> Job:
    return actions.machines.clone(ADMINISTRATOR, machine, name="twin", start=True)[1]


def _of_checkpoint(machine: VirtualMachine) -> Job:
    made, job = actions.checkpoints.create(ADMINISTRATOR, machine, name="before")
    finish(job)
    return actions.machines.of_checkpoint(ADMINISTRATOR, made, name="twin", start=True)[1]


def _rebuild(machine: VirtualMachine) -> Job:
    return actions.machines.rebuild(
        ADMINISTRATOR,
        machine,
        template_id=machine.template_id,
        guest=Asked(local_admin_password=PASSWORD),
    )


# Name: what it takes, how it begins, the verbs it asks of hosts.
OPERATIONS: dict[str, tuple[tuple[str, ...], Begin, tuple[str, ...]]] = {
    "store": (
        (),
        lambda machine: actions.machines.store(ADMINISTRATOR, machine),
        ("ensure_image", "images", "guest", "ensure_removed", "disks"),
    ),
    "deploy": (
        ("Store",),
        lambda machine: actions.machines.deploy_stored(ADMINISTRATOR, machine, start=True),
        (
            "ensure_disk",
            "ensure_defined",
            "ensure_adapter",
            "guest",
            "ensure_power",
            "ensure_image_removed",
            "images",
        ),
    ),
    "clone": (
        (),
        _clone,
        (
            "ensure_image",
            "images",
            "ensure_disk",
            "ensure_defined",
            "ensure_adapter",
            "ensure_power",
            "ensure_image_removed",
        ),
    ),
    "checkpoint": (
        ("Start",),
        _of_checkpoint,
        ("ensure_checkpoint_image", "images", "ensure_disk", "ensure_image_removed"),
    ),
    "rebuild": (
        ("Start",),
        _rebuild,
        (
            *("ensure_removed", "guest", "disks", "ensure_disk", "ensure_defined"),
            *("ensure_adapter", "ensure_power", "ensure_guest_setup"),
        ),
    ),
    "move": (
        ("Start",),
        lambda machine: actions.moves.move(ADMINISTRATOR, machine),
        ("ensure_moved", "guest"),
    ),
    "update": (
        ("Start",),
        lambda machine: actions.machines.update(
            ADMINISTRATOR, machine, cores=2, memory_mb=2048, name="shop"
        ),
        ("ensure_resized", "ensure_renamed", "guest"),
    ),
    "remove": (
        (),
        lambda machine: actions.machines.remove(ADMINISTRATOR, machine),
        ("ensure_removed", "ensure_disk_removed", "guest", "disks"),
    ),
    "stop": (
        ("Start",),
        lambda machine: actions.machines.operate(ADMINISTRATOR, machine, "Stop"),
        ("ensure_power", "guest"),
    ),
}
TABLE = [
    (name, verb, kind)
    for name, (_, _, verbs) in OPERATIONS.items()
    for verb in verbs
    for kind in KINDS
]


@pytest.mark.parametrize(("name", "verb", "kind"), TABLE)
def test_books_and_hosts_agree_whatever_fails(fabric, alice, name, verb, kind):
    make_share(fabric)
    machine = deploy(fabric, alice, start=False)
    before, begin, _ = OPERATIONS[name]
    for operation in before:
        finish(actions.machines.operate(alice, machine, operation))
    machine.refresh_from_db()
    job = begin(machine)
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, verb, kind)
    finish(job)
    assert job.state in ("succeeded", "failed")
    clear_faults(settings.SIMULATED_RACK)
    books.assert_safe()
    if job.state == "failed":
        _repair(job, begin)
    for each in VirtualMachine.objects.all():
        assert each.status in {*books.WELL, "Stored"}
        assert each.failed_job_id is None
    books.assert_true()


STEPS = [
    (name, step.name)
    for name, recipe in (
        ("store", STORE),
        ("deploy", DEPLOY_STORED),
        ("clone", CLONE),
        ("checkpoint", OF_CHECKPOINT),
        ("rebuild", REBUILD),
        ("move", MOVE),
        ("update", UPDATE),
        ("remove", REMOVE),
    )
    for step in recipe.steps
]


@pytest.mark.parametrize(("name", "step"), STEPS)
def test_a_worker_may_die_between_the_deed_and_its_record(fabric, alice, settings, name, step):
    make_share(fabric)
    machine = deploy(fabric, alice, start=False)
    before, begin, _ = OPERATIONS[name]
    for operation in before:
        finish(actions.machines.operate(alice, machine, operation))
    machine.refresh_from_db()
    job = begin(machine)
    settings.JOB_PROBE = "tests.factories.vmm.probe"
    kill_at.add((step, "between"))
    with pytest.raises(Killed):
        finish(job)
    books.assert_safe(while_busy=True)
    Job.objects.filter(pk=job.pk).update(claimed_until=None)
    assert finish(job).state == "succeeded"
    books.assert_true()


@pytest.mark.parametrize("kind", KINDS)
def test_healing_never_takes_half_a_thing_for_a_whole(fabric, alice, kind):
    """A machine whose host is silent in the middle of an operation is healed to what is there."""
    make_share(fabric)
    machine = deploy(fabric, alice, start=False)
    job = actions.machines.store(alice, machine)
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_removed", kind, 6)
    finish(job)
    clear_faults(settings.SIMULATED_RACK)
    healing.heal()
    books.assert_safe()
    machine.refresh_from_db()
    if machine.status in books.WELL:
        books.assert_same(machine)


def _repair(job: Job, begin: Begin) -> None:
    """Retry the job; one whose change was undone is asked for again."""
    machine = VirtualMachine.objects.get(pk=job.subject)
    try:
        again = actions.machines.operate(ADMINISTRATOR, machine, "Repair", retry=True)
    except WrongState:
        again = begin(machine)
    finish(again)
    assert (again.state, again.fault) == ("succeeded", None)
