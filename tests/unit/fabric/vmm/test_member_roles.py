"""Roles inside a tenant's role: what they see, what they may, and whose quota it takes."""

from __future__ import annotations

import pytest

from fabric.vmm import actions, capacity, quota
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import Conflict, Denied, Invalid, NotFound, QuotaExceeded
from fabric.vmm.models import (
    Checkpoint,
    DiskDrive,
    Job,
    NetworkAdapter,
    Performance,
    RoleResource,
    UserRole,
    VirtualHardDisk,
    VirtualMachine,
    VMNetwork,
)
from fabric.vmm.roles import PERMISSIONS, Caller, Grant, ScopeLimits
from tests.factories.vmm import (
    ADMINISTRATOR,
    acting_for,
    deploy,
    finish,
    make_role,
    make_share,
    order,
)

BOB, DORA = "bob@example.net", "dora@example.net"


def inside(fabric, tenant: UserRole, name: str, profile: str = "SelfServiceUser", **details):
    """Return somebody acting for a role inside a tenant's, which may use what the tenant's may."""
    limits = details.pop("limits", {})
    values = {
        "permissions": PERMISSIONS,
        "members": [name],
        "scopes": [ScopeLimits(fabric.cloud.pk, **limits)],
        "resources": [
            Grant("VMTemplate", fabric.template.pk),
            Grant("VMNetwork", fabric.network.pk),
        ],
    }
    role = actions.userroles.add(
        ADMINISTRATOR, name=f"{name} {profile}", profile=profile, parent=tenant, **values | details
    )
    return acting_for(role, name)


@pytest.fixture
def bob(fabric, alice) -> Caller:
    """Return bob, who sees his own machines of alice's tenant and those granted to him."""
    return inside(fabric, alice.role, BOB)


@pytest.fixture
def dora(fabric, alice) -> Caller:
    """Return dora, who sees all of alice's tenant and may only look and start."""
    return inside(fabric, alice.role, DORA, "TenantAdmin", permissions=["Start"])


def names(caller: Caller) -> set[str]:
    return set(VirtualMachine.objects.visible_to(caller).values_list("name", flat=True))


def grant(caller: Caller, machine: VirtualMachine, *callers: Caller) -> bool:
    to = [each.role for each in callers]
    return actions.machines.grant_machine(caller, machine, to)


def test_each_sees_what_its_role_is_for(fabric, alice, charlie, bob, dora):
    for caller, name in ((alice, "hers"), (bob, "his"), (charlie, "strange")):
        order(fabric, caller, name)
    assert names(alice) == names(dora) == {"hers", "his"}
    assert names(bob) == {"his"}
    assert names(charlie) == {"strange"}
    grant(alice, VirtualMachine.objects.get(name="hers"), bob)
    assert names(bob) == {"hers", "his"}


def test_what_hangs_on_a_machine_is_seen_with_it(fabric, alice, bob, dora, charlie):
    machine = deploy(fabric, alice)
    finish(actions.checkpoints.create(alice, machine, name="before")[1])
    curves = ("times", "cpu_percent", "memory_mb", "storage_iops", "network_kbps")
    Performance.objects.create(machine=machine, frame="hour", **{name: [] for name in curves})
    models = (DiskDrive, NetworkAdapter, Checkpoint, Performance)
    for model in (*models, Job):
        assert model.objects.visible_to(dora).exists()
        for caller in (bob, charlie):
            assert not model.objects.visible_to(caller).exists()
    grant(alice, machine, bob)
    for model in (*models, Job):
        assert model.objects.visible_to(bob).exists(), model
        assert not model.objects.visible_to(charlie).exists()


def test_jobs_of_a_granted_machine_outlive_it(fabric, alice, bob):
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    job = finish(actions.machines.remove(bob, machine))
    assert Job.objects.visible_to(bob).filter(pk=job.pk).exists()
    assert Job.objects.visible_to(alice).filter(pk=job.pk).exists()


def test_each_does_what_its_own_role_permits(fabric, alice, bob, dora):
    machine = deploy(fabric, alice, start=False)
    with pytest.raises(NotFound):
        actions.machines.operate(bob, machine, "Start")
    finish(actions.machines.operate(dora, machine, "Start"))
    with pytest.raises(Denied, match="Stop"):
        actions.machines.operate(dora, machine, "Stop")
    with pytest.raises(Denied, match="Create"):
        order(fabric, dora, "hers-too")
    grant(alice, machine, bob)
    finish(actions.machines.operate(bob, machine, "Stop"))
    actions.userroles.change(ADMINISTRATOR, bob.role, permissions=["Stop"])
    bob.role.refresh_from_db()
    with pytest.raises(Denied, match="Start"):
        actions.machines.operate(bob, machine, "Start")


