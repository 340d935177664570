"""Size, names and the rest of a machine: what is asked for, held to the quota, and read back."""

from __future__ import annotations

import pytest

from fabric.actions import configuring, machines
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import settling
from fabric.models import Machine, Template
from fabric.providers.errors import Rejected
from fabric.states import MachineState
from plans.actions import quota
from plans.errors import QuotaExceeded
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Operation, Phase


def configure(alice, machine, work, **values):
    """Ask for it, have it done, return the machine as it is then."""
    job = configuring.configure(by=alice, machine=machine, **values)
    work()
    machine.refresh_from_db()
    if job is not None:
        job.refresh_from_db()
    return job


def test_name_and_description_change_here_and_there(running, alice, work, fake):
    job = configure(alice, running, work, name="front-01", description="The shop")
    assert job.state == JobState.SUCCEEDED
    there = fake.held[running.remote_id]
    assert (running.name, running.description) == (there.name, there.description)
    assert running.name == "front-01"
    assert running.state == MachineState.RUNNING


def test_a_name_that_is_taken_is_refused_at_once(running, order, alice, work):
    order("db-01", key="k2")
    with pytest.raises(Conflicting) as refused:
        configuring.configure(by=alice, machine=running, name="DB-01")
    assert refused.value.field == "name"


def test_a_rename_that_fails_leaves_the_old_name(running, alice, work, fake):
    fake.plan("change", "fail")
    job = configure(alice, running, work, name="front-01")
    assert job.state == JobState.FAILED
    assert running.name == "web-01"


def test_nothing_to_change_is_no_job(running, alice):
    assert configuring.configure(by=alice, machine=running, name=running.name) is None


def test_growing_is_reserved_first_and_counted_once(stopped, alice, work, fake, exact):
    configuring.configure(by=alice, machine=stopped, cores=4, memory_mb=4096)
    assert quota.used(stopped.subscription)["cores"] == 4, "reserved before anything is asked for"
    assert fake.held[stopped.remote_id].cores == 1
    work()
    stopped.refresh_from_db()
    assert (stopped.cores, stopped.memory_mb, stopped.state) == (4, 4096, MachineState.STOPPED)
    assert exact()["cores"] == 4


def test_growing_past_the_limit_is_refused_and_leaves_nothing(stopped, alice, exact):
    with pytest.raises(QuotaExceeded):
        configuring.configure(by=alice, machine=stopped, cores=9)
    stopped.refresh_from_db()
    assert stopped.state == MachineState.STOPPED
    assert exact()["cores"] == 1


def test_growing_that_fails_gives_back_what_was_reserved(stopped, alice, work, fake, exact):
    fake.plan("change", "fail")
    job = configure(alice, stopped, work, cores=4)
    assert job.state == JobState.FAILED
    assert stopped.state == MachineState.STOPPED
    assert exact()["cores"] == 1


def test_growing_that_is_refused_there_gives_back(stopped, alice, work, fake, exact):
    fake.plan("change", Rejected("The capability profile allows 2."))
    job = configure(alice, stopped, work, cores=4)
    assert "capability profile" in job.fault["message"]
    assert exact()["cores"] == 1


def test_growing_of_which_nobody_knows_keeps_its_reservation(stopped, alice, work, fake, exact):
    fake.plan("change", "lose_reply")
    fake.plan("change", "unreachable", times=5)
    job = configure(alice, stopped, work, cores=4)
    assert job.state == JobState.FAILED
    assert quota.used(stopped.subscription)["cores"] == 4
    assert settling.sweep() == 1
    assert exact()["cores"] == 4, "the cloud had done it"
    fake.plan("change", "unreachable", times=6)
    configure(alice, stopped, work, cores=6)
    assert quota.used(stopped.subscription)["cores"] == 6
    assert settling.sweep() == 1
    assert exact()["cores"] == 4, "the cloud had not"


