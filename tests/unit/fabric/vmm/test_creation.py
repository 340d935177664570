"""What machines are made of: template or disk, sizes of their own, data disks, computer names."""

from __future__ import annotations

import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.hypervisors.base import GuestSetup
from fabric.vmm import actions
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.errors import Denied, Invalid, NotFound, QuotaExceeded
from fabric.vmm.models import AffinitySet, Job, VirtualMachine
from fabric.vmm.roles import Caller, Grant
from tests.factories.vmm import (
    ADMINISTRATOR,
    PASSWORD,
    acting_for,
    deploy,
    driver,
    finish,
    make_role,
    order,
)


def change(fabric, **changes) -> None:
    actions.templates.change(ADMINISTRATOR, fabric.template, **changes)


def of_disk(fabric, caller, **wanted):
    """Order a machine of the template's disk, with no template."""
    disk = {"template_id": None, "disk_id": fabric.template.disk.pk}
    return order(fabric, caller, **disk | wanted)[0]


@pytest.fixture
def medium(fabric):
    return actions.profiles.add_hardware(
        ADMINISTRATOR,
        fabric.server,
        name="Medium",
        cores=2,
        memory_mb=4096,
        generation=1,
        is_dynamic_memory=True,
    )


def test_a_machine_is_made_of_a_disk_and_a_profile(fabric, alice, medium):
    grant = Grant("HardwareProfile", medium.pk)
    actions.userroles.change(ADMINISTRATOR, alice.role, add_resources=[grant])
    machine = of_disk(fabric, alice, hardware_profile_id=medium.pk)
    assert (machine.cores, machine.memory_mb, machine.generation) == (2, 4096, 1)
    assert (machine.template, machine.is_dynamic_memory, machine.points) == (None, True, 1)
    assert (machine.os_name, machine.os_type, machine.storage_gb) == ("Ubuntu 24.04", "Linux", 20)
    assert machine.adapters.count() == 1


def test_a_machine_is_made_of_a_disk_with_a_size_of_its_own(fabric, alice, medium):
    machine = of_disk(fabric, alice, cores=3, memory_mb=512)
    assert (machine.cores, machine.memory_mb) == (3, 512)
    machine = of_disk(fabric, ADMINISTRATOR, hardware_profile_id=medium.pk, memory_mb=512)
    assert (machine.cores, machine.memory_mb) == (2, 512)


@pytest.mark.parametrize(
    ("wanted", "error", "says"),
    [
        ({}, Invalid, "needs a hardware profile, or processors and memory"),
        ({"cores": 2}, Invalid, "needs a hardware profile"),
        ({"disk_id": uuid.UUID(int=5), "cores": 1, "memory_mb": 512}, NotFound, "hard disk"),
        ({"disk_id": None}, Invalid, "either a template or a virtual hard disk"),
        ({"hardware_profile_id": uuid.UUID(int=5)}, Invalid, "no hardware profile"),
    ],
)
def test_a_disk_alone_makes_no_machine(fabric, alice, wanted, error, says):
    with pytest.raises(error, match=says):
        of_disk(fabric, alice, **wanted)
    with pytest.raises(Invalid, match="either"):
        order(fabric, alice, disk_id=fabric.template.disk.pk)


def test_a_profile_that_was_not_granted_is_not_there(fabric, alice, medium):
    with pytest.raises(Invalid, match="that you may use"):
        order(fabric, alice, hardware_profile_id=medium.pk)


def test_what_is_not_enabled_makes_no_machine(fabric, alice):
    disk = fabric.template.disk
    actions.library.change_disk(ADMINISTRATOR, disk, is_enabled=False)
    with pytest.raises(Invalid, match="disk ubuntu.vhdx is not enabled"):
        order(fabric, alice)
    with pytest.raises(Invalid, match="ubuntu.vhdx is not enabled"):
        of_disk(fabric, alice, cores=1, memory_mb=512)
    actions.library.change_disk(ADMINISTRATOR, disk, is_enabled=True)
    change(fabric, is_enabled=False)
    with pytest.raises(Invalid, match="template Ubuntu 24.04 is not enabled"):
        order(fabric, alice)