def test_what_it_makes_counts_within_the_tenants(fabric):
    alice = acting_for(make_role(fabric, vm_count=3))
    bob = inside(fabric, alice.role, BOB, limits={"vm_count": 2})
    for name in ("one", "two"):
        order(fabric, bob, name)
    with pytest.raises(QuotaExceeded, match="The user role may have 2 of virtual machines"):
        order(fabric, bob, "three")
    order(fabric, alice, "three")
    with pytest.raises(QuotaExceeded, match="may have 3 of virtual machines"):
        order(fabric, alice, "four")
    (used, *_) = quota.usage(alice.role, fabric.cloud)
    assert (used.used, used.limit) == (3, 3)
    # Nor was it promised twice.
    (cores, *_) = capacity.of_cloud(fabric.cloud).lines
    assert cores.unlimited == 1


def test_a_granted_machine_takes_its_owners_quota(fabric):
    alice = acting_for(make_role(fabric, cpu_count=2))
    bob = inside(fabric, alice.role, BOB, limits={"cpu_count": 1})
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    finish(actions.machines.update(bob, machine, cores=2))
    with pytest.raises(QuotaExceeded):
        actions.machines.update(bob, machine, cores=3)


def test_a_copy_is_whose_copies(fabric, alice, bob):
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    made, job = actions.machines.clone(bob, machine, name="copy")
    finish(job)
    assert (job.state, made.role) == ("succeeded", bob.role)
    assert names(bob) == {"web-01", "copy"}


def test_a_clone_of_one_that_was_given_to_strangers_is_not_resumed(fabric, alice, bob, charlie):
    from django.conf import settings

    from fabric.hypervisors.simulated import plan_fault

    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_image", "fail")
    made, job = actions.machines.clone(bob, machine, name="copy")
    finish(job)
    finish(actions.machines.give(ADMINISTRATOR, machine, role=charlie.role, owner_name=None))
    finish(actions.machines.operate(bob, made, "Repair", retry=True))
    made.refresh_from_db()
    assert "somebody else" in made.deployment_error["message"]
    # Nobody of alice's sees it any more.
    assert names(bob) == {"copy"}


def test_a_copy_is_on_no_network_that_its_role_may_not_use(fabric, alice):
    bob = inside(fabric, alice.role, BOB, resources=[Grant("VMTemplate", fabric.template.pk)])
    on = [NewAdapter(network_id=fabric.network.pk)]
    machine = deploy(fabric, alice, start=False, adapters=on)
    grant(alice, machine, bob)
    with pytest.raises(Conflict, match="on the VM network front, which"):
        actions.machines.clone(bob, machine, name="copy")
    assert names(alice) == {"web-01"}


def test_who_holds_an_address_is_named_to_who_sees_it(fabric, alice, bob):
    on = [NewAdapter(network_id=fabric.network.pk, address="10.20.1.77")]
    hidden = deploy(fabric, alice, "hidden", adapters=on)
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    with pytest.raises(Conflict, match="a machine of another user role") as refusal:
        actions.adapters.attach(bob, machine, network=fabric.network, address="10.20.1.77")
    assert "hidden" not in refusal.value.message
    grant(alice, hidden, bob)
    with pytest.raises(Conflict, match="the machine hidden"):
        actions.adapters.attach(bob, machine, network=fabric.network, address="10.20.1.77")


def test_only_the_tenants_own_role_and_the_fabric_grant(fabric, alice, bob, dora, charlie):
    machine = deploy(fabric, alice, start=False)
    for caller in (dora, charlie, bob):
        with pytest.raises((Denied, NotFound)):
            grant(caller, machine, bob)
    assert grant(ADMINISTRATOR, machine, bob, dora)
    assert not grant(alice, machine, dora, bob, alice)
    assert grant(alice, machine, alice)
    assert names(bob) == set()
    other = inside(fabric, charlie.role, "erna@example.net")
    for stranger in (charlie, other):
        with pytest.raises(Invalid, match="is not inside the one"):
            grant(alice, machine, stranger)


