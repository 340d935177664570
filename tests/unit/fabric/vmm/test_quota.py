"""Limits of roles, members and clouds: exact one by one, and exact when everybody comes at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.db.models import Sum

from fabric.durable import engine
from fabric.vmm import actions, quota
from fabric.vmm.errors import NoSuitableHost, NotFound, QuotaExceeded
from fabric.vmm.jobs import RECIPES
from fabric.vmm.models import AddressLease, Host, Job, VirtualMachine
from fabric.vmm.roles import Caller, ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    acting_for,
    deploy,
    finish,
    make_fabric,
    make_role,
    order,
)


def limited(fabric, **limits) -> Caller:
    return acting_for(make_role(fabric, **limits))


@pytest.mark.parametrize(
    ("limits", "dimension", "limit", "used", "wanted"),
    [
        ({"vm_count": 1}, "VMCount", 1, 1, 1),
        ({"cpu_count": 3}, "CpuCount", 3, 2, 2),
        ({"memory_mb": 4095}, "MemoryMB", 4095, 2048, 2048),
        ({"storage_gb": 39}, "StorageGB", 39, 20, 20),
        ({"member_vm_count": 1}, "VMCount", 1, 1, 1),
        ({"member_memory_mb": 3000}, "MemoryMB", 3000, 2048, 2048),
    ],
)
def test_a_limit_of_a_role_is_held(fabric, limits, dimension, limit, used, wanted):
    alice = limited(fabric, **limits)
    order(fabric, alice, cores=2, memory_mb=2048)
    with pytest.raises(QuotaExceeded) as refused:
        order(fabric, alice, "web-02", cores=2, memory_mb=2048)
    error = refused.value
    assert (error.dimension, error.limit, error.used, error.wanted) == (
        dimension,
        limit,
        used,
        wanted,
    )
    assert error.advice
    at_fault = {"CpuCount": "cores", "MemoryMB": "memory_mb"}
    assert error.field == at_fault.get(dimension, "")
    assert VirtualMachine.objects.count() == 1
    assert Job.objects.count() == 1


def test_the_limit_itself_may_be_reached(fabric):
    alice = limited(fabric, vm_count=2, cpu_count=2, memory_mb=2048, storage_gb=40)
    order(fabric, alice, "web-01")
    order(fabric, alice, "web-02")
    with pytest.raises(QuotaExceeded):
        order(fabric, alice, "web-03")


def test_a_member_has_limits_of_its_own(fabric):
    alice = limited(fabric, member_vm_count=1)
    order(fabric, alice)
    order(fabric, Caller(role=alice.role, principal="bob@example.net"), "web-02")


@pytest.mark.parametrize("limit", [{"machines": 1}, {"cores": 1}, {"memory_mb": 1500}])
def test_a_limit_of_a_cloud_holds_for_everybody(db, vault, limit):
    fabric = make_fabric(limits=limit)
    order(fabric, acting_for(make_role(fabric)))
    for caller in (acting_for(make_role(fabric, "bob@example.net")), ADMINISTRATOR):
        with pytest.raises(QuotaExceeded, match="Gold"):
            order(fabric, caller, "web-02")


def test_a_cloud_out_of_scope_is_not_there(fabric, alice):
    actions.userroles.change(ADMINISTRATOR, alice.role, remove_scopes=[fabric.cloud.pk])
    with pytest.raises(NotFound):
        order(fabric, alice)
    with pytest.raises(NotFound, match="scope"):
        order(fabric, ADMINISTRATOR, owner_role=alice.role)


def test_removing_a_machine_gives_its_quota_back_when_nothing_is_left(fabric):
    alice = limited(fabric, vm_count=1)
    machine = deploy(fabric, alice, start=False)
    job = actions.machines.remove(alice, machine)
    with pytest.raises(QuotaExceeded):
        order(fabric, alice, "too early")
    finish(job)
    order(fabric, alice, "web-02")


def test_another_size_counts_too(fabric):
    alice = limited(fabric, cpu_count=4, memory_mb=4096)
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(QuotaExceeded):
        actions.machines.update(alice, machine, cores=5)
    finish(actions.machines.update(alice, machine, cores=4, memory_mb=4096))
    machine.refresh_from_db()
    assert (machine.cores, machine.memory_mb, machine.host.used_memory_mb) == (4, 4096, 4096)
    finish(actions.machines.update(alice, machine, memory_mb=1024))
    assert usage_of(alice, fabric) == {
        "VMCount": (None, 1),
        "CpuCount": (4, 4),
        "MemoryMB": (4096, 1024),
        "StorageGB": (None, 20),
        "CustomQuotaCount": (None, 1),
    }


def test_a_size_the_host_has_no_room_for_is_refused(db, vault):
    fabric = make_fabric(memory_mb=4096)
    alice = limited(fabric)
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(NoSuitableHost, match="3072 MB"):
        actions.machines.update(alice, machine, memory_mb=8192)


def test_usage_and_capacity_tell_what_is_used(fabric):
    alice, bob = limited(fabric, vm_count=5), limited(fabric)
    order(fabric, alice)
    order(fabric, Caller(role=alice.role, principal="bob"), "web-02")
    order(fabric, bob, "web-03")
    counted = quota.usage(alice.role, fabric.cloud, "bob")[0]
    assert (counted.limit, counted.used, counted.member_used) == (5, 2, 1)
    assert [c.used for c in quota.capacity(fabric.cloud)] == [3, 3, 3072, 60, 3]


def usage_of(caller: Caller, fabric) -> dict[str, tuple[int | None, int]]:
    return {c.dimension: (c.limit, c.used) for c in quota.usage(caller.role, fabric.cloud)}


def at_once(jobs, workers: int = 6) -> list:
    """Call each in a thread with a connection of its own; return results or refusals."""

    def guarded(call):
        try:
            return call()
        except QuotaExceeded as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(guarded, jobs))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_orders_at_once_never_pass_the_quota(vault):
    fabric = make_fabric()
    alice = limited(fabric, vm_count=5)
    results = at_once([lambda n=n: order(fabric, alice, f"web-{n}") for n in range(12)])
    refused = [result for result in results if isinstance(result, QuotaExceeded)]
    assert (len(refused), VirtualMachine.objects.count(), Job.objects.count()) == (7, 5, 5)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_order_at_once_is_one_machine(vault):
    fabric = make_fabric()
    callers = [limited(fabric)] * 6
    results = at_once([lambda c=c: order(fabric, c, request_key="order-1") for c in callers])
    assert len({machine.pk for machine, _ in results}) == 1
    assert len({job.pk for _, job in results}) == 1
    orderless = at_once(
        [lambda: order(fabric, ADMINISTRATOR, request_key="order-2") for _ in range(6)]
    )
    assert len({machine.pk for machine, _ in orderless}) == 1
    assert Job.objects.count() == VirtualMachine.objects.count() == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_deployments_at_once_overfill_neither_host_nor_pool(vault):
    fabric = make_fabric(hosts=2, memory_mb=4096, cidr="10.9.0.0/29")
    alice = limited(fabric)
    jobs = [order(fabric, alice, f"web-{n}")[1] for n in range(10)]
    at_once([lambda job=job: engine.advance(Job, RECIPES, job.pk) for job in jobs])
    ended = list(Job.objects.values_list("state", "fault__code"))
    assert ended.count(("succeeded", None)) == 5
    assert ended.count(("failed", "no_suitable_host")) == 2
    assert ended.count(("failed", "no_free_address")) == 3
    addresses = list(AddressLease.objects.values_list("address", flat=True))
    assert len(addresses) == len(set(addresses)) == 5
    for host in Host.objects.all():
        held = host.machines.aggregate(held=Sum("memory_mb"))["held"]
        assert host.used_memory_mb == held == 4096


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_limits_lowered_meanwhile_hold_for_the_next_order(vault):
    fabric = make_fabric()
    alice = limited(fabric, vm_count=9)
    order(fabric, alice)
    actions.userroles.change(
        ADMINISTRATOR, alice.role, add_scopes=[ScopeLimits(fabric.cloud.pk, vm_count=1)]
    )
    with pytest.raises(QuotaExceeded):
        order(fabric, alice, "web-02")


def test_a_member_is_the_same_in_any_capitals(fabric):
    role = make_role(fabric, "Alice@Example.net", member_vm_count=1, member_cpu_count=9)
    order(fabric, acting_for(role, "alice@example.net"))
    with pytest.raises(QuotaExceeded, match="A member"):
        order(fabric, acting_for(role, "ALICE@example.net"), "web-02")
    assert quota.usage(role, fabric.cloud, "Alice@Example.net")[0].member_used == 1
