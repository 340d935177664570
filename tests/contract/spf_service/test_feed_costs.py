"""What reading costs the database: three queries for one entity, an index for a tenant's feed."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.spf.actions import tenants
from fabric.vmm.models import (
    Checkpoint,
    DiskDrive,
    Job,
    NetworkAdapter,
    UserRole,
    VirtualMachine,
)
from tests.contract.spf_service.conftest import Caller
from tests.factories.vmm import Fabric, acting_for, deploy, make_role

FORMATS = ["application/json", "application/atom+xml"]
OTHERS, OWN = 3000, 5


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


def _of(set_name: str, id: Any, stamp: Any) -> str:
    return f"{set_name}(ID=guid'{id}',StampId=guid'{stamp.pk}')"


@pytest.fixture
def entities(fabric, role, machine, stamp) -> dict[str, str]:
    """Return the addresses of one entity of many a set."""
    drive = DiskDrive.objects.get(machine=machine)
    checkpoint = _checkpoint(machine)
    checkpoint.save()
    return {
        "VirtualMachines": _of("VirtualMachines", machine.pk, stamp),
        "Jobs": _of("Jobs", machine.most_recent_job_id, stamp),
        "VirtualDiskDrives": _of("VirtualDiskDrives", drive.pk, stamp),
        "VMCheckPoints": _of("VMCheckPoints", checkpoint.pk, stamp),
        "VirtualNetworkAdapters": _of(
            "VirtualNetworkAdapters", NetworkAdapter.objects.get(machine=machine).pk, stamp
        ),
        "GuestInfos": f"GuestInfos(VMId=guid'{machine.pk}',StampId=guid'{stamp.pk}')",
        "UserRoles": f"UserRoles(guid'{role.pk}')",
        "Clouds": _of("Clouds", fabric.cloud.pk, stamp),
        "VMTemplates": _of("VMTemplates", fabric.template.pk, stamp),
        "VMNetworks": _of("VMNetworks", fabric.network.pk, stamp),
        "LogicalNetworks": _of("LogicalNetworks", fabric.network.logical_network_id, stamp),
        "QuotaAndUsageComponents": (
            f"QuotaAndUsageComponents(ID=guid'{fabric.cloud.pk}',QuotaDimension='CpuCount',"
            f"StampId=guid'{stamp.pk}')"
        ),
        "PerformanceData": (
            f"PerformanceData(PerformanceCounter='CPUUsage',StampId=guid'{stamp.pk}',"
            f"TimeFrame='hour',VMId=guid'{machine.pk}')"
        ),
        "JobSteps": (
            f"JobSteps(JobId=guid'{machine.most_recent_job_id}',Number=1,StampId=guid'{stamp.pk}')"
        ),
    }


@pytest.mark.parametrize("accept", FORMATS)
@pytest.mark.parametrize("door", ["tenant", "administrator"])
@pytest.mark.parametrize(
    "name",
    [
        "VirtualMachines",
        "Jobs",
        "VirtualDiskDrives",
        "VMCheckPoints",
        "VirtualNetworkAdapters",
        "GuestInfos",
        "UserRoles",
        "Clouds",
        "VMTemplates",
        "VMNetworks",
        "LogicalNetworks",
        "QuotaAndUsageComponents",
        "PerformanceData",
        "JobSteps",
    ],
)
def test_one_entity_takes_three_queries(
    request, entities, django_assert_max_num_queries, accept, door, name
):
    caller = request.getfixturevalue(door)
    # The first call spends time on the password.
    caller.get("Clouds?$top=1")
    with django_assert_max_num_queries(3):
        answer = caller.get(entities[name], accept=accept)
    assert answer.status_code == 200, answer.content


@pytest.mark.parametrize("accept", FORMATS)
def test_one_entity_of_the_admin_service_takes_three_queries(
    stamp, django_assert_max_num_queries, accept
):
    tenant = tenants.create_tenant("alice@example.net", uuid.uuid4())
    caller = Caller(service="Admin")
    caller.get("Stamps")
    for path in (f"Stamps(guid'{stamp.pk}')", f"Tenants(guid'{tenant.pk}')"):
        with django_assert_max_num_queries(3):
            answer = caller.get(path, accept=accept)
        assert answer.status_code == 200, answer.content


def test_an_expansion_takes_one_query_for_each_navigation(tenant, entities):
    place = entities["VirtualMachines"]
    tenant.get(place)
    counts = []
    for expand in ("Cloud", "Cloud,VirtualDiskDrives", "Cloud,VirtualDiskDrives,VMCheckpoints"):
        with CaptureQueriesContext(connection) as queries:
            assert tenant.get(f"{place}?$expand={expand}").status_code == 200
        counts.append(len(queries))
    assert counts == [4, 5, 6]


# What a tenant's feeds read, table by table.
BIG = {
    "VirtualMachines": VirtualMachine,
    "Jobs": Job,
    "VirtualNetworkAdapters": NetworkAdapter,
    "VirtualDiskDrives": DiskDrive,
    "VMCheckPoints": Checkpoint,
}


@pytest.fixture
def crowd(fabric: Fabric, role: UserRole, stamp: Any) -> None:
    """Give a role a few machines, among thousands of others."""
    other = make_role(fabric, "charlie@example.net")
    machines = [
        VirtualMachine(
            server=fabric.server,
            cloud=fabric.cloud,
            role=role if n < OWN else other,
            name=f"vm-{n:05}",
            computer_name=f"vm-{n:05}",
            cores=1,
            memory_mb=1024,
            storage_gb=20,
            status="PowerOff",
        )
        for n in range(OTHERS)
    ]
    VirtualMachine.objects.bulk_create(machines)
    for model, rows in _devices(machines):
        model.objects.bulk_create(rows)
    Job.objects.bulk_create(
        Job(
            server=fabric.server,
            role=machine.role,
            subject=machine.pk,
            recipe="operate",
            title="Start virtual machine",
            cmdlet="Start-SCVirtualMachine",
            target_name=machine.name,
            steps=[],
        )
        for machine in machines
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def _checkpoint(machine: VirtualMachine) -> Checkpoint:
    return Checkpoint(machine=machine, name="before", cores=1, memory_mb=1024, is_complete=True)


def _devices(machines: list[VirtualMachine]) -> Iterator[tuple[Any, list[Any]]]:
    yield DiskDrive, [DiskDrive(machine=each, name=each.name, size_gb=20) for each in machines]
    yield Checkpoint, [_checkpoint(each) for each in machines]
    adapters = []
    for n, each in enumerate(machines):
        mac = "02:4C:" + ":".join(f"{n >> shift & 255:02X}" for shift in (24, 16, 8, 0))
        adapters.append(NetworkAdapter(machine=each, mac=mac, slot=0))
    yield NetworkAdapter, adapters


@pytest.mark.slow
def test_a_tenants_feeds_are_found_by_an_index(crowd, tenant):
    tenant.get("Clouds?$top=1")
    for set_name, model in BIG.items():
        for path in (set_name, f"{set_name}?$orderby=ID&$top=20&$inlinecount=allpages"):
            with CaptureQueriesContext(connection) as queries:
                answer = tenant.get(path)
            assert answer.status_code == 200
            table = model._meta.db_table
            asked = [each["sql"] for each in queries if f'FROM "{table}"' in each["sql"]]
            assert asked, f"{path} reads no {table}"
            for sql in asked:
                plan = _plan(sql)
                assert "Seq Scan on vmm_virtualmachine" not in plan, plan
                assert f"Seq Scan on {table}" not in plan, plan


def _plan(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql.replace("%", "%%"))
        return "\n".join(line for (line,) in cursor.fetchall())


def test_the_disks_of_the_library_are_told_without_looking_at_machines(
    administrator, machine, stamp
):
    of_library = f"VirtualHardDisks?$filter=StampId eq guid'{stamp.pk}' and VMId eq null"
    with CaptureQueriesContext(connection) as queries:
        rows = administrator.rows(of_library)
    assert [row["Name"] for row in rows] == ["ubuntu.vhdx"]
    assert not [q["sql"] for q in queries if "vmm_diskdrive" in q["sql"]]