def test_the_templates_data_disks_come_along(fabric, alice):
    fast = fabric.server.storage_classifications.create(name="Fast")
    for host in fabric.hosts:
        host.volumes.update(classification=fast)
    data = actions.library.add_disk(ADMINISTRATOR, fabric.server, name="data.vhdx", size_gb=5)
    empty = {"size_gb": 30, "classification": fast}
    change(fabric, data_disks=[{"disk": data, "size_gb": 7}, empty])
    machine = deploy(fabric, alice)
    assert machine.storage_gb == 57
    drives = machine.disks.order_by("lun")
    assert list(drives.values_list("lun", "image", "size_gb", "classification")) == [
        (0, "ubuntu.vhdx", 20, None),
        (1, "data.vhdx", 7, None),
        (2, None, 30, fast.pk),
    ]
    assert sorted(disk.size_gb for disk in driver(machine.host).disks()) == [7, 20, 30]


def test_storage_that_the_cloud_has_not_is_refused(fabric, alice):
    kinds = fabric.server.storage_classifications
    fast, slow = kinds.create(name="Fast"), kinds.create(name="Slow")
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, classifications=[slow])
    with pytest.raises(Invalid, match="asks for storage that the cloud Gold has not: it has Slow"):
        order(fabric, alice, classification_id=fast.pk)
    machine, _ = order(fabric, alice, classification_id=slow.pk)
    assert machine.disks.get().classification == slow


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"cores": 2}, "let you choose its processors: it has 1"),
        ({"memory_mb": 2048}, "let you choose its memory: it has 1,024 MB"),
        ({"computer_name": "mine"}, "let you choose a computer name"),
        ({"adapters": [NewAdapter()] * 2}, "let you choose more than its 1 adapters"),
    ],
)
def test_what_a_template_decides_no_tenant_changes(fabric, alice, wanted, says):
    change(fabric, tenant_may_change=[])
    with pytest.raises(Denied, match=f"template Ubuntu 24.04 does not {says}"):
        order(fabric, alice, **wanted)
    order(fabric, ADMINISTRATOR, **wanted)
    order(fabric, alice, cores=1, memory_mb=1024, computer_name="web-01")
    change(fabric, tenant_may_change=["cores", "memory", "name", "adapters"])
    order(fabric, alice, **wanted)


def test_a_profile_changes_what_a_template_decides_just_so(fabric, alice, medium):
    grant = Grant("HardwareProfile", medium.pk)
    actions.userroles.change(ADMINISTRATOR, alice.role, add_resources=[grant])
    change(fabric, tenant_may_change=["cores"])
    with pytest.raises(Denied, match="its memory"):
        order(fabric, alice, hardware_profile_id=medium.pk)


def test_a_pattern_names_computers_in_turn(fabric, alice):
    change(fabric, computer_name_pattern="web-##")
    assert order(fabric, alice, "first")[0].computer_name == "web-01"
    assert order(fabric, alice, "second")[0].computer_name == "web-02"
    assert order(fabric, alice, "third", computer_name="mine")[0].computer_name == "mine"
    change(fabric, tenant_may_change=[])
    # A client that sends the machine's name as the computer's has chosen nothing.
    assert order(fabric, alice, "web-9", computer_name="web-9")[0].computer_name == "web-03"


def test_a_machine_fits_a_capability_profile_of_its_cloud(fabric, alice):
    small = actions.capability.add(ADMINISTRATOR, fabric.server, name="Small", most_cores=2)
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, capability_profiles=[small])
    order(fabric, alice, cores=2)
    with pytest.raises(Invalid, match="machine web-01 has 3 processors; .* Small allows 2"):
        order(fabric, alice, cores=3)
    actions.clouds.change(ADMINISTRATOR, fabric.cloud, capability_profiles=[])
    change(fabric, capability_profile=small)
    with pytest.raises(Invalid, match="Small allows 2"):
        order(fabric, ADMINISTRATOR, cores=3)


