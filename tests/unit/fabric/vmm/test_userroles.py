"""User roles: made once, changed piece by piece, never more than their parent, never lost."""

from __future__ import annotations

import uuid

import pytest

from fabric.vmm import actions, quota
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound, QuotaExceeded
from fabric.vmm.models import UserRole, VMTemplate
from fabric.vmm.roles import Grant, ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    acting_for,
    deploy,
    finish,
    make_role,
    order,
)

userroles = actions.userroles


def child_of(parent: UserRole, **details) -> UserRole:
    return userroles.add(
        ADMINISTRATOR, name="Shop", profile="SelfServiceUser", parent=parent, **details
    )


def test_a_role_is_made_once_and_only_by_an_administrator(fabric, alice):
    id = uuid.uuid4()
    made = userroles.add(ADMINISTRATOR, id=id, name=f"bob_{id}", profile="TenantAdmin")
    assert userroles.add(ADMINISTRATOR, id=id, name=f"bob_{id}", profile="TenantAdmin") == made
    with pytest.raises(Conflict):
        userroles.add(ADMINISTRATOR, id=id, name="another name", profile="TenantAdmin")
    with pytest.raises(Conflict, match="bob"):
        userroles.add(ADMINISTRATOR, id=uuid.uuid4(), name=f"bob_{id}", profile="TenantAdmin")
    with pytest.raises(Invalid, match="'King'"):
        userroles.add(ADMINISTRATOR, id=uuid.uuid4(), name="x", profile="King")
    with pytest.raises(Denied):
        userroles.add(alice, id=uuid.uuid4(), name="x", profile="TenantAdmin")


def test_a_role_is_changed_piece_by_piece(fabric, alice):
    role = alice.role
    change = userroles.change
    change(ADMINISTRATOR, role, add_members=["bob@example.net"], permissions=["Stop", "Stop"])
    changed = change(ADMINISTRATOR, role, remove_members=["ALICE@example.net"], description="ours")
    assert (changed.members, changed.permissions) == (["bob@example.net"], ["Stop"])
    change(ADMINISTRATOR, role, add_scopes=[ScopeLimits(fabric.cloud.pk, vm_count=7)])
    assert role.scopes.get().vm_count == 7
    change(ADMINISTRATOR, role, add_scopes=[ScopeLimits(fabric.cloud.pk)])
    assert role.scopes.get().vm_count is None
    grant = Grant("VMTemplate", fabric.template.pk)
    change(ADMINISTRATOR, role, add_resources=[grant, grant])
    assert VMTemplate.objects.visible_to(alice).count() == 1
    change(ADMINISTRATOR, role, remove_resources=[grant])
    assert not VMTemplate.objects.visible_to(alice).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"permissions": ["Fly"]},
        {"add_scopes": [ScopeLimits(uuid.uuid4())]},
        {"add_resources": [Grant("VMTemplate", uuid.uuid4())]},
        {"add_resources": [Grant("Spaceship", uuid.uuid4())]},
    ],
)
def test_a_senseless_change_of_a_role_changes_nothing(alice, change):
    with pytest.raises(Invalid):
        userroles.change(ADMINISTRATOR, alice.role, description="changed", **change)
    alice.role.refresh_from_db()
    assert alice.role.description == ""


def test_a_role_with_machines_stays(fabric, alice):
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(Conflict, match="1 virtual machine"):
        userroles.remove(ADMINISTRATOR, alice.role)
    finish(actions.machines.remove(alice, machine))
    userroles.remove(ADMINISTRATOR, alice.role)
    assert not UserRole.objects.exists()
    with pytest.raises(NotFound):
        userroles.remove(ADMINISTRATOR, alice.role)


def test_what_is_given_whole_replaces(fabric, alice):
    role = userroles.change(
        ADMINISTRATOR,
        alice.role,
        members=["Bob@example.net", "bob@EXAMPLE.net", " ", "carol"],
        scopes=[],
        resources=[],
        most_networks=3,
    )
    assert (role.members, role.most_networks) == (["Bob@example.net", "carol"], 3)
    assert not role.scopes.exists()
    assert not role.resources.exists()
    assert role.permissions


