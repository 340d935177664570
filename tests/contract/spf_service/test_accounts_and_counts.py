"""Run-as accounts; and what is only counted: statistics, quotas, sizes, load, guests, jobs."""

from __future__ import annotations

import json

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fabric.hypervisors.base import Counters
from fabric.hypervisors.simulated import plan_fault
from fabric.vmm import actions, performance
from fabric.vmm.models import Job, RunAsAccount, UserRole, VirtualMachine
from fabric.vmm.roles import Grant
from tests.contract.spf_service.conftest import done, key, said, texts, xml
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, finish, make_share

SECRET = "Corr3ct-horse"
ACCOUNT = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <content type="application/xml"><m:properties>
  <d:Name>joiner</d:Name>
  <d:StampId m:type="Edm.Guid">{StampId}</d:StampId>
  <d:UserName>svc-join</d:UserName><d:Domain>CORP</d:Domain>
  <d:Password>Corr3ct-horse</d:Password>
 </m:properties></content>
</entry>"""


@pytest.fixture
def body(stamp) -> dict:
    return {"StampId": stamp.pk, "Name": "root", "UserName": "admin", "Password": SECRET}


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


class TestRunAsAccounts:
    def test_a_password_is_never_read_back(self, administrator, stamp, body):
        answer = administrator.send("POST", "RunAsAccounts", body)
        assert answer.status_code == 201, answer.content
        told = json.loads(answer.content)
        assert (told["UserName"], told["Password"]) == ("admin", None)
        where = key("RunAsAccounts", told["ID"], stamp.pk)
        for path in (where, "RunAsAccounts", f"Jobs?$filter=ResultObjectID eq guid'{told['ID']}'"):
            assert SECRET.encode() not in administrator.get(path).content
        assert SECRET not in RunAsAccount.objects.get().sealed
        found = administrator.get(f"RunAsAccounts?$filter=Password eq '{SECRET}'")
        assert found.status_code == 400

    def test_user_domain_and_password_change_together(self, administrator, stamp, body):
        told = json.loads(administrator.send("POST", "RunAsAccounts", body).content)
        where = key("RunAsAccounts", told["ID"], stamp.pk)
        alone = administrator.send("PUT", where, {"UserName": "other"})
        assert (alone.status_code, "password" in said(alone)) == (400, True)
        change = {"UserName": "other", "Domain": "CORP", "Password": "An0ther-one"}
        assert administrator.send("PUT", where, change).status_code == 204
        assert administrator.send("PUT", where, {"Description": "joins"}).status_code == 204
        told = administrator.row(where)
        assert (told["UserName"], told["Domain"], told["Description"]) == ("other", "CORP", "joins")
        assert administrator.send("PUT", where, told).status_code == 204
        assert administrator.send("DELETE", where).status_code == 204
        assert administrator.get(where).status_code == 404

    def test_in_atom(self, administrator, stamp):
        answer = administrator.send(
            "POST",
            "RunAsAccounts",
            ACCOUNT.format(StampId=stamp.pk),
            accept=None,
            content_type="application/atom+xml",
        )
        assert answer.status_code == 201, answer.content
        assert texts(xml(answer), "a:content/m:properties/d:Domain") == ["CORP"]
        assert SECRET.encode() not in answer.content

    @pytest.mark.parametrize("name", ["Name", "UserName", "Password", "StampId"])
    def test_what_is_missing_is_named(self, name, administrator, body):
        answer = administrator.send("POST", "RunAsAccounts", body | {name: None})
        assert (answer.status_code, f"{name} is mandatory" in said(answer)) == (400, True)

    def test_tenants_use_those_they_were_granted(
        self, administrator, tenant, stranger, role, stamp, body, order
    ):
        account = json.loads(administrator.send("POST", "RunAsAccounts", body).content)
        where = key("RunAsAccounts", account["ID"], stamp.pk)
        del order["LocalAdminUserName"], order["LocalAdminPassword"]
        order["LocalAdminRunAsAccountName"] = "root"
        refused = tenant.send("POST", "VirtualMachines", order)
        assert (refused.status_code, "RunAsAccountName" in said(refused)) == (400, True)
        grant = {"GrantedToList": [{"RoleID": str(role.pk)}]}
        assert administrator.send("PUT", where, grant).status_code == 204
        assert [row["Name"] for row in tenant.rows("RunAsAccounts")] == ["root"]
        assert stranger.rows("RunAsAccounts") == []
        assert tenant.send("DELETE", where).status_code == 403
        assert tenant.send("POST", "RunAsAccounts", body | {"Name": "b"}).status_code == 403
        answer = tenant.send("POST", "VirtualMachines", order)
        assert answer.status_code == 201, answer.content
        job = Job.objects.get(pk=answer["x-ms-request-id"])
        assert job.inputs["settings"]["user"] == "admin"
        assert SECRET not in json.dumps(job.inputs)
        assert finish(job).state == "succeeded"


class TestCounts:
    def test_statistics_are_the_callers(self, tenant, stranger, administrator, role, machine):
        (mine,) = tenant.rows("BasicStatistics")
        assert mine["ID"] == str(role.pk)
        assert (mine["Clouds"], mine["StandaloneVMs"], mine["VMsNotRunning"]) == (1, 1, 0)
        VirtualMachine.objects.update(status="UpdateFailed")
        (all_of_it,) = administrator.rows("BasicStatistics")
        assert (all_of_it["VMsNotRunning"], all_of_it["VMsRequiringAttention"]) == (1, 1)
        assert [row["StandaloneVMs"] for row in stranger.rows("BasicStatistics")] == [0]

    def test_an_administrator_asks_for_the_usage_of_one_role(
        self, administrator, stranger, machine, role, stamp, fabric
    ):
        cloud = key("Clouds", fabric.cloud.pk, stamp.pk)

        def used(id) -> dict:
            query = f"{cloud}/QuotaAndUsageComponents?$filter=UserRoleID eq guid'{id}'"
            rows = administrator.rows(query)
            return {row["QuotaDimension"]: row for row in rows}

        mine = used(role.pk)
        assert (mine["VMCount"]["UserRoleUsage"], mine["VMCount"]["UserRoleQuota"]) == (1, 10)
        assert mine["StorageGB"]["UserRoleQuota"] is None
        assert used(stranger.tenant)["VMCount"]["UserRoleUsage"] == 0

    def test_sizes_of_vm_roles(self, tenant, stamp):
        assert len(tenant.rows("VMRoleSizeProfiles")) == 7
        small = tenant.row(f"VMRoleSizeProfiles(Name='Small',StampId=guid'{stamp.pk}')")
        assert (small["CpuCount"], small["MemoryInMB"]) == ("1", "1792")
        assert tenant.send("POST", "VMRoleSizeProfiles", {"Name": "Mine"}).status_code == 405

    def test_a_machine_tells_the_load_of_its_last_sample(self, tenant, machine, stamp):
        where = key("VirtualMachines", machine.pk, stamp.pk)
        assert tenant.row(where)["PerfCPUUtilization"] == -1
        performance.record([Counters(machine.pk, 42, 256, 10, 20)], timezone.now())
        told = tenant.row(where)
        assert (told["PerfCPUUtilization"], told["CPUUtilization"]) == (42, 42)
        assert told["MemoryAvailablePercentage"] == 75
        assert told["PerfDiskBytesRead"] == "-1"
        query = (
            f"StampId eq guid'{stamp.pk}' and VMId eq guid'{machine.pk}' and TimeFrame eq 'Hour'"
        )
        rows = {
            row["PerformanceCounter"]: row
            for row in tenant.rows(f"PerformanceData?$filter={query}")
        }
        assert rows["CPUUsage"]["PerformanceHistory"] == [42]
        assert rows["PowerSavings"]["PerformanceHistory"] == [0]
        assert len(rows) == 5
        assert tenant.get("PerformanceData").status_code == 400

    def test_a_guest_that_does_not_run_says_so_by_key(self, tenant, stranger, machine, stamp):
        where = f"GuestInfos(VMId=guid'{machine.pk}',StampId=guid'{stamp.pk}')"
        assert tenant.row(where)["IPv6Addresses"] == ""
        VirtualMachine.objects.update(status="PowerOff")
        answer = tenant.get(where)
        assert (answer.status_code, "is Stopped" in said(answer)) == (409, True)
        assert tenant.rows("GuestInfos") == []
        assert stranger.get(where).status_code == 404

    def test_a_cloud_tells_where_it_stores(self, tenant, administrator, fabric, role):
        share = make_share(fabric)
        (cloud,) = tenant.rows("Clouds")
        assert (cloud["WritableLibraryPath"], cloud["UserRoleID"]) == (share.path, str(role.pk))
        assert administrator.rows("Clouds")[0]["UserRoleID"] is None


class TestJobs:
    def test_a_failed_job_is_restarted_by_putting_it(self, tenant, stranger, machine, stamp):
        where = key("VirtualMachines", machine.pk, stamp.pk)
        plan_fault(settings.SIMULATED_RACK, machine.host.name, "ensure_power", "fail")
        failed = done(tenant.send("MERGE", where, {"Operation": "Stop"}))
        at = key("Jobs", failed.pk, stamp.pk)
        told = tenant.row(at)
        assert (told["Status"], told["IsRestartable"]) == ("Failed", True)
        for text in ("Problem", "RecommendedAction", "ErrorCodeString", "ExceptionDetails"):
            assert isinstance(told["ErrorInfo"][text], str)
            assert told["ErrorInfo"][text] or text == "RecommendedAction"
        assert tenant.row(f"{where}/FailedJob")["ID"] == str(failed.pk)
        assert tenant.send("DELETE", at).status_code == 405
        assert stranger.send("PUT", at, {}).status_code == 404
        assert done(tenant.send("PUT", at, {"SkipLastFailedStep": False})).state == "succeeded"
        assert tenant.row(where)["Status"] == "PowerOff"

    def test_what_was_done_at_once_is_not_done_again(self, administrator, stamp, body):
        answer = administrator.send("POST", "RunAsAccounts", body)
        at = key("Jobs", answer["x-ms-request-id"], stamp.pk)
        again = administrator.send("PUT", at, {"SkipLastFailedStep": True})
        assert (again.status_code, "done at once" in said(again)) == (409, True)
        found = administrator.rows("Jobs?$filter=IsCompleted eq true and Owner eq 'portal'")
        assert [row["Name"] for row in found] == ["Create run-as account"]


# What leads where, by set; what is not here has never any rows.
NAVIGATIONS = {
    "VirtualMachines": (
        "Cloud,MostRecentTask,FailedJob,VirtualNetworkAdapters,VMCheckpoints,VirtualSCSIAdapters,"
        "VirtualHardDisks,VirtualDVDDrives,VirtualDiskDrives"
    ),
    "VMTemplates": (
        "VirtualNetworkAdapters,VirtualSCSIAdapters,VirtualHardDisks,VirtualDVDDrives,"
        "VirtualDiskDrives"
    ),
    "HardwareProfiles": "VirtualNetworkAdapters,VirtualSCSIAdapters,VirtualDVDDrives",
    "Clouds": ("Capacity,LogicalNetworks,CapabilityProfiles,LibraryShares,QuotaAndUsageComponents"),
    "VirtualDiskDrives": "VirtualHardDisk",
    "VirtualDVDDrives": "ISO",
    "ISOs": "LibraryShare",
    "VMCheckPoints": "ParentCheckPoint",
    "VMNetworks": "MostRecentTask,VMNetworkGateways",
    "UserRoles": "Clouds",
}


@pytest.mark.parametrize("name", NAVIGATIONS)
def test_every_navigation_expands_in_a_steady_number_of_queries(name, tenant, fabric, role):
    actions.userroles.change(
        ADMINISTRATOR, role, add_resources=[Grant("VirtualHardDisk", fabric.template.disk_id)]
    )

    def asked() -> int:
        tenant.rows(name)
        with CaptureQueriesContext(connection) as queries:
            tenant.rows(f"{name}?$expand={NAVIGATIONS[name]}")
        return len(queries)

    deploy(fabric, acting_for(role))
    few = asked()
    for number in (2, 3):
        deploy(fabric, acting_for(role), f"web-0{number}")
    assert asked() == few
    assert UserRole.objects.filter(pk=role.pk).exists()


def test_a_template_leads_to_its_drives(tenant, fabric, stamp):
    where = key("VMTemplates", fabric.template.pk, stamp.pk)
    (drive,) = tenant.rows(f"{where}/VirtualDiskDrives")
    assert (drive["TemplateId"], drive["VMId"]) == (str(fabric.template.pk), None)
    (disk,) = tenant.rows(f"{where}/VirtualHardDisks")
    assert (disk["ID"], disk["Name"]) == (drive["VirtualHardDiskId"], "ubuntu.vhdx")
    (controller,) = tenant.rows(f"{where}/VirtualSCSIAdapters")
    assert controller["TemplateId"] == str(fabric.template.pk)