def test_points_are_the_templates_and_count(fabric):
    change(fabric, quota_point=3)
    alice = acting_for(make_role(fabric, points=5))
    assert order(fabric, alice)[0].points == 3
    with pytest.raises(QuotaExceeded, match="5 of quota points: 3 used, 3 more") as refused:
        order(fabric, alice)
    assert refused.value.dimension == "CustomQuotaCount"


def test_a_machine_may_belong_to_a_set_of_its_roles(fabric, alice, charlie):
    apart = AffinitySet.objects.create(server=fabric.server, role=alice.role, name="web")
    assert order(fabric, alice, affinity_id=apart.pk)[0].affinity == apart
    with pytest.raises(NotFound, match="affinity set"):
        order(fabric, charlie, affinity_id=apart.pk)


def test_a_guest_profile_gives_the_administrator_a_password(fabric, alice):
    guest = actions.profiles.add_guest(
        ADMINISTRATOR,
        fabric.server,
        name="Linux",
        os_type="Linux",
        admin_user="keeper",
        admin_password=PASSWORD,
        computer_name_pattern="lin-##",
    )
    change(fabric, guest_profile=guest)
    machine, job = order(fabric, alice)
    assert (job.inputs["settings"]["user"], machine.computer_name) == ("keeper", "lin-01")
    assert PASSWORD not in repr(vars(Job.objects.get()))
    machine = deploy(fabric, alice, "web-02")
    assert (machine.computer_name, machine.status) == ("lin-02", "Running")


def test_a_machine_left_off_runs_only_where_there_is_something_to_set_up(fabric, alice):
    assert order(fabric, alice, start=False)[1].recipe == "deploy_bare"
    assert order(fabric, alice, start=False, time_zone="UTC")[1].recipe == "deploy_stopped"
    assert order(fabric, alice)[1].recipe == "deploy"


def test_a_profile_without_secrets_sets_guests_up_as_well(fabric, alice):
    guest = actions.profiles.add_guest(
        ADMINISTRATOR, fabric.server, name="Linux", os_type="Linux", time_zone="Europe/Berlin"
    )
    change(fabric, guest_profile=guest)
    machine = deploy(fabric, alice, workgroup="LAB")
    setup = GuestSetup(machine.computer_name, time_zone="Europe/Berlin", workgroup="LAB")
    assert driver(machine.host).is_set_up(machine.pk, setup)
    assert Job.objects.get().sealed == ""


def test_a_deployment_begun_by_older_code_keeps_its_password(fabric, alice):
    machine, job = order(fabric, alice, local_admin_password=PASSWORD)
    old = {name: job.inputs[name] for name in job.inputs.keys() - {"settings", "secrets"}}
    Job.objects.update(inputs={**old, "user": "root"})
    finish(job)
    machine.refresh_from_db()
    assert driver(machine.host).accepts_login(machine.pk, "root", PASSWORD)


def test_a_machine_is_in_a_domain_or_in_a_workgroup(fabric, alice):
    with pytest.raises(Invalid, match="domain corp.example or the workgroup LAB") as refused:
        order(fabric, alice, domain="corp.example", workgroup="LAB")
    assert refused.value.field == "workgroup"


def test_who_runs_the_fabric_orders_for_nobody_or_for_a_role(fabric, alice):
    role = actions.userroles.add(ADMINISTRATOR, name="Fabric", profile="DelegatedAdmin")
    operator = Caller(role=role, principal="olga")
    assert order(fabric, operator)[0].role is None
    assert order(fabric, operator, "web-02", owner_role=alice.role)[0].role == alice.role
    assert order(fabric, alice, "web-03", owner_role=role)[0].role == alice.role


def test_an_order_costs_as_many_queries_as_before(fabric):
    """The common order: a limited role, one disk, one adapter."""
    alice = acting_for(make_role(fabric, vm_count=10))
    order(fabric, alice, "warm")
    with CaptureQueriesContext(connection) as queries:
        order(fabric, alice, request_key="order-1")
    assert len(queries) <= 13, "\n".join(query["sql"][:120] for query in queries)
    assert VirtualMachine.objects.count() == 2