@pytest.mark.parametrize(
    ("profile", "details", "says"),
    [
        ("DelegatedAdmin", {"scopes": True}, "Berlin .* it has host groups in scope, not clouds"),
        ("TenantAdmin", {"host_groups": True}, "tenant administrator: it has no host groups"),
        ("Administrator", {"host_groups": True}, "administrator: it has no host groups"),
        ("ReadOnlyAdmin", {"parent": True}, "only an application or tenant administrator's role"),
    ],
)
def test_a_role_has_what_its_profile_has(fabric, alice, profile, details, says):
    things = {
        "scopes": [ScopeLimits(fabric.cloud.pk)],
        "host_groups": [fabric.group],
        "parent": alice.role,
    }
    given = {name: things[name] for name in details}
    with pytest.raises(Invalid, match=says) as refused:
        userroles.add(ADMINISTRATOR, name="Berlin", profile=profile, **given)
    assert refused.value.field == next(iter(details))


def test_a_child_has_nothing_its_parent_has_not(fabric):
    parent = make_role(fabric, permissions=["Start", "Create"])
    profile = actions.profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="Small", cores=1, memory_mb=1024
    )
    other = actions.clouds.add(
        ADMINISTRATOR, fabric.server, name="Silver", host_groups=[fabric.group]
    )
    for field, value, named in (
        ("permissions", ["Start", "Stop"], "Stop"),
        ("scopes", [ScopeLimits(other.pk)], "Silver"),
        ("resources", [Grant("HardwareProfile", profile.pk)], "Small"),
    ):
        with pytest.raises(Invalid, match=f"Shop would have {named}, which its parent") as refused:
            child_of(parent, **{field: value})
        assert refused.value.field == field


def test_a_child_loses_what_its_parent_loses(fabric):
    parent = make_role(fabric)
    child = child_of(
        parent,
        permissions=["Start", "Stop"],
        scopes=[ScopeLimits(fabric.cloud.pk)],
        resources=[Grant("VMTemplate", fabric.template.pk)],
    )
    userroles.change(ADMINISTRATOR, parent, permissions=["Start"])
    child.refresh_from_db()
    assert child.permissions == ["Start"]
    userroles.change(ADMINISTRATOR, parent, scopes=[], resources=[])
    assert not child.scopes.exists()
    assert not child.resources.exists()


def test_a_parents_limits_count_its_children(fabric):
    parent = make_role(fabric, vm_count=2, points=5)
    child = child_of(
        parent,
        permissions=parent.permissions,
        scopes=[ScopeLimits(fabric.cloud.pk, vm_count=9)],
        resources=[Grant("VMTemplate", fabric.template.pk), Grant("VMNetwork", fabric.network.pk)],
    )
    order(fabric, acting_for(child), "a")
    order(fabric, acting_for(parent), "b")
    for role, whose in ((child, "The parent role"), (parent, "The user role")):
        with pytest.raises(QuotaExceeded, match=f"{whose} may have 2 of virtual machines: 2 used"):
            order(fabric, acting_for(role), "c")
    used = {each.dimension: each.used for each in quota.usage(parent, fabric.cloud)}
    assert (used["VMCount"], used["CustomQuotaCount"]) == (2, 2)
    assert quota.usage(child, fabric.cloud, "alice@example.net")[0].member_used == 1


def test_a_role_that_owns_something_stays(fabric, alice):
    network = actions.networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=fabric.network.logical_network, name="own"
    )
    type(network).objects.filter(pk=network.pk).update(owner=alice.role)
    with pytest.raises(Conflict, match="is used by the VM networks own"):
        userroles.remove(ADMINISTRATOR, alice.role)
    network.delete()
    child_of(alice.role)
    with pytest.raises(Conflict, match="is used by the user roles Shop"):
        userroles.remove(ADMINISTRATOR, alice.role)


def test_networks_are_counted_for_the_role_and_for_each_member(fabric, alice):
    network = fabric.network
    rows = type(network).objects.filter(pk=network.pk)
    rows.update(owner=alice.role, owner_name="alice@example.net")
    quota.require_network(alice.role, member="alice@example.net")
    userroles.change(ADMINISTRATOR, alice.role, member_most_networks=1)
    with pytest.raises(QuotaExceeded, match="A member of .* may have 1 VM networks: 1 used"):
        quota.require_network(alice.role, member="alice@example.net")
    quota.require_network(alice.role, member="bob@example.net")
    userroles.change(ADMINISTRATOR, alice.role, most_networks=1)
    with pytest.raises(QuotaExceeded, match="may have 1 VM networks: 1 used") as refused:
        quota.require_network(child_of(alice.role), member="bob@example.net")
    assert refused.value.dimension == "VMNetworkMaximum"
