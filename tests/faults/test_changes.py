"""SIGKILL of the portal's worker at every step of what is done with machines that are there.

A machine a boundary, all at once; each act must come about once, be counted as it is, and leave
its machine at rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from fabric.actions import copies, disks, power
from fabric.durable.recipe import Recipe
from fabric.durable.states import JobState
from fabric.jobs.change import CHANGE
from fabric.jobs.copy import COPY
from fabric.jobs.rebuild import REBUILD
from fabric.jobs.rescue import RESCUE
from fabric.jobs.restart import RESTART
from fabric.models import Job, Machine, Media
from fabric.orders import Guest
from fabric.states import MachineState, Verb
from fabric.vmm.models import DiskDrive, VirtualMachine
from plans.actions import quota
from tenants.models import User
from tests.faults import probe
from tests.faults.proof import GUEST_PASSWORD

pytestmark = pytest.mark.faults

WHERE = ("before", "between", "after")
GROUP = "The portal's worker is killed before, in and after a step of"


@dataclass(frozen=True)
class Act:
    """What is asked of a machine: `title` is a heading, `struck` the machine whose job it is."""

    recipe: Recipe
    title: str
    ask: Callable[[User, Machine], object]
    is_off: bool = False
    struck: str = "{name}"
    disks: int = 1


def _clone(by: User, machine: Machine) -> Machine:
    name = f"{machine.name}-copy"
    return copies.clone(by=by, machine=machine, name=name, request_key=name)


def _rebuild(by: User, machine: Machine) -> Job:
    guest = Guest(password=GUEST_PASSWORD)
    return copies.rebuild(
        by=by, machine=machine, template=machine.template, guest=guest, request_key=machine.name
    )


ACTS = (
    Act(
        CHANGE,
        "adding a disk",
        lambda by, machine: disks.attach(by=by, machine=machine, size_gb=1),
        disks=2,
    ),
    Act(COPY, "cloning", _clone, is_off=True, struck="{name}-copy"),
    Act(
        RESTART,
        "restarting",
        lambda by, machine: power.operate(by=by, machine=machine, verb=Verb.RESTART),
    ),
    Act(REBUILD, "rebuilding", _rebuild),
    Act(
        RESCUE,
        "rescuing",
        lambda by, machine: copies.rescue(by=by, machine=machine, media=Media.objects.get()),
    ),
)


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.recipe.name)
def test_what_is_done_with_machines_survives_a_killed_worker(cloud, prove, owner, act, where):
    steps = [step.name for step in act.recipe.steps]
    names = {
        step: f"{act.recipe.name}-{step}-{where}".replace("_", "-").replace(".", "-")
        for step in steps
    }
    machines = cloud.order(*names.values())
    prove.well(*machines)
    if act.is_off:
        for machine in machines:
            power.operate(by=owner, machine=machine, verb=Verb.STOP)
        cloud.wait_until_over(machines)
    plans = [
        cloud.plan(act.struck.format(name=name), act.recipe.name, step, where, probe.DIE)
        for step, name in names.items()
    ]
    for machine in machines:
        act.ask(owner, Machine.objects.get(pk=machine.pk))
    involved = list(Machine.objects.filter(name__startswith=f"{act.recipe.name}".replace(".", "-")))
    involved = [machine for machine in involved if machine.state != MachineState.DELETED]
    cloud.wait_until_over(involved)
    assert [str(plan) for plan in plans if not plan.struck] == []
    assert [flaw for machine in involved for flaw in flaws(machine, act)] == []
    prove.nothing_wrong()
    struck = [Machine.objects.get(name=act.struck.format(name=name)) for name in names.values()]
    for step, machine in zip(steps, struck, strict=True):
        prove.note(f"{GROUP} {act.title}", f"portal: {step}", machine)
    prove.gone(*involved)


def flaws(machine: Machine, act: Act) -> list[str]:
    """Return what is not as it should be of a machine, and of what it holds of the quota."""
    machine = Machine.objects.get(pk=machine.pk)
    there = VirtualMachine.objects.get(tag=str(machine.pk))
    job = machine.jobs.latest("created_at")
    drives = list(DiskDrive.objects.filter(machine=there).values_list("size_gb", flat=True))
    held = quota.used_by_subject(machine.subscription)[machine.pk]
    told = [
        ("its job", (job.recipe, job.state, job.sealed), (job.recipe, JobState.SUCCEEDED, "")),
        ("its state", machine.state, "stopped" if act.is_off else "running"),
        ("VMM's status", there.status, "PowerOff" if act.is_off else "Running"),
        ("its disks", len(drives), act.disks),
        ("its rows of disks", machine.disks.count(), act.disks),
        ("what is in the drive", machine.media is not None, act.recipe is RESCUE),
        ("its rescue", machine.rescued_at is not None, act.recipe is RESCUE),
        ("what it holds", held["storage_gb"], sum(drives)),
        ("what it is", (held["cores"], held["memory_mb"]), (there.cores, there.memory_mb)),
    ]
    return [
        f"{machine}: {what} {it!r}, not {should!r}" for what, it, should in told if it != should
    ]
