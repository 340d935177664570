"""Roles inside a tenant's: what members with less see, may do and use up, whoever calls."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from fabric.providers import changes
from fabric.providers.abilities import MEMBER_ROLES
from fabric.providers.base import MemberRole, TenantOrder
from fabric.providers.errors import Forbidden, Missing, ProviderFault, Rejected, Throttled
from tests.contract.provider.benches import BOB, PERMISSIONS, Bench
from tests.contract.provider.conftest import params

pytestmark = pytest.mark.parametrize("bench", params("fake", "spf"), indirect=True)


@pytest.fixture
def order(bench: Bench) -> TenantOrder:
    """A tenant's role with a machine of its own."""
    bench.needs(MEMBER_ROLES)
    order = bench.tenant_order()
    bench.provider.ensure_tenant(order)
    return order


@pytest.fixture
def machine(bench: Bench, order: TenantOrder) -> UUID:
    _, id = bench.deploy(order.id)
    return id


def member(*machines: UUID, **fields) -> MemberRole:
    id = uuid4()
    values = {
        "id": id,
        "name": f"{BOB}_{id}",
        "email": BOB,
        "permissions": PERMISSIONS,
        "machines": machines,
    }
    return MemberRole(**(values | fields))


def admit(bench: Bench, order: TenantOrder, *members: MemberRole) -> None:
    """Have these roles and no others inside the tenant's, however often it takes."""
    for _ in range(3):
        try:
            bench.provider.ensure_tenant(replace(order, members=members))
        except Throttled:
            bench.settle()
        else:
            return
    raise AssertionError("The roles are never as ordered.")


def sees(bench: Bench, role: UUID, machine: UUID) -> bool:
    """Whether a role can have anything done to a machine; asked in a way that changes nothing."""
    try:
        bench.ask(changes.Configure(machine, description="first web server"), role)
    except Missing:
        return False
    bench.settle()
    return True


def test_a_member_sees_chosen_machines_alone(bench, order, machine):
    _, other = bench.deploy(order.id, name="db-01")
    bob = member(machine)
    admit(bench, order, bob)
    assert sees(bench, bob.id, machine)
    assert not sees(bench, bob.id, other)
    bench.operate(machine, "Stop", bob.id)
    assert bench.status(machine) == "PowerOff"


def test_who_may_see_a_machine_follows_the_order(bench, order, machine):
    bob, carol = member(), member(machine)
    admit(bench, order, bob, carol)
    assert [sees(bench, each.id, machine) for each in (bob, carol)] == [False, True]
    bob, carol = replace(bob, machines=(machine,)), replace(carol, machines=())
    admit(bench, order, bob, carol)
    assert [sees(bench, each.id, machine) for each in (bob, carol)] == [True, False]
    admit(bench, order, replace(bob, machines=()), carol)
    assert not sees(bench, bob.id, machine)


def test_one_with_all_machines_sees_also_what_others_make(bench, order, machine):
    bob, carol = member(machines=None), member()
    admit(bench, order, bob, carol)
    _, made = bench.deploy(carol.id, name="db-01")
    assert [sees(bench, bob.id, each) for each in (machine, made)] == [True, True]
    assert [sees(bench, carol.id, each) for each in (machine, made)] == [False, True]
    assert sees(bench, order.id, made)


def test_a_member_may_what_the_role_says_and_the_tenant_may(bench, order, machine):
    bob = member(machine, permissions=("Start", "Stop", "Shutdown", "MigrateVM"))
    admit(bench, order, bob)
    bench.operate(machine, "Stop", bob.id)
    with pytest.raises(Forbidden):
        bench.ask(changes.MakeCheckpoint(machine, "before", frozenset()), bob.id)
    with pytest.raises(Forbidden):
        bench.deploy(bob.id, name="mine")
    fewer = tuple(name for name in order.permissions if name != "Start")
    admit(bench, replace(order, permissions=fewer), bob)
    with pytest.raises(Forbidden):
        bench.operate(machine, "Start", bob.id)


def test_a_members_part_counts_within_the_tenants(bench, order, machine):
    bob = member(limits={"machines": 1, "cores": None, "memory_mb": None, "storage_gb": None})
    admit(bench, order, bob)
    bench.deploy(bob.id, name="bobs", cores=1)
    with pytest.raises(Rejected):
        bench.deploy(bob.id, name="too-many", cores=1)
    # The tenant's own limit is three.
    bench.deploy(order.id, name="third", cores=1)
    free = replace(bob, limits={"machines": None})
    admit(bench, order, free)
    with pytest.raises(Rejected):
        bench.deploy(bob.id, name="fourth", cores=1)


def test_a_member_who_leaves_leaves_the_machines(bench, order, machine):
    bob = member(machine)
    admit(bench, order, bob)
    _, made = bench.deploy(bob.id, name="bobs", cores=1)
    admit(bench, order)
    with pytest.raises(ProviderFault):
        bench.operate(machine, "Stop", bob.id)
    bench.operate(made, "Stop", order.id)
    (found,) = bench.provider.machines(bench.stamp_id, [made])
    assert (found.status, found.owner_role_id) == ("PowerOff", order.id)


def test_chosen_machines_become_all_and_chosen_again(bench, order, machine):
    bob = member()
    admit(bench, order, bob)
    _, made = bench.deploy(bob.id, name="bobs", cores=1)
    for machines, seen in (
        (None, [True, True]),
        ((made,), [False, True]),
        ((machine, made), [True, True]),
    ):
        admit(bench, order, replace(bob, machines=machines))
        assert [sees(bench, bob.id, each) for each in (machine, made)] == seen


def test_roles_may_be_ensured_again_and_again(bench, order, machine):
    bob = member(machine)
    for _ in range(3):
        admit(bench, order, bob)
    bench.lose_reply("ensure_tenant")
    with pytest.raises(ProviderFault):
        admit(bench, order, bob)
    admit(bench, order, bob)
    assert sees(bench, bob.id, machine)


def test_a_tenant_is_gone_with_its_roles_once_it_has_no_machines(bench, order, machine):
    admit(bench, order, member(machine))
    with pytest.raises(Rejected):
        bench.provider.ensure_gone_tenant(order)
    bench.operate(machine, "Stop", order.id)
    asked = {"stamp_id": bench.stamp_id, "tenant": order.id, "person": BOB}
    bench.provider.remove_machine(machine, **asked)
    bench.settle()
    for _ in range(2):
        bench.provider.ensure_gone_tenant(order)
    with pytest.raises((Missing, Forbidden)):
        bench.deploy(order.id, name="late")
