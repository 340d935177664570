"""Ordered groups (features D038–D047): the order, waiting, failures, the file."""

from __future__ import annotations

import pytest
from django.utils import timezone

from fabric import group_file
from fabric.actions import groups, machines, power
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs import group as running
from fabric.models import Group, Job, Machine, OnFailure
from fabric.orders import Guest, NewMachine
from fabric.states import MachineState, Verb
from tenants.errors import Conflicting, NotPermitted, Refused
from tenants.models import Operation, Phase

NAMES = ("db-01", "app-01", "web-01")


@pytest.fixture
def three(subscription, alice, work) -> list[Machine]:
    """Return three running machines."""
    template = subscription.plan.offering.templates.get()
    made = [
        machines.deploy(
            by=alice,
            subscription=subscription,
            order=NewMachine(name=name, template=template, guest=Guest(password="Canary-Guest-9")),
            request_key=name,
        )
        for name in NAMES
    ]
    work()
    for machine in made:
        machine.refresh_from_db()
        assert machine.state == MachineState.RUNNING
    return made


@pytest.fixture
def tier(subscription, three, alice) -> Group:
    return groups.create(by=alice, subscription=subscription, name="Shop", machines=three)


@pytest.fixture
def stopped(tier, alice, work) -> Group:
    """Return the group, all of it stopped."""
    groups.run(by=alice, group=tier, verb=Verb.STOP)
    work(60)
    assert states() == ["stopped"] * 3
    return tier


def states() -> list[str]:
    return list(Machine.objects.order_by("created_at").values_list("state", flat=True))


def last_run() -> Job:
    return Job.objects.filter(recipe="group.run").latest("created_at")


def acts(job: Job) -> list[str]:
    """Return the machines in the order in which they were asked for."""
    return [child.machine.name for child in job.children.order_by("created_at")]


def outcomes(job: Job) -> dict[str, str]:
    return {told["name"]: told["outcome"] for told in running.results_of(job)}


def test_D038_machines_start_in_the_order_of_the_list(stopped, alice, work):
    groups.run(by=alice, group=stopped, verb=Verb.START)
    work(60)
    job = last_run()
    assert acts(job) == list(NAMES)
    assert job.state == JobState.SUCCEEDED
    assert job.message == "3 of 3 done."
    assert states() == ["running"] * 3


def test_D040_stopping_goes_the_other_way_round(stopped):
    assert acts(last_run()) == list(reversed(NAMES))


def test_D041_the_next_machine_waits_until_the_one_before_is_there(stopped, alice, work, fake):
    fake.instant = False
    groups.run(by=alice, group=stopped, verb=Verb.START)
    for _round in range(4):
        work(2)
        assert len(acts(last_run())) == 1
    assert states() == ["updating", "stopped", "stopped"]
    assert last_run().message == "db-01 (1 of 3)"
    fake.settle()
    work(4)
    assert acts(last_run()) == ["db-01", "app-01"]


def test_D041_a_machine_that_takes_too_long_is_reported(stopped, alice, work, fake, monkeypatch):
    monkeypatch.setattr(running, "TIME_OUT", 0)
    monkeypatch.setattr(
        running.begin, "__kwdefaults__", running.begin.__kwdefaults__ | {"time_out": 0}
    )
    fake.instant = False
    groups.run(by=alice, group=stopped, verb=Verb.START)
    work(8)
    job = last_run()
    assert outcomes(job) == {"db-01": "timed_out", "app-01": "not_tried", "web-01": "not_tried"}
    assert job.state == JobState.FAILED
    assert "Not tried: app-01, web-01." in job.message


def test_D042_addresses_are_the_same_after_stop_and_start(tier, alice, work):
    before = dict(Machine.objects.values_list("name", "addresses"))
    assert all(before.values())
    for verb in (Verb.STOP, Verb.START):
        groups.run(by=alice, group=tier, verb=verb)
        work(60)
    assert dict(Machine.objects.values_list("name", "addresses")) == before
    for told in running.results_of(last_run()):
        assert told["after"] == before[told["name"]]


def test_D045_a_list_needs_a_subscription_that_is_active(tier, alice, subscription):
    type(subscription).objects.update(state="suspended")
    tier.refresh_from_db()
    with pytest.raises(NotPossible, match="not active"):
        groups.run(by=alice, group=tier, verb=Verb.START)
    assert not Job.objects.filter(recipe="group.run").exists()


def test_D046_a_failure_stops_the_run_and_resuming_tries_the_rest(stopped, alice, work, fake):
    fake.plan("operate", "fail", times=1)
    groups.run(by=alice, group=stopped, verb=Verb.START)
    work(60)
    job = last_run()
    assert job.state == JobState.FAILED
    assert outcomes(job) == {"db-01": "failed", "app-01": "not_tried", "web-01": "not_tried"}
    assert states() == ["stopped"] * 3
    groups.resume(by=alice, group=stopped)
    work(60)
    job.refresh_from_db()
    assert job.state == JobState.SUCCEEDED
    assert set(outcomes(job).values()) == {"done"}
    phases = Operation.objects.filter(object_id=str(stopped.pk), action="group.continue")
    assert set(phases.values_list("phase", flat=True)) == {Phase.STARTED, Phase.SUCCEEDED}


def test_D046_or_it_is_skipped_and_reported_at_the_end(stopped, alice, work, fake):
    groups.change(by=alice, group=stopped, name="Shop", on_failure=OnFailure.SKIP)
    fake.plan("operate", "fail", times=1)
    groups.run(by=alice, group=stopped, verb=Verb.START)
    work(60)
    job = last_run()
    assert outcomes(job) == {"db-01": "failed", "app-01": "done", "web-01": "done"}
    assert job.state == JobState.FAILED
    assert job.message.startswith("2 of 3 done. db-01: ")
    ended = Operation.objects.get(operation_id=job.operation_id, phase=Phase.FAILED)
    assert ended.message == job.message


