"""SIGKILL of the worker at every step boundary, of a deployment and of a removal."""

from __future__ import annotations

from itertools import chain

import pytest

from fabric.durable.recipe import Recipe
from fabric.jobs.deploy import DEPLOY
from fabric.jobs.remove import REMOVE
from fabric.vmm.jobs import OPERATIONS
from fabric.vmm.jobs import REMOVE as VMM_REMOVE
from fabric.vmm.jobs.deploy import DEPLOY as VMM_DEPLOY
from tests.faults import probe

pytestmark = pytest.mark.faults

PORTAL, VMM = "portal", "VMM"
DEPLOYMENT = ((PORTAL, DEPLOY), (VMM, VMM_DEPLOY))
REMOVAL = ((PORTAL, REMOVE), (VMM, OPERATIONS["Stop"].recipe), (VMM, VMM_REMOVE))
WORDS = {"before": "before", "between": "in", "after": "after"}
WHERE = tuple(WORDS)
GROUP = "The worker is killed before, in and after a step of"


def boundaries(recipes: tuple[tuple[str, Recipe], ...]) -> list[tuple[str, str, str]]:
    return [(plane, recipe.name, step.name) for plane, recipe in recipes for step in recipe.steps]


def name(*words: str) -> str:
    return "-".join(words).replace("_", "-").replace(".", "-").lower()


@pytest.mark.parametrize("where", WHERE)
def test_deploying_survives_a_killed_worker_at_every_step(cloud, prove, where):
    """One machine a boundary, all at once; `between` is after the far side did it, unrecorded."""
    plans = {
        (plane, step): cloud.plan(name(plane, recipe, step, where), recipe, step, where, probe.DIE)
        for plane, recipe, step in boundaries(DEPLOYMENT)
    }
    machines = cloud.order(*(plan.machine for plan in plans.values()))
    prove.well(*machines)
    assert [str(plan) for plan in plans.values() if not plan.struck] == []
    for (plane, step), machine in zip(plans, machines, strict=True):
        prove.note(f"{GROUP} a deployment", f"{plane}: {step}", machine)
    prove.gone(*machines)


@pytest.mark.parametrize("where", WHERE)
def test_removing_survives_a_killed_worker_at_every_step(cloud, prove, where):
    wanted = boundaries(REMOVAL)
    names = [name("rm", plane, recipe, step, where) for plane, recipe, step in wanted]
    machines = cloud.order(*names)
    cloud.wait_until_over(machines)
    plans = [
        cloud.plan(machine, recipe, step, where, probe.DIE)
        for machine, (_, recipe, step) in zip(names, wanted, strict=True)
    ]
    prove.gone(*machines)
    assert [str(plan) for plan in plans if not plan.struck] == []
    for (plane, _, step), machine in zip(wanted, machines, strict=True):
        prove.note(f"{GROUP} a removal", f"{plane}: {step}", machine, "nothing is left")


@pytest.mark.parametrize(
    ("where", "portal_step", "vmm_step"),
    [
        ("before", "ensure_read_back", "ensure_addresses"),
        ("between", "ensure_ordered", "ensure_defined"),
        ("after", "wait_until_deployed", "ensure_guest_setup"),
    ],
)
def test_the_whole_worker_dies_with_all_it_had_fetched(cloud, prove, where, portal_step, vmm_step):
    """Parent and children at once, others' jobs in their hands; somebody starts it again."""
    ours = cloud.plan(f"all-portal-{where}", DEPLOY.name, portal_step, where, probe.DIE_ALL)
    theirs = cloud.plan(f"all-vmm-{where}", VMM_DEPLOY.name, vmm_step, where, probe.DIE_ALL)
    beside = [f"beside-{where}-{n}" for n in range(4)]
    machines = cloud.order(ours.machine, theirs.machine, *beside)
    cloud.keep_up("vmm", "worker")
    prove.well(*machines)
    assert ours.struck
    assert theirs.struck
    group = "All processes of a worker are killed at once"
    for plane, plan, machine in ((PORTAL, ours, machines[0]), (VMM, theirs, machines[1])):
        prove.note(group, f"{plane}: {WORDS[where]} {plan.step}", machine)
    prove.gone(*machines)


def test_every_boundary_is_named_once():
    """A recipe that grows a step is killed there too; names would tell if two were alike."""
    names = [name(*words) for words in chain(boundaries(DEPLOYMENT), boundaries(REMOVAL))]
    assert len(names) == len(set(names)) == 24
