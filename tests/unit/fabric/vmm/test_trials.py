"""Testing whether a template deploys, and how long it is expected to take."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import actions, expected
from fabric.vmm.errors import Denied, Invalid, WrongState
from fabric.vmm.models import AddressLease, Job, VirtualMachine
from tests.factories.vmm import ADMINISTRATOR, deploy, finish, left_on_rack, make_fabric
from tests.unit.fabric.vmm import books


def run(trial: Job) -> Job:
    """Advance a trial, and whatever it asks for, to the end."""
    for _ in range(10):
        finish_turn(trial)
        for job in Job.objects.filter(state__in=("waiting", "running")).exclude(pk=trial.pk):
            finish(job)
        if trial.is_final:
            return trial
    raise AssertionError(trial.message)


def finish_turn(job: Job) -> None:
    try:
        finish(job, turns=1)
    except AssertionError:
        job.refresh_from_db()


def begin(fabric, **wanted) -> Job:
    values = {"template": fabric.template, "cloud": fabric.cloud, "network": fabric.network}
    return actions.trials.begin(ADMINISTRATOR, **values | wanted)


def test_a_trial_deploys_measures_and_leaves_nothing(fabric):
    job = run(begin(fabric))
    assert (job.state, job.fault) == ("succeeded", None)
    assert (job.target_type, job.target_name) == ("VMTemplate", fabric.template.name)
    report = job.memo["report"]
    assert [step["state"] for step in report["steps"]] == ["done"] * len(report["steps"])
    assert all(step["seconds"] is not None for step in report["steps"])
    assert report["host"] in {host.name for host in fabric.hosts}
    assert not VirtualMachine.objects.exists()
    assert left_on_rack(fabric) == ([], [])
    assert not AddressLease.objects.filter(rests_until=None).exists()
    books.assert_true()


def test_a_trial_that_fails_says_why_and_leaves_nothing(fabric):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_power", "fail", detail="No boot.")
    job = run(begin(fabric))
    assert job.state == "failed"
    assert job.message == "The test failed at “Start the machine”: No boot."
    assert job.memo["report"]["problem"] == "No boot."
    assert not VirtualMachine.objects.exists()
    assert left_on_rack(fabric) == ([], [])
    with pytest.raises(WrongState, match="The test is over"):
        actions.jobs.restart(ADMINISTRATOR, job)


def test_a_trial_whose_machine_cannot_be_removed_names_it(fabric):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_removed", "fail", 20)
    job = run(begin(fabric))
    assert job.fault["code"] == "left_over"
    assert VirtualMachine.objects.get().name in job.fault["advice"]


def test_only_those_who_run_the_fabric_test_what_fits(fabric, alice):
    with pytest.raises(Denied):
        actions.trials.begin(alice, template=fabric.template, cloud=fabric.cloud)
    other = make_fabric()
    with pytest.raises(Invalid, match="another VMM server"):
        begin(fabric, template=other.template)
    with pytest.raises(Invalid, match="front is not in the cloud Gold"):
        begin(fabric, network=other.network)


def test_a_trial_that_was_not_begun_is_cancelled(fabric):
    job = begin(fabric)
    actions.jobs.cancel(ADMINISTRATOR, job)
    assert finish(job).state == "cancelled"
    assert not VirtualMachine.objects.exists()


def test_expected_times_are_those_of_the_latest_deployments(fabric, alice):
    assert expected.of(fabric.template, "simulated") is None
    for number in range(10):
        machine = deploy(fabric, alice, f"web-{number}")
        end = timezone.now()
        Job.objects.filter(subject=machine.pk).update(
            started_at=end - timedelta(seconds=number + 1), ended_at=end
        )
    assert expected.of(fabric.template, "simulated") == (5.0, 9.0)
    assert expected.of(fabric.template, "qemu") is None


def test_one_that_is_made_and_left_off_does_not_count(fabric, alice):
    deploy(fabric, alice, start=False)
    assert expected.of(fabric.template, "simulated") is None