def test_machines_that_are_there_already_are_left_alone(tier, alice, work):
    groups.run(by=alice, group=tier, verb=Verb.START)
    work(20)
    assert set(outcomes(last_run()).values()) == {"already"}
    assert acts(last_run()) == []


def test_a_busy_machine_is_waited_for(stopped, three, alice, work, fake):
    power.operate(by=alice, machine=three[0], verb=Verb.START)
    groups.run(by=alice, group=stopped, verb=Verb.START)
    work(60)
    assert outcomes(last_run()) == {"db-01": "already", "app-01": "done", "web-01": "done"}


def test_one_run_of_a_group_at_a_time(tier, alice):
    groups.run(by=alice, group=tier, verb=Verb.STOP)
    with pytest.raises(NotPossible, match="present run"):
        groups.run(by=alice, group=tier, verb=Verb.START)


def test_who_lost_their_account_on_the_way_starts_nothing_more(stopped, alice, work):
    groups.run(by=alice, group=stopped, verb=Verb.START)
    type(alice).objects.filter(pk=alice.pk).update(is_active=False)
    work(20)
    assert outcomes(last_run())["db-01"] == "failed"
    assert states() == ["stopped"] * 3


def test_it_takes_the_rights(tier, three, dora, charlie, subscription):
    for person in (dora, charlie):
        for act in (
            lambda by: groups.run(by=by, group=tier, verb=Verb.START),
            lambda by: groups.create(by=by, subscription=subscription, name="X"),
            lambda by: groups.move(by=by, group=tier, machine=three[0], up=False),
            lambda by: groups.delete(by=by, group=tier),
        ):
            with pytest.raises(NotPermitted):
                act(person)


def test_the_order_can_be_changed(tier, three, alice):
    groups.move(by=alice, group=tier, machine=three[2], up=True)
    groups.move(by=alice, group=tier, machine=three[2], up=True)
    groups.move(by=alice, group=tier, machine=three[2], up=True)
    assert [place.machine.name for place in tier.in_order()] == ["web-01", "db-01", "app-01"]
    groups.remove(by=alice, group=tier, machine=three[0])
    groups.add(by=alice, group=tier, machine=three[0])
    assert [place.machine.name for place in tier.in_order()] == ["web-01", "app-01", "db-01"]
    with pytest.raises(Conflicting):
        groups.add(by=alice, group=tier, machine=three[0])


def test_D039_the_file_makes_groups_in_its_order(three, subscription, alice):
    made = groups.import_file(
        by=alice, subscription=subscription, text="Shop;web-01\r\nShop; DB-01\n\nBack;app-01"
    )
    assert [group.name for group in made] == ["Shop", "Back"]
    assert groups.exported(made) == "Shop;web-01\nShop;db-01\nBack;app-01\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("cloud service name;vm name\nShop;web-01", "Line 1: this is a header. Leave it out."),
        ("Shop;web-01\nShop web-02", "Line 2: there is no semicolon. Write group;machine."),
        ("Shop;web-01\nShop;db-01;x", "Line 2: there is more than one semicolon."),
        ("Shop;", "Line 1: the group or the machine is missing."),
        ("Shop;web-01\nShop;WEB-01", "Line 2: WEB-01 is in Shop already, in line 1."),
        ("Shop;web-01\n\nShop;nobody", "Line 3: there is no machine “nobody” in Starter."),
        ("", "There is no line in it."),
    ],
)
def test_D039_errors_name_the_line_and_nothing_is_made(three, subscription, alice, text, problem):
    with pytest.raises(groups.FileRefused) as refused:
        groups.import_file(by=alice, subscription=subscription, text=text)
    assert any(told.startswith(problem) for told in refused.value.problems), refused.value.problems
    assert not Group.objects.exists()


def test_every_wrong_line_is_named_at_once(three, subscription, alice):
    with pytest.raises(groups.FileRefused) as refused:
        groups.import_file(by=alice, subscription=subscription, text="a\nb\nShop;web-01")
    assert len(refused.value.problems) == 2


def test_a_group_that_exists_is_replaced_only_when_wanted(tier, subscription, alice):
    text = "shop;web-01"
    with pytest.raises(groups.FileRefused, match="exists already"):
        groups.import_file(by=alice, subscription=subscription, text=text)
    groups.import_file(by=alice, subscription=subscription, text=text, replace=True)
    assert [place.machine.name for place in tier.in_order()] == ["web-01"]
    assert Group.objects.count() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_other_systems_are_read(encoding):
    assert group_file.text_of("Büro;web-01\r\n".encode(encoding)) == "Büro;web-01\r\n"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"PK\x03\x04\x00\x00", b"B\xfcro;web-01"])
def test_what_is_no_text_is_told_apart(data):
    assert group_file.text_of(data) is None


def test_a_deleted_machine_is_out_of_its_groups(tier, three):
    Machine.objects.filter(pk=three[1].pk).update(state=MachineState.DELETED)
    assert [place.machine.name for place in tier.in_order()] == ["db-01", "web-01"]


@pytest.mark.parametrize("name", ["", "a;b", "x" * 81, "two\nlines"])
def test_names_of_groups_fit_the_file(subscription, alice, name):
    with pytest.raises(Refused) as refused:
        groups.create(by=alice, subscription=subscription, name=name)
    assert refused.value.field == "name"


def test_a_run_reports_how_long_each_took(stopped):
    told = running.results_of(last_run())
    assert all(each["seconds"] >= 0 and each["outcome"] == "done" for each in told)
    assert last_run().ended_at <= timezone.now()
