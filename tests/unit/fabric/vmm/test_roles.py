"""Who sees what and who may do what: administrator, own role, another role, nobody."""

from __future__ import annotations

import pytest

from fabric.vmm import actions
from fabric.vmm.errors import Denied, NotFound
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
from fabric.vmm.roles import (
    CHANGE,
    DEPLOY,
    OPERATION_PERMISSIONS,
    PERMISSIONS,
    RESTORE,
    Caller,
    caller_of,
    require_may_give,
)
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


@pytest.mark.parametrize(
    ("profiles", "is_administrator", "profile"),
    [
        ((), True, None),
        (("ReadOnlyAdmin",), False, "ReadOnlyAdmin"),
        (("ReadOnlyAdmin", "DelegatedAdmin"), False, "DelegatedAdmin"),
        (("ReadOnlyAdmin", "Administrator"), True, None),
        (("TenantAdmin",), True, None),
    ],
)
def test_an_operator_is_what_its_greatest_fabric_role_allows(
    db, profiles, is_administrator, profile
):
    for name in profiles:
        actions.userroles.add(ADMINISTRATOR, name=name, profile=name, members=["Olga@Example.net"])
    caller = caller_of("olga@example.net", is_operator=True)
    assert caller.is_administrator == is_administrator
    assert (caller.role and caller.role.profile) == profile
    assert caller_of("olga@example.net", is_operator=False) == Caller(principal="olga@example.net")


def test_a_fabric_administrator_works_on_machines_of_its_hosts_only(fabric, alice):
    machine = deploy(fabric, alice)
    other = actions.groups.add(ADMINISTRATOR, fabric.server, name="Other")
    role = actions.userroles.add(
        ADMINISTRATOR, name="Berlin", profile="DelegatedAdmin", host_groups=[other]
    )
    with pytest.raises(NotFound):
        actions.machines.operate(Caller(role=role), machine, "Stop")
    actions.userroles.change(ADMINISTRATOR, role, host_groups=[fabric.group])
    finish(actions.machines.operate(Caller(role=role), machine, "Stop"))


def test_who_reads_only_changes_nothing(fabric, alice):
    machine = deploy(fabric, alice)
    role = actions.userroles.add(
        ADMINISTRATOR, name="Auditors", profile="ReadOnlyAdmin", permissions=PERMISSIONS
    )
    auditor = Caller(role=role, principal="olga")
    assert VirtualMachine.objects.visible_to(auditor).get() == machine
    for operation in ("Stop", "Refresh"):
        with pytest.raises(Denied, match="Auditors may read everything and change nothing"):
            actions.machines.operate(auditor, machine, operation)
    with pytest.raises(Denied, match="Auditors"):
        order(fabric, auditor)


def test_a_machine_is_given_by_who_may_share_to_who_may_receive(fabric, alice, charlie):
    require_may_give(alice, charlie.role)
    closed = make_role(fabric, "bob@example.net", permissions=PERMISSIONS - {"CanReceive"})
    with pytest.raises(Denied, match=f"{closed.name} may receive nothing: it lacks CanReceive"):
        require_may_give(alice, closed)
    require_may_give(ADMINISTRATOR, closed)
    keeper = make_role(fabric, "carol@example.net", permissions=PERMISSIONS - {"CanShare"})
    with pytest.raises(Denied, match="CanShare"):
        require_may_give(acting_for(keeper), charlie.role)


def test_every_permission_asked_for_is_one_on_the_wire():
    asked = {name for names in OPERATION_PERMISSIONS.values() for name in names}
    assert asked | {*DEPLOY, *CHANGE, *RESTORE} <= PERMISSIONS


def test_who_has_the_whole_fabric_sees_jobs_that_are_on_no_host(fabric, alice):
    _, waiting = order(fabric, alice)
    for profile in ("DelegatedAdmin", "ReadOnlyAdmin"):
        role = actions.userroles.add(ADMINISTRATOR, name=profile, profile=profile)
        assert Job.objects.visible_to(Caller(role=role)).get() == waiting, profile


def test_a_fabric_administrator_follows_the_test_deployment_it_began(fabric):
    role = actions.userroles.add(ADMINISTRATOR, name="Berlin", profile="DelegatedAdmin")
    bob = Caller(role=role, principal="bob@example.net")
    trial = actions.trials.begin(bob, template=fabric.template, cloud=fabric.cloud)
    assert Job.objects.visible_to(bob).get() == trial


def test_a_scoped_administrator_sees_jobs_of_its_part_and_its_own(fabric, alice):
    elsewhere = actions.groups.add(ADMINISTRATOR, fabric.server, name="Elsewhere")
    role, other = (
        actions.userroles.add(
            ADMINISTRATOR,
            name=group.name,
            profile="DelegatedAdmin",
            host_groups=[group],
            members=[f"{group.name}@example.net"],
        )
        for group in (fabric.group, elsewhere)
    )
    machine, waiting = order(fabric, alice)
    assert Job.objects.visible_to(Caller(role=role)).get() == waiting
    assert not Job.objects.visible_to(Caller(role=other)).exists()
    finish(waiting)
    finish(actions.machines.operate(ADMINISTRATOR, machine, "Stop"))
    finish(actions.machines.remove(ADMINISTRATOR, machine))
    assert Job.objects.visible_to(Caller(role=role)).count() == 3
    assert not Job.objects.visible_to(Caller(role=other)).exists()
    Job.objects.filter(pk=waiting.pk).update(owner_name="elsewhere@Example.net")
    assert Job.objects.visible_to(Caller(role=other)).get() == waiting


def test_a_test_deployment_shows_to_all_who_see_templates(fabric):
    trial = actions.trials.begin(ADMINISTRATOR, template=fabric.template, cloud=fabric.cloud)
    role = actions.userroles.add(
        ADMINISTRATOR, name="Berlin", profile="ReadOnlyAdmin", host_groups=[fabric.group]
    )
    assert Job.objects.visible_to(Caller(role=role)).get() == trial