def test_shrinking_gives_back_when_the_cloud_has_let_go(stopped, alice, work, exact):
    configure(alice, stopped, work, cores=4, memory_mb=4096)
    configuring.configure(by=alice, machine=stopped, cores=2, memory_mb=1024)
    assert quota.used(stopped.subscription)["cores"] == 4
    work()
    assert exact() == {"machines": 1, "cores": 2, "memory_mb": 1024, "storage_gb": 10}


def test_one_value_grows_while_the_other_shrinks(stopped, alice, work, exact):
    configure(alice, stopped, work, memory_mb=4096)
    configure(alice, stopped, work, cores=3, memory_mb=1024)
    assert exact() == {"machines": 1, "cores": 3, "memory_mb": 1024, "storage_gb": 10}


def test_a_failed_growth_can_be_resumed_and_is_reserved_again(stopped, alice, work, fake, exact):
    fake.plan("change", "fail")
    configure(alice, stopped, work, cores=4)
    machines.resume(by=alice, machine=stopped)
    assert quota.used(stopped.subscription)["cores"] == 4
    work()
    assert exact()["cores"] == 4


def test_growth_given_back_is_reserved_again_whatever_else_was_seen(
    stopped, alice, work, fake, exact
):
    """Somebody changed it over there after the failure, so that it is to be counted anew."""
    fake.plan("change", "fail")
    configure(alice, stopped, work, cores=4)
    assert exact()["cores"] == 1
    settling.leave_open(stopped.pk)
    machines.resume(by=alice, machine=stopped)
    assert quota.used(stopped.subscription)["cores"] == 4
    work()
    assert exact()["cores"] == 4


def test_a_running_machine_says_that_it_has_to_stop(running, alice):
    with pytest.raises(NotPossible, match="while it is off") as refused:
        configuring.configure(by=alice, machine=running, cores=2)
    assert refused.value.field == "cores"


def test_the_template_says_how_much_it_may_be(stopped, alice):
    Template.objects.update(max_cores=2, min_memory_mb=1024)
    for field, value in (("cores", 3), ("memory_mb", 512), ("cores", 0)):
        with pytest.raises(Refused) as refused:
            configuring.configure(by=alice, machine=stopped, **{field: value})
        assert refused.value.field == field


def test_a_template_in_one_size_stays_in_it(stopped, alice, plan, order):
    plan.offering.fixed_templates.add(stopped.template)
    with pytest.raises(NotPermitted, match="one size"):
        configuring.configure(by=alice, machine=stopped, cores=2)
    with pytest.raises(NotPermitted, match="one size"):
        order("web-02", key="k2", cores=2)
    assert order("web-03", key="k3").cores == 1


def test_tags_are_written_in_one_way(running, alice):
    configuring.tag(by=alice, machine=running, tags=["  Shop ", "prod", "PROD", "", "team: a"])
    running.refresh_from_db()
    assert running.tags == ["prod", "shop", "team: a"]
    assert list(Machine.objects.filter(tags__contains=["shop"])) == [running]


@pytest.mark.parametrize("tags", [["x" * 41], [f"t{n}" for n in range(21)], ["<b>"], ["a\x00b"]])
def test_tags_have_bounds(running, alice, tags):
    with pytest.raises(Refused) as refused:
        configuring.tag(by=alice, machine=running, tags=tags)
    assert refused.value.field == "tags"


def test_a_protected_machine_is_not_deleted(running, alice, work, fake):
    configuring.protect(by=alice, machine=running, on=True)
    with pytest.raises(NotPossible, match="protected"):
        machines.delete(by=alice, machine=running)
    configuring.protect(by=alice, machine=running, on=False)
    machines.delete(by=alice, machine=running)
    work()
    assert fake.held == {}


def test_the_log_tells_what_was_and_what_is_wanted(stopped, alice, work):
    configure(alice, stopped, work, cores=2, name="db-01")
    entry = Operation.objects.get(action="machine.configure", phase=Phase.SUCCEEDED)
    assert entry.parameters == {
        "name": "db-01",
        "cores": 2,
        "before": {"name": "web-01", "cores": 1},
    }
