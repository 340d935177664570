"""A worker hangs beyond its lease, another takes the job, and the first one wakes up late."""

from __future__ import annotations

import pytest

from fabric.models import Job
from fabric.vmm.models import Job as VMMJob
from tests.faults import probe
from tests.faults.cloud import until

pytestmark = pytest.mark.faults

GROUP = "Two workers on one job"
CASES = [
    ("worker", Job, "machine.deploy", "ensure_ordered"),
    ("worker", Job, "machine.deploy", "ensure_read_back"),
    ("vmm", VMMJob, "deploy", "ensure_disks"),
    ("vmm", VMMJob, "deploy", "ensure_guest_setup"),
]


def left_alone(cloud, process: str, job) -> None:
    """Wait until the late worker has seen that the job is another's."""
    line = f"job {job.pk}: overslept, another worker may have it"
    until(lambda: line in cloud.stack.log(process), lambda: f"the late worker to say “{line}”")


@pytest.mark.parametrize(("process", "model", "recipe", "step"), CASES)
def test_the_late_worker_writes_nothing(cloud, prove, process, model, recipe, step):
    name = f"late-{process}-{step}".replace("_", "-")
    plan = cloud.plan(name, recipe, step, "between", probe.HOLD)
    (machine,) = cloud.order(name)
    until(lambda: plan.struck, lambda: f"{process} to hang in {step}")
    cloud.wait_until_over([machine])
    job = model.objects.get(recipe=recipe, **_of(model, machine))
    before = model.objects.filter(pk=job.pk).values().get()
    plan.release()
    left_alone(cloud, process, job)
    assert model.objects.filter(pk=job.pk).values().get() == before
    prove.well(machine)
    prove.note(GROUP, f"One hangs in {recipe} {step}, wakes after the other's end", machine)
    prove.gone(machine)


@pytest.mark.parametrize(("process", "model", "recipe", "step"), CASES)
def test_a_worker_that_wakes_after_the_removal_makes_nothing(
    cloud, prove, process, model, recipe, step
):
    """It stood before a step all the while: taken now, the machine would be made once more."""
    name = f"undead-{process}-{step}".replace("_", "-")
    plan = cloud.plan(name, recipe, step, "before", probe.HOLD)
    (machine,) = cloud.order(name)
    until(lambda: plan.struck, lambda: f"{process} to hang before {step}")
    prove.well(machine)
    job = model.objects.get(recipe=recipe, **_of(model, machine))
    prove.gone(machine)
    plan.release()
    left_alone(cloud, process, job)
    prove.nothing_left(machine)
    prove.note(
        GROUP,
        f"One hangs before {recipe} {step}, wakes after the removal",
        machine,
        "nothing is left",
    )


def _of(model, machine) -> dict:
    return {"machine": machine} if model is Job else {"target_name": machine.name}
