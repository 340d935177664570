"""Who sees what and who may do what: administrator, own role, another role, nobody."""

from __future__ import annotations

import uuid

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound
from fabric.vmm.models import (
    AddressPool,
    Cloud,
    DiskDrive,
    HardwareProfile,
    Host,
    HostGroup,
    Job,
    LogicalNetwork,
    NetworkAdapter,
    RoleScope,
    Server,
    UserRole,
    VirtualHardDisk,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.roles import PERMISSIONS, Caller, Grant, ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    acting_for,
    deploy,
    finish,
    make_fabric,
    make_role,
    order,
)

NOBODY = Caller(principal="mallory")
OWN = (VirtualMachine, NetworkAdapter, DiskDrive, Job)
GRANTED = (VMTemplate, VMNetwork, AddressPool, VirtualHardDisk, Cloud, LogicalNetwork)
FABRIC = (Host, HostGroup, Server)


def test_a_role_sees_its_own_and_what_was_granted(fabric, alice, charlie):
    make_fabric()
    machine = deploy(fabric, alice)
    deploy(fabric, charlie)
    for model in OWN:
        assert model.objects.visible_to(alice).count() == 1, model
        assert model.objects.visible_to(ADMINISTRATOR).count() == 2, model
    assert VirtualMachine.objects.visible_to(alice).get() == machine
    for model in GRANTED:
        assert model.objects.visible_to(alice).count() == 1, model
        assert model.objects.visible_to(ADMINISTRATOR).count() == 2, model
    for model in FABRIC:
        assert not model.objects.visible_to(alice).exists(), model
        assert model.objects.visible_to(ADMINISTRATOR).exists(), model
    assert UserRole.objects.visible_to(alice).get() == alice.role


def test_neither_administrator_nor_role_sees_nothing(fabric, alice):
    deploy(fabric, alice)
    for model in (*OWN, *GRANTED, *FABRIC, UserRole, RoleScope, HardwareProfile):
        assert not model.objects.visible_to(NOBODY).exists(), model


def test_an_administrator_acting_for_a_role_is_that_role(fabric, alice, charlie):
    deploy(fabric, charlie)
    bound = Caller(role=alice.role, is_administrator=True)
    assert not VirtualMachine.objects.visible_to(bound).exists()
    with pytest.raises(Denied):
        actions.userroles.remove(bound, charlie.role)


def test_a_stranger_finds_nothing_to_act_on(fabric, alice, charlie):
    machine = deploy(fabric, alice)
    job = Job.objects.get()
    for caller in (charlie, NOBODY):
        with pytest.raises(NotFound):
            actions.machines.operate(caller, machine, "Stop")
        with pytest.raises(NotFound):
            actions.machines.operate(caller, machine, "Repair", retry=True)
        with pytest.raises(NotFound):
            actions.machines.update(caller, machine, name="mine")
        with pytest.raises(NotFound):
            actions.machines.remove(caller, machine)
        with pytest.raises(NotFound):
            actions.jobs.restart(caller, job)
        with pytest.raises(NotFound):
            actions.jobs.cancel(caller, job)
    with pytest.raises(Denied):
        order(fabric, NOBODY)


@pytest.mark.parametrize(
    ("missing", "operation"),
    [
        ("Stop", "Stop"),
        ("Shutdown", "Shutdown"),
        ("Start", "Reset"),
        ("Stop", "Reset"),
        ("PauseAndResume", "Suspend"),
        ("PauseAndResume", "Pause"),
        ("Save", "SaveState"),
        ("Start", "Start"),
    ],
)
def test_an_operation_needs_its_permission(fabric, missing, operation):
    alice = acting_for(make_role(fabric, permissions=PERMISSIONS - {missing}))
    machine = deploy(fabric, alice)
    with pytest.raises(Denied, match=missing):
        actions.machines.operate(alice, machine, operation)
    machine.refresh_from_db()
    assert machine.status == "Running"


def test_creating_changing_and_removing_need_theirs(fabric):
    reader = acting_for(make_role(fabric, permissions=["Start"]))
    machine = deploy(fabric, ADMINISTRATOR, owner_role=reader.role, start=False)
    with pytest.raises(Denied, match="Create"):
        order(fabric, reader)
    with pytest.raises(Denied, match="Author"):
        actions.machines.update(reader, machine, name="other")
    with pytest.raises(Denied, match="Author"):
        actions.machines.operate(reader, machine, "Repair", retry=True)
    with pytest.raises(Denied, match="Remove"):
        actions.machines.remove(reader, machine)
    with pytest.raises(Denied, match="Create"):
        order(fabric, reader)
    creator = acting_for(make_role(fabric, "bob", permissions=["CreateFromVHDOrTemplate"]))
    order(fabric, creator)
    with pytest.raises(Denied, match="AllowLocalAdmin"):
        order(fabric, creator, local_admin_password=PASSWORD)


def test_a_role_is_made_once_and_only_by_an_administrator(fabric, alice):
    id = uuid.uuid4()
    made = actions.userroles.add(ADMINISTRATOR, id=id, name=f"bob_{id}", profile="TenantAdmin")
    assert (
        actions.userroles.add(ADMINISTRATOR, id=id, name=f"bob_{id}", profile="TenantAdmin") == made
    )
    with pytest.raises(Conflict):
        actions.userroles.add(ADMINISTRATOR, id=id, name="another name", profile="TenantAdmin")
    with pytest.raises(Conflict, match="bob"):
        actions.userroles.add(
            ADMINISTRATOR, id=uuid.uuid4(), name=f"bob_{id}", profile="TenantAdmin"
        )
    with pytest.raises(Invalid, match="'King'"):
        actions.userroles.add(ADMINISTRATOR, id=uuid.uuid4(), name="x", profile="King")
    with pytest.raises(Denied):
        actions.userroles.add(alice, id=uuid.uuid4(), name="x", profile="TenantAdmin")


def test_a_role_is_changed_piece_by_piece(fabric, alice):
    role = alice.role
    change = actions.userroles.change
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
        actions.userroles.change(ADMINISTRATOR, alice.role, description="changed", **change)
    alice.role.refresh_from_db()
    assert alice.role.description == ""


def test_a_role_with_machines_stays(fabric, alice):
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(Conflict, match="1 virtual machine"):
        actions.userroles.remove(ADMINISTRATOR, alice.role)
    finish(actions.machines.remove(alice, machine))
    actions.userroles.remove(ADMINISTRATOR, alice.role)
    assert not UserRole.objects.exists()
    with pytest.raises(NotFound):
        actions.userroles.remove(ADMINISTRATOR, alice.role)
