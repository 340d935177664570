"""From a request to a running machine, and every way in which a host can get in between."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.durable import engine
from fabric.hypervisors.base import Power
from fabric.hypervisors.simulated import clear_faults, journal, plan_fault
from fabric.vmm import actions
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import Conflict, Invalid, NotFound, WrongState
from fabric.vmm.jobs import DEPLOY, RECIPES
from fabric.vmm.models import AddressLease, Host, Job, NetworkAdapter, VirtualMachine
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    Killed,
    acting_for,
    deploy,
    driver,
    finish,
    kill_at,
    left_on_rack,
    make_fabric,
    make_role,
    order,
)

STEPS_ON_THE_HOST = {
    "ensure_disk": "ensure_disks",
    "ensure_defined": "ensure_defined",
    "ensure_adapter": "ensure_adapters",
    "ensure_power": "ensure_running",
    "ensure_guest_setup": "ensure_guest_setup",
}


def only_host(machine: VirtualMachine) -> Host:
    machine.refresh_from_db()
    assert machine.host is not None
    return machine.host


def test_a_machine_is_deployed_and_runs(fabric, alice):
    machine, job = order(
        fabric, alice, cores=2, memory_mb=2048, local_admin_password=PASSWORD, tag="ours"
    )
    assert (machine.status, machine.status_string) == ("UnderCreation", "Creating...")
    assert machine.most_recent_job_id == job.pk
    assert (machine.role, machine.owner_name) == (alice.role, "alice@example.net")

    finish(job)

    machine.refresh_from_db()
    assert (job.state, job.percent) == ("succeeded", 100)
    assert [step["state"] for step in job.steps] == ["done"] * 8
    assert (machine.status, machine.machine_state) == ("Running", "Running")
    guest = driver(only_host(machine)).guest(machine.pk)
    assert guest is not None
    assert guest.hypervisor_id == machine.hypervisor_id != machine.pk
    assert (guest.cores, guest.memory_mb, guest.power) == (2, 2048, Power.RUNNING)
    adapter = machine.adapters.get()
    # .1 is the gateway.
    assert adapter.addresses == ["10.20.0.2"] == list(guest.addresses)
    assert [attached.mac for attached in guest.adapters] == [adapter.mac]
    assert driver(only_host(machine)).accepts_login(machine.pk, "root", PASSWORD)


def test_a_deployment_is_cheap(fabric, alice):
    _, job = order(fabric, alice, local_admin_password=PASSWORD)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        engine.advance(Job, RECIPES, job.pk)
    job.refresh_from_db()
    assert job.state == "succeeded"
    assert len(queries) <= 38


def test_the_password_is_nowhere_once_it_was_used(fabric, alice):
    _, job = order(fabric, alice, local_admin_password=PASSWORD)
    assert PASSWORD not in everything_written()
    assert job.sealed
    finish(job)
    assert job.sealed == ""
    assert PASSWORD not in everything_written()


def test_a_failed_deployment_keeps_the_password_sealed_until_removed(fabric, alice):
    machine, job = order(fabric, alice, local_admin_password=PASSWORD)
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_power", "fail")
    finish(job)
    assert job.sealed
    assert PASSWORD not in everything_written()
    finish(actions.machines.remove(alice, machine))
    job.refresh_from_db()
    assert job.sealed == ""


def everything_written() -> str:
    rows = [json.dumps(list(Job.objects.values()), default=str)]
    rows.append(json.dumps(list(VirtualMachine.objects.values()), default=str))
    return "".join(rows)


def test_a_machine_may_be_left_off_and_is_set_up_all_the_same(fabric, alice):
    machine = deploy(fabric, alice, start=False, local_admin_password=PASSWORD)
    assert machine.status == "PowerOff"
    assert driver(only_host(machine)).accepts_login(machine.pk, "root", PASSWORD)
    bare = deploy(fabric, alice, "bare", start=False)
    assert bare.status == "PowerOff"
    assert ("ensure_power", str(bare.pk)) not in journal(
        settings.SIMULATED_RACK, only_host(bare).name
    )


def test_hosts_that_take_time_are_asked_again(fabric, alice, settings):
    settings.SIMULATED_SCALE = 0.02
    _, job = order(fabric, alice, local_admin_password=PASSWORD)
    after = engine.advance(Job, RECIPES, job.pk)
    job.refresh_from_db()
    assert after is not None
    assert (job.state, job.step) == ("running", "ensure_disks")
    assert 0 < job.percent < 50
    finish(job, turns=4000)
    assert job.state == "succeeded"


@pytest.mark.parametrize("kind", ["lose_reply", "unreachable"])
@pytest.mark.parametrize("verb", STEPS_ON_THE_HOST)
def test_a_step_is_repeated_without_making_anything_twice(fabric, alice, verb, kind):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, verb, kind, times=2)
    machine = deploy(fabric, alice, local_admin_password=PASSWORD)
    assert machine.status == "Running"
    effects = journal(settings.SIMULATED_RACK, only_host(machine).name)
    assert sorted(verb for verb, _ in effects) == sorted(STEPS_ON_THE_HOST)
    assert AddressLease.objects.count() == 1


@pytest.mark.parametrize("where", ["before", "between", "after"])
@pytest.mark.parametrize("step", [step.name for step in DEPLOY.steps])
def test_a_worker_may_die_anywhere(fabric, alice, settings, step, where):
    settings.JOB_PROBE = "tests.factories.vmm.probe"
    kill_at.add((step, where))
    machine, job = order(fabric, alice, local_admin_password=PASSWORD)
    with pytest.raises(Killed):
        engine.advance(Job, RECIPES, job.pk)
    Job.objects.update(claimed_until=None)
    finish(job)
    machine.refresh_from_db()
    assert (job.state, machine.status) == ("succeeded", "Running")
    effects = journal(settings.SIMULATED_RACK, only_host(machine).name)
    assert sorted(verb for verb, _ in effects) == sorted(STEPS_ON_THE_HOST)
    assert AddressLease.objects.count() == 1
    assert sorted(host.used_memory_mb for host in Host.objects.all()) == [0, 1024]
    assert driver(only_host(machine)).accepts_login(machine.pk, "root", PASSWORD)


@pytest.mark.parametrize("verb", STEPS_ON_THE_HOST)
def test_a_failed_deployment_stays_and_is_resumed_from_its_step(fabric, alice, verb):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, verb, "fail", detail="No, says the host.")
    machine, job = order(fabric, alice, local_admin_password=PASSWORD)
    finish(job)
    machine.refresh_from_db()
    assert (machine.status, machine.status_string) == ("CreationFailed", "Creation Failed")
    assert machine.failed_job_id == job.pk
    assert machine.deployment_error["message"] == "No, says the host."
    assert machine.deployment_error["step"] == STEPS_ON_THE_HOST[verb]
    assert machine.deployment_error["advice"]
    assert only_host(machine).used_memory_mb == 1024

    again = actions.machines.operate(alice, machine, "Repair", retry=True)
    machine.refresh_from_db()
    assert again.pk == job.pk
    assert (machine.status, again.step) == ("UnderCreation", STEPS_ON_THE_HOST[verb])
    finish(again)
    machine.refresh_from_db()
    assert (machine.status, machine.deployment_error) == ("Running", None)
    assert machine.failed_job_id is None
    assert driver(only_host(machine)).accepts_login(machine.pk, "root", PASSWORD)


def test_a_host_that_lied_is_found_out_and_the_machine_made_again(fabric, alice):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "ensure_defined", "lie")
    machine, job = order(fabric, alice)
    finish(job)
    assert (job.state, job.step) == ("failed", "ensure_adapters")
    finish(actions.jobs.restart(alice, job))
    machine.refresh_from_db()
    guest = driver(only_host(machine)).guest(machine.pk)
    assert guest is not None
    assert (machine.status, machine.hypervisor_id) == ("Running", guest.hypervisor_id)


def test_a_host_that_vanished_fails_the_job_which_can_be_resumed_when_it_is_back(fabric, alice):
    for host in fabric.hosts:
        plan_fault(settings.SIMULATED_RACK, host.name, "*", "vanish")
    machine, job = order(fabric, alice)
    finish(job)
    assert job.fault["code"] == "unreachable"
    clear_faults(settings.SIMULATED_RACK)
    finish(actions.jobs.restart(alice, job))
    machine.refresh_from_db()
    assert machine.status == "Running"


def test_a_tenant_is_not_told_which_host_it_was(fabric, alice):
    _, job = order(fabric, alice)
    for host in fabric.hosts:
        plan_fault(
            settings.SIMULATED_RACK,
            host.name,
            "ensure_disk",
            "fail",
            detail=f"Storage of host {host.name} is full.",
        )
    finish(job)
    assert job.message == "Storage of the host is full."
    assert job.steps[2]["host"] in {host.name for host in fabric.hosts}
    shown = json.dumps([job.title, job.message, job.fault, [s["message"] for s in job.steps[:3]]])
    assert "example.net" not in shown


def test_the_same_request_key_is_the_same_machine(fabric, alice, charlie):
    first, job = order(fabric, alice, request_key="order-1")
    second, same = order(fabric, alice, request_key="order-1")
    assert (second.pk, same.pk) == (first.pk, job.pk)
    finish(job)
    third, same = order(fabric, alice, request_key="order-1")
    assert (third.pk, same.pk, third.status) == (first.pk, job.pk, "Running")
    with pytest.raises(Conflict, match="request key"):
        order(fabric, charlie, request_key="order-1")
    assert VirtualMachine.objects.count() == 1


def test_a_creation_can_be_cancelled_and_is_then_removed(fabric, alice):
    machine, job = order(fabric, alice)
    actions.jobs.cancel(alice, job)
    finish(job)
    machine.refresh_from_db()
    assert (job.state, machine.status) == ("cancelled", "CreationFailed")
    with pytest.raises(WrongState):
        actions.machines.operate(alice, machine, "Repair", retry=True)
    finish(actions.machines.remove(alice, machine))
    assert not VirtualMachine.objects.exists()


def test_without_a_fitting_host_the_job_says_what_lacks(db, vault):
    fabric = make_fabric(hosts=2, memory_mb=4096)
    alice = acting_for(make_role(fabric))
    machine, job = order(fabric, alice, memory_mb=8192)
    finish(job)
    machine.refresh_from_db()
    assert job.fault["code"] == "no_suitable_host"
    assert "8192 MB of memory are wanted and at most 4096 are free" in job.message
    assert machine.host is None
    actions.hosts.add(
        ADMINISTRATOR,
        fabric.server,
        group=fabric.group,
        name="big.example.net",
        cores=16,
        memory_mb=16_384,
        storage_gb=500,
    )
    finish(actions.machines.operate(alice, machine, "Repair", retry=True))
    assert only_host(machine).name == "big.example.net"


def test_machines_go_where_most_memory_is_free(fabric, alice):
    names = [only_host(deploy(fabric, alice, f"web-{i}")).name for i in range(4)]
    first, second = (host.name for host in fabric.hosts)
    assert names == [first, second, first, second]
    actions.hosts.set_maintenance(ADMINISTRATOR, fabric.hosts[0], is_in_maintenance=True)
    assert only_host(deploy(fabric, alice, "web-9")).name == second


def test_a_pool_that_is_used_up_fails_the_job_and_an_address_freed_is_found(db, vault):
    fabric = make_fabric(cidr="10.9.0.0/29")
    alice = acting_for(make_role(fabric))
    machines = [deploy(fabric, alice, f"web-{i}") for i in range(6)]
    addresses = [m.adapters.get().addresses for m in machines]
    assert addresses[:5] == [[f"10.9.0.{n}"] for n in range(2, 7)]
    assert addresses[5] == []
    assert machines[5].deployment_error["code"] == "no_free_address"
    finish(actions.machines.operate(alice, machines[2], "Stop"))
    finish(actions.machines.remove(alice, machines[2]))
    finish(actions.machines.operate(alice, machines[5], "Repair", retry=True))
    assert machines[5].adapters.get().addresses == []
    AddressLease.objects.filter(adapter=None).update(rests_until=timezone.now())
    finish(actions.machines.operate(alice, machines[5], "Repair", retry=True))
    assert machines[5].adapters.get().addresses == ["10.9.0.4"]


def test_adapters_follow_the_template_and_what_was_asked(fabric, alice):
    lone = deploy(fabric, alice, "lone", adapters=[])
    assert [a.network for a in lone.adapters.all()] == [None]
    two = [
        NewAdapter(network_name="front"),
        NewAdapter(network_name="front", mac="02-00-00-00-00-0a"),
    ]
    pair = deploy(fabric, alice, "pair", adapters=two)
    adapters = list(pair.adapters.order_by("slot"))
    assert len({a.addresses[0] for a in adapters}) == 2
    assert adapters[1].mac == "02:00:00:00:00:0A"
    assert NetworkAdapter.objects.filter(network=None).count() == 1
    with pytest.raises(Conflict, match="in use"):
        order(fabric, alice, adapters=two)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"name": " "}, "name"),
        ({"name": "a/b"}, "name"),
        ({"cores": 0}, "processors"),
        ({"memory_mb": 5}, "memory"),
        ({"adapters": [NewAdapter(network_name="back")]}, "'back'"),
        ({"adapters": [NewAdapter(mac="nonsense")]}, "MAC"),
        ({"computer_name": "under_score"}, "computer name"),
    ],
)
def test_a_senseless_value_is_named(fabric, alice, wanted, names):
    with pytest.raises(Invalid, match=names):
        order(fabric, alice, **{"name": "web-01", **wanted})
    assert not VirtualMachine.objects.exists()


def test_windows_allows_short_computer_names_only(fabric, alice):
    fabric.template.os_type = "Windows"
    fabric.template.save()
    machine = deploy(fabric, alice, "a name longer than fifteen characters")
    assert machine.computer_name == "a-name-longer-t"
    with pytest.raises(Invalid, match="15"):
        order(fabric, alice, computer_name="longer-than-fifteen")


def test_an_administrator_may_give_a_machine_to_a_role(fabric, alice):
    machine = deploy(fabric, ADMINISTRATOR, owner_role=alice.role)
    assert (machine.role, machine.owner_name) == (alice.role, "olga")
    ownerless = deploy(fabric, ADMINISTRATOR, "infra")
    assert ownerless.role is None


def test_nothing_is_made_of_what_was_not_granted(fabric, alice):
    other = make_fabric()
    for strange in ({"template_id": other.template.pk}, {"cloud_id": other.cloud.pk}):
        with pytest.raises(NotFound):
            order(fabric, alice, **strange)
    with pytest.raises(Invalid):
        order(fabric, alice, adapters=[NewAdapter(network_id=other.network.pk)])
    assert left_on_rack(fabric) == ([], [])