def test_a_role_is_given_machines_as_other_resources(fabric, alice, bob, charlie):
    hers, strange = deploy(fabric, alice, "hers"), deploy(fabric, charlie, "strange")
    change = actions.userroles.change
    change(ADMINISTRATOR, bob.role, add_resources=[Grant("VirtualMachine", hers.pk)])
    assert names(bob) == {"hers"}
    with pytest.raises(Invalid, match="would have strange, which its parent"):
        change(ADMINISTRATOR, bob.role, add_resources=[Grant("VirtualMachine", strange.pk)])
    with pytest.raises(Invalid, match="is inside no other"):
        change(ADMINISTRATOR, alice.role, add_resources=[Grant("VirtualMachine", hers.pk)])
    # Its tenant's changes take nothing from it.
    change(ADMINISTRATOR, alice.role, description="changed")
    assert names(bob) == {"hers"}
    change(ADMINISTRATOR, bob.role, remove_resources=[Grant("VirtualMachine", hers.pk)])
    assert names(bob) == set()


def test_a_role_keeps_what_is_gone_until_it_is_taken(fabric, alice, bob):
    """The console sends all a role has, whatever became of it."""
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    finish(actions.machines.remove(alice, machine))
    held = [Grant(kind, pk) for kind, pk in bob.role.resources.values_list("kind", "resource_id")]
    assert Grant("VirtualMachine", machine.pk) in held
    actions.userroles.change(ADMINISTRATOR, bob.role, resources=held)
    assert bob.role.resources.count() == len(held)
    actions.userroles.change(ADMINISTRATOR, bob.role, resources=[])
    assert not bob.role.resources.exists()


def test_a_machine_that_leaves_the_tenant_is_granted_to_nobody(fabric, alice, bob, charlie):
    machine = deploy(fabric, alice, start=False)
    grant(alice, machine, bob)
    finish(actions.machines.give(ADMINISTRATOR, machine, role=bob.role, owner_name=BOB))
    assert RoleResource.objects.filter(kind="VirtualMachine").exists()
    finish(actions.machines.give(ADMINISTRATOR, machine, role=charlie.role, owner_name=None))
    assert not RoleResource.objects.filter(kind="VirtualMachine").exists()
    machine.refresh_from_db()
    # Charlie's role has no such member.
    assert machine.owner_name == ""


def test_who_leaves_gives_its_machines_back_first(fabric, alice, bob):
    machine = deploy(fabric, bob, start=False)
    with pytest.raises(Conflict, match="1 virtual machine"):
        actions.userroles.remove(ADMINISTRATOR, bob.role)
    finish(actions.machines.give(ADMINISTRATOR, machine, role=alice.role, owner_name=None))
    actions.userroles.remove(ADMINISTRATOR, bob.role)
    assert names(alice) == {"web-01"}


def test_roles_stand_two_deep_and_no_more(fabric, alice, dora):
    with pytest.raises(Invalid, match="has none inside itself"):
        inside(fabric, dora.role, "erna@example.net")
    outer = make_role(fabric, "outer")
    with pytest.raises(Invalid, match="has none inside itself"):
        actions.userroles.change(ADMINISTRATOR, alice.role, parent=outer)


def test_networks_of_a_tenant_are_for_all_of_it_but_who_sees_what_was_chosen(
    fabric, alice, bob, dora, charlie
):
    VMNetwork.objects.create(
        server=fabric.server,
        logical_network=fabric.network.logical_network,
        name="own",
        owner=alice.role,
    )
    seen = {
        caller.principal: VMNetwork.objects.visible_to(caller).filter(name="own").exists()
        for caller in (alice, bob, dora, charlie)
    }
    assert [*seen.values()] == [True, False, True, False]


def test_a_disk_put_into_the_library_is_the_tenants_as_well(fabric, alice, bob):
    make_share(fabric)
    machine = deploy(fabric, bob, start=False)
    finish(actions.disks.add(bob, machine, size_gb=5, name="data"))
    finish(actions.disks.detach(bob, machine.disks.get(lun=1)))
    for caller in (alice, bob):
        assert VirtualHardDisk.objects.visible_to(caller).filter(name="data").exists()
    # So that the role can be changed as before.
    actions.userroles.change(ADMINISTRATOR, bob.role, description="changed")


def test_one_tenant_has_one_turn_however_many_roles_it_has(fabric, alice, bob, dora):
    lanes = {order(fabric, caller, "x")[1].lane for caller in (alice, bob)}
    assert lanes == {str(alice.role.pk)}


def test_a_role_sees_itself_and_those_inside_it(alice, bob, dora):
    def roles(caller):
        return set(UserRole.objects.visible_to(caller))

    assert roles(alice) == {alice.role, bob.role, dora.role}
    assert roles(bob) == {bob.role}
    assert roles(dora) == {dora.role}
