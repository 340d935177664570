"""What a role may in one cloud beside what it may everywhere."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, roles
from fabric.vmm.errors import Denied, Invalid
from fabric.vmm.models import UserRole
from fabric.vmm.roles import ScopeLimits
from tests.factories.vmm import ADMINISTRATOR, Fabric, acting_for, make_fabric, make_role


@pytest.fixture
def estate(db) -> Fabric:
    return make_fabric()


@pytest.fixture
def role(estate) -> UserRole:
    return make_role(estate, permissions=["Start"])


def permit(role: UserRole, estate: Fabric, *names: str) -> UserRole:
    return actions.userroles.change(ADMINISTRATOR, role, cloud_permissions={estate.cloud.pk: names})


def test_it_counts_in_that_cloud_alone(estate, role):
    caller = acting_for(permit(role, estate, "Stop"))
    elsewhere = actions.clouds.add(
        ADMINISTRATOR,
        estate.server,
        name="Silver",
        host_groups=[estate.group],
        logical_networks=[],
    )
    roles.require_all(caller, "Start", "Stop", clouds=[estate.cloud.pk])
    roles.require_any(caller, "Remove", "Stop", clouds=[estate.cloud.pk])
    for clouds in (None, [elsewhere.pk]):
        with pytest.raises(Denied, match="permit Stop"):
            roles.require_all(caller, "Start", "Stop", clouds=clouds)
        with pytest.raises(Denied, match="permit Remove"):
            roles.require_any(caller, "Remove", "Stop", clouds=clouds)


def test_it_needs_the_cloud_in_scope_and_a_known_name(estate, role):
    with pytest.raises(Invalid, match="Fly"):
        permit(role, estate, "Fly")
    actions.userroles.change(ADMINISTRATOR, role, remove_scopes=[estate.cloud.pk])
    with pytest.raises(Invalid, match="in the scope of the role"):
        permit(role, estate, "Stop")


def test_limits_given_anew_leave_it_alone(estate, role):
    permit(role, estate, "Stop")
    actions.userroles.change(
        ADMINISTRATOR, role, add_scopes=[ScopeLimits(estate.cloud.pk, vm_count=1)]
    )
    assert role.scopes.get().permissions == ["Stop"]


def test_a_child_has_no_more_than_its_parent_there(estate, role):
    permit(role, estate, "Stop")
    child = actions.userroles.add(
        ADMINISTRATOR,
        name="developers",
        profile="SelfServiceUser",
        parent=role,
        scopes=[ScopeLimits(estate.cloud.pk)],
    )
    permit(child, estate, "Start", "Stop")
    with pytest.raises(Invalid, match="Save"):
        permit(child, estate, "Save")
    permit(role, estate)
    assert child.scopes.get().permissions == ["Start"]


def test_without_a_role_nothing_is_permitted():
    with pytest.raises(Denied):
        roles.require_all(roles.Caller(principal="nobody"), "Start")
