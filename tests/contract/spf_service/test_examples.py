"""The worked examples of the protocol, one test each."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.vmm.models import Job, UserRole, VirtualMachine
from tests.contract.spf_service.conftest import (
    GUEST_PASSWORD,
    NAMESPACES,
    Caller,
    key,
    said,
    texts,
    xml,
)
from tests.factories.vmm import acting_for, deploy, finish

JSON = "application/json;odata=minimalmetadata;streaming=true;charset=utf-8"


def test_a_registration_is_validated_by_reading_stamps(admin_service, stamp):
    """§14.1"""
    refused = Caller("Admin", authorization=None).get("Stamps")
    assert refused.status_code == 401
    assert refused["WWW-Authenticate"].startswith("Basic realm=")
    assert said(refused)

    answer = admin_service.get("Stamps")
    assert answer["Content-Type"] == JSON
    assert answer["DataServiceVersion"] == "3.0;"
    assert answer["Cache-Control"] == "no-cache"
    assert answer["X-Content-Type-Options"] == "nosniff"
    uuid.UUID(answer["x-ms-request-id"]), uuid.UUID(answer["request-id"])
    body = json.loads(answer.content)
    assert body["odata.metadata"].endswith("/Microsoft.Management.Odata.svc/$metadata#Stamps")
    assert body["value"] == [{"ID": str(stamp.pk), "Name": stamp.name}]


def test_without_accept_the_answer_is_atom(admin_service, stamp):
    """§14.1"""
    answer = admin_service.get("Stamps", accept=None)
    assert answer["Content-Type"] == "application/atom+xml;type=feed;charset=utf-8"
    feed = xml(answer)
    terms = [each.get("term") for each in feed.findall("a:entry/a:category", NAMESPACES)]
    assert terms == ["Admin.Stamp"]
    assert texts(feed, "a:entry/a:content/m:properties/d:Name") == [stamp.name]
    titles = [each.get("title") for each in feed.findall("a:entry/a:link", NAMESPACES)]
    assert titles[0] == "Stamp"
    assert {"Servers", "Tenants"} <= set(titles)


def test_a_tenant_sees_its_clouds(tenant, fabric, stamp):
    """§14.2"""
    (cloud,) = tenant.rows("Clouds")
    assert cloud["ID"] == str(fabric.cloud.pk)
    assert cloud["StampId"] == str(stamp.pk)
    assert cloud["Name"] == "Gold"

    full = tenant.get("Clouds()", accept="application/json;odata=fullmetadata")
    (cloud,) = json.loads(full.content)["value"]
    assert cloud["odata.type"] == "VMM.Cloud"
    where = cloud["LogicalNetworks@odata.navigationLinkUrl"]
    assert where == f"{key('Clouds', fabric.cloud.pk, stamp.pk)}/LogicalNetworks"
    assert [each["Name"] for each in tenant.rows(where)] == ["Datacenter"]

    feed = xml(tenant.get("Clouds", accept="application/atom+xml"))
    assert texts(feed, "a:entry/a:content/m:properties/d:Name") == ["Gold"]


def test_templates_come_with_their_adapters(tenant, fabric):
    """§14.3"""
    (template,) = tenant.rows("VMTemplates?$expand=VirtualNetworkAdapters")
    assert template["ID"] == str(fabric.template.pk)
    assert (template["CPUCount"], template["Memory"], template["NicCount"]) == (1, 1024, 1)
    assert template["OperatingSystemInstance"]["OSType"] == "Linux"
    assert template["TotalVHDCapacity"] == str(20 * 2**30)
    (adapter,) = template["VirtualNetworkAdapters"]
    assert adapter["TemplateId"] == template["ID"]
    assert adapter["VMId"] is None
    # Asked again, it is the same adapter.
    assert (
        tenant.rows(
            f"VMTemplates(ID=guid'{template['ID']}',StampId=guid'{template['StampId']}')"
            "/VirtualNetworkAdapters"
        )[0]["ID"]
        == adapter["ID"]
    )


def test_a_machine_is_made_from_a_template(tenant, order, role, stamp):
    """§14.4"""
    answer = tenant.send("POST", "VirtualMachines?RunAsynchronously=1", order)
    assert answer.status_code == 201, answer.content
    made = json.loads(answer.content)
    machine = VirtualMachine.objects.get()
    assert made["ID"] == str(machine.pk)
    assert made["MostRecentTaskId"] == answer["x-ms-request-id"] == str(Job.objects.get().pk)
    where = f"/{key('VirtualMachines', machine.pk, stamp.pk)}"
    assert answer["Location"] == f"http://testserver{tenant.root}{where}"
    assert (made["Status"], made["StatusString"]) == ("UnderCreation", "Creating...")
    assert (made["VirtualMachineState"], made["VMId"]) == ("PowerOff", None)
    assert (made["CPUCount"], made["Memory"]) == (4, 8192)
    assert made["Owner"] == {
        "RoleID": str(role.pk),
        "RoleName": role.name,
        "UserName": "alice@example.net",
    }
    assert (made["Tag"], made["PerfDiskBytesRead"]) == ("(none)", "-1")
    # What is only sent reads back null, and a password nowhere.
    sent_only = ("VMTemplateId", "LocalAdminPassword", "LocalAdminUserName", "StartVM")
    assert [made[name] for name in sent_only] == [None] * 4
    assert GUEST_PASSWORD.encode() not in answer.content
    assert made["odata.metadata"].endswith("$metadata#VirtualMachines/@Element")


ATOM_ORDER = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <category term="VMM.VirtualMachine"
           scheme="http://schemas.microsoft.com/ado/2007/08/dataservices/scheme" />
 <content type="application/xml"><m:properties>
  <d:StampId m:type="Edm.Guid">{StampId}</d:StampId>
  <d:CloudId m:type="Edm.Guid">{CloudId}</d:CloudId>
  <d:Name>{Name}</d:Name>
  <d:VMTemplateId m:type="Edm.Guid">{VMTemplateId}</d:VMTemplateId>
  <d:Memory m:type="Edm.Byte">2048</d:Memory>
  <d:NewVirtualNetworkAdapterInput m:type="Collection(VMM.NewVMVirtualNetworkAdapterInput)">
   <d:element m:type="NewVMVirtualNetworkAdapterInput">
    <d:VMNetworkName>front</d:VMNetworkName></d:element>
  </d:NewVirtualNetworkAdapterInput>
  <d:StartVM m:type="Edm.Boolean">True</d:StartVM>
 </m:properties></content>
</entry>"""


def test_a_machine_is_made_in_atom(tenant, order):
    """§14.5, from a template."""
    answer = tenant.send(
        "POST",
        "VirtualMachines",
        ATOM_ORDER.format_map(order),
        accept=None,
        content_type="application/atom+xml",
    )
    assert answer.status_code == 201, answer.content
    assert answer["Content-Type"] == "application/atom+xml;type=entry;charset=utf-8"
    properties = "a:content/m:properties"
    entry = xml(answer)
    assert texts(entry, f"{properties}/d:Name") == ["web-01"]
    assert texts(entry, f"{properties}/d:Memory") == ["2048"]
    assert texts(entry, f"{properties}/d:MostRecentTaskId") == [answer["x-ms-request-id"]]
    null = entry.find(f"{properties}/d:VMId", NAMESPACES)
    assert null is not None
    assert null.get(f"{{{NAMESPACES['m']}}}null") == "true"
    assert VirtualMachine.objects.get().adapters.get().network.name == "front"


def test_a_job_is_polled_by_its_id_alone(tenant, order):
    """§14.6"""
    job_id = tenant.send("POST", "VirtualMachines", order)["x-ms-request-id"]
    (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{job_id}'")
    assert (job["Status"], job["IsCompleted"], job["Progress"]) == ("NotStarted", False, "0 %")
    assert (job["CmdletName"], job["ResultName"]) == ("New-SCVirtualMachine", "web-01")
    assert job["Owner"] == "alice@example.net"
    assert job["ErrorInfo"]["DisplayableErrorCode"] == "0"

    finish(Job.objects.get(pk=job_id))
    (job,) = tenant.rows(f"Jobs?$filter=ID  eq Guid'{{{job_id.upper()}}}'&$expand=Steps")
    assert (job["Status"], job["IsCompleted"], job["ProgressValue"]) == ("Completed", True, 100)
    assert job["EndTime"] is not None
    assert {step["Status"] for step in job["Steps"]} == {"Completed"}
    assert [step["Number"] for step in job["Steps"]] == list(range(1, len(job["Steps"]) + 1))


def test_a_failed_job_tells_why_and_the_machine_stays(tenant, order, fabric):
    """§14.6, failed."""
    fabric.hosts[0].__class__.objects.update(is_available=False)
    answer = tenant.send("POST", "VirtualMachines", order)
    finish(Job.objects.get(pk=answer["x-ms-request-id"]))
    (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{answer['x-ms-request-id']}'")
    assert (job["Status"], job["IsCompleted"]) == ("Failed", True)
    info = job["ErrorInfo"]
    assert info["IsSuccess"] is False
    assert info["Problem"] == info["ExceptionDetails"] != ""
    assert info["ErrorCodeString"] == info["Code"] == "no_suitable_host"
    (machine,) = tenant.rows("VirtualMachines")
    assert machine["StatusString"] == "Creation Failed"
    assert machine["DeploymentErrorInfo"]["Problem"] == info["Problem"]
    assert machine["FailedJobID"] == job["ID"]


@pytest.fixture
def machine(fabric, role, stamp):
    return deploy(fabric, acting_for(role))


def test_operations_in_every_form_clients_send(tenant, machine, stamp):
    """§14.7"""
    where = key("VirtualMachines", machine.pk, stamp.pk)
    merged = tenant.send(
        "MERGE", where, {"odata.type": "VMM.VirtualMachine", "Operation": "Shutdown"}
    )
    assert (merged.status_code, merged.content) == (204, b"")
    assert merged["DataServiceVersion"] == "1.0;"
    finish(Job.objects.get(pk=merged["x-ms-request-id"]))

    # WAPack PUTs the whole object, nulls and all, and wants it back.
    whole = {**tenant.row(where), "Operation": "Start", "Cloud": None, "Description": None}
    put = tenant.send("PUT", where, whole, Prefer="return-content")
    assert put.status_code == 200, put.content
    assert put["Preference-Applied"] == "return-content"
    told = json.loads(put.content)
    assert (told["Status"], told["Operation"]) == ("Starting", None)
    assert told["MostRecentTaskId"] == put["x-ms-request-id"]
    finish(Job.objects.get(pk=put["x-ms-request-id"]))

    # Sirocco: lower case, StampId first, Atom with nothing but the operation.
    lower = f"/sc2012r2/vmm/{tenant.tenant}/microsoft.management.odata.svc"
    entry = (
        '<entry xmlns="http://www.w3.org/2005/Atom"><content type="application/xml">'
        f'<m:properties xmlns:m="{NAMESPACES["m"]}" xmlns:d="{NAMESPACES["d"]}">'
        "<d:Operation>Suspend</d:Operation></m:properties></content></entry>"
    )
    path = f"virtualmachines(StampId=guid'{stamp.pk}',ID=guid'{machine.pk}')"
    suspended = tenant.send(
        "PUT", path, entry, root=lower, accept=None, content_type="application/atom+xml"
    )
    assert suspended.status_code == 204, suspended.content
    finish(Job.objects.get(pk=suspended["x-ms-request-id"]))
    assert tenant.row(where)["Status"] == "Paused"

    # Tunnelled through POST.
    tunnelled = tenant.send("POST", where, {"Operation": "Resume"}, X_HTTP_Method="MERGE")
    assert tunnelled.status_code == 204
    unknown = tenant.send("PATCH", where, {"Operation": "Explode"})
    assert unknown.status_code == 400


def test_a_change_of_the_machine_leaves_the_rest(tenant, machine, stamp):
    where = key("VirtualMachines", machine.pk, stamp.pk)
    whole = {**tenant.row(where), "Description": "changed"}
    answer = tenant.send("PUT", where, whole)
    assert answer.status_code == 204
    finish(Job.objects.get(pk=answer["x-ms-request-id"]))
    told = tenant.row(where)
    assert (told["Description"], told["Name"], told["CPUCount"]) == ("changed", "web-01", 1)
    # Nothing differs: nothing is done.
    tenant.send("PUT", where, told)
    assert Job.objects.filter(cmdlet="Set-SCVirtualMachine").count() == 1


def test_machines_are_listed_with_adapters_and_disks(tenant, machine):
    """§14.8"""
    query = (
        "VirtualMachines()?$expand=VirtualNetworkAdapters,VirtualHardDisks"
        "&$orderby=Name&$top=50&$inlinecount=allpages"
    )
    answer = json.loads(tenant.get(query).content)
    assert answer["odata.count"] == "1"
    (row,) = answer["value"]
    assert (row["Status"], row["VMId"]) == ("Running", str(machine.hypervisor_id))
    (adapter,) = row["VirtualNetworkAdapters"]
    assert adapter["VMId"] == row["ID"]
    assert adapter["VMNetworkName"] == "front"
    assert len(adapter["IPv4Addresses"]) == 1
    (disk,) = row["VirtualHardDisks"]
    assert (disk["VMId"], disk["MaximumSize"]) == (row["ID"], str(20 * 2**30))


def test_a_tenant_from_nothing_to_usable(administrator, admin_service, fabric, stamp, order):
    """§14.12"""
    subscription = uuid.uuid4()
    name = f"dora@example.net_{subscription}"
    body = {"Name": name, "SubscriptionID": str(subscription)}
    made = admin_service.send("POST", "Tenants", body, accept=None)
    assert made.status_code == 201
    assert made["Content-Type"].startswith("application/atom+xml;type=entry")
    assert made["Location"].endswith(f"/Tenants(guid'{subscription}')")
    assert not UserRole.objects.filter(pk=subscription).exists()

    url = f"https://elsewhere.example.net:8090{admin_service.root}/Stamps(guid'{stamp.pk}')"
    links = f"Tenants(guid'{subscription}')/$links/Stamps"
    assert admin_service.send("POST", links, {"url": url}).status_code == 204
    assert admin_service.send("POST", links, {"url": url}).status_code == 204
    assert UserRole.objects.get(pk=subscription).profile == "TenantAdmin"
    (known,) = admin_service.rows(links)
    assert known["url"].endswith(f"Stamps(guid'{stamp.pk}')")

    merged = administrator.send(
        "MERGE",
        f"UserRoles(guid'{subscription}')",
        {
            "odata.type": "VMM.UserRole",
            "ID": str(subscription),
            "AddMember@odata.type": "Collection(Edm.String)",
            "AddMember": ["dora@example.net"],
            "AddScope@odata.type": "Collection(VMM.UserRoleScope)",
            "AddScope": [
                {
                    "Scope": str(fabric.cloud.pk),
                    "StampId": str(stamp.pk),
                    "ScopeType": "Cloud",
                    "RoleCPUCount": 16,
                    "RoleMemoryMB": 32768,
                    "RoleVMCount": 1,
                }
            ],
            "PermissionInput": [
                {"StampId": str(stamp.pk), "Permission": ["Create", "AllowLocalAdmin", "Create"]}
            ],
            "AddResource": [
                {
                    "Resource": str(fabric.template.pk),
                    "StampId": str(stamp.pk),
                    "ResourceType": "VMTemplate",
                },
                {
                    "Resource": str(fabric.network.pk),
                    "StampId": str(stamp.pk),
                    "ResourceType": "VMNetwork",
                },
            ],
        },
    )
    assert merged.status_code == 204, merged.content
    role = administrator.row(f"UserRoles/{subscription}")
    assert role["Permission"] == ["AllowLocalAdmin", "Create"]
    assert role["Quotas"][0]["RoleCPUCount"] == 16
    (template,) = administrator.rows("VMTemplates")
    granted = {"RoleID": str(subscription), "RoleName": name, "UserName": None}
    assert granted in template["GrantedToList"]

    dora = Caller(tenant=subscription, principal="dora@example.net")
    assert dora.send("POST", "VirtualMachines", order).status_code == 201
    over = dora.send("POST", "VirtualMachines", {**order, "Name": "web-02"})
    assert over.status_code == 400
    assert "virtual machines" in said(over)


def test_usage_is_told_against_quota(tenant, fabric, stamp, machine):
    """§14.13"""
    rows = tenant.rows(f"{key('Clouds', fabric.cloud.pk, stamp.pk)}/QuotaAndUsageComponents")
    told = {
        row["QuotaDimension"]: (row["UserRoleQuota"], row["UserRoleUsage"], row["UserUsage"])
        for row in rows
    }
    assert told == {
        "VMCount": (10, 1, 1),
        "CpuCount": (16, 1, 1),
        "MemoryMB": (32768, 1024, 1024),
        "StorageGB": (None, 20, 20),
        "CustomQuotaCount": (None, 1, 1),
    }


def test_errors_are_told_in_the_callers_format(tenant, order):
    """§14.14"""
    del order["CloudId"]
    refused = tenant.send("POST", "VirtualMachines", order)
    assert refused.status_code == 400
    assert refused["Content-Type"] == JSON
    assert said(refused) == "The parameter CloudId is mandatory."

    missing = tenant.get(
        f"VirtualMachines(ID=guid'{uuid.uuid4()}',StampId=guid'{uuid.uuid4()}')", accept=None
    )
    assert missing.status_code == 404
    assert missing["Content-Type"] == "application/xml;charset=utf-8"
    assert texts(xml(missing), "m:message") == [
        "Resource not found for the segment 'VirtualMachines'."
    ]


def test_a_machine_is_deleted(tenant, machine, stamp):
    """§14.15"""
    where = key("VirtualMachines", machine.pk, stamp.pk)
    running = tenant.send("DELETE", where)
    assert running.status_code == 409
    stopped = tenant.send("PUT", f"{where}?RunAsynchronously=1", {"Operation": "Stop"})
    finish(Job.objects.get(pk=stopped["x-ms-request-id"]))
    answer = tenant.send("DELETE", f"{where}?RunAsynchronously=1")
    assert (answer.status_code, answer.content) == (204, b"")
    job_id = answer["x-ms-request-id"]
    assert tenant.row(where)["Status"] == "Deleting"
    finish(Job.objects.get(pk=job_id))
    assert tenant.get(where).status_code == 404
    # Its job is still there to be read.
    (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{job_id}'")
    assert job["Status"] == "Completed"


def test_a_failed_job_is_restarted_by_put(tenant, order, fabric, stamp):
    hosts = fabric.hosts[0].__class__.objects
    hosts.update(is_available=False)
    job_id = tenant.send("POST", "VirtualMachines", order)["x-ms-request-id"]
    finish(Job.objects.get(pk=job_id))
    hosts.update(is_available=True)
    answer = tenant.send("PUT", key("Jobs", job_id, stamp.pk), {"SkipLastFailedStep": False})
    assert (answer.status_code, answer["x-ms-request-id"]) == (204, job_id)
    assert finish(Job.objects.get(pk=job_id)).state == "succeeded"
    assert tenant.rows("VirtualMachines")[0]["Status"] == "Running"


def test_performance_is_told_for_one_machine_and_frame(tenant, machine, stamp):
    asked = f"StampId eq guid'{stamp.pk}' and VMId eq guid'{machine.pk}'"
    rows = tenant.rows(f"PerformanceData?$filter={asked} and TimeFrame eq 'Hour'")
    assert {row["PerformanceCounter"] for row in rows} >= {
        "CPUUsage",
        "MemoryUsage",
        "StorageIOPSUsage",
        "NetworkIOUsage",
    }
    without = tenant.get(f"PerformanceData?$filter={asked}")
    assert without.status_code == 400
    assert "TimeFrame" in said(without)


def test_few_queries_however_many_machines(fabric, role, tenant, stamp, order):
    """Reading is constant; making a machine stays within twenty."""
    caller = acting_for(role)
    # The first call of an account notes that it is used.
    tenant.rows("Clouds")
    counts = []
    for batch in (1, 4):
        machines = [deploy(fabric, caller, f"vm-{batch}-{i}") for i in range(batch)]
        with CaptureQueriesContext(connection) as feed:
            tenant.rows("VirtualMachines?$expand=VirtualNetworkAdapters,Cloud,MostRecentTask/Steps")
        counts.append(len(feed))
    assert counts[0] == counts[1] <= 10
    with CaptureQueriesContext(connection) as one:
        tenant.row(key("VirtualMachines", machines[0].pk, stamp.pk))
    assert len(one) <= 4
    with CaptureQueriesContext(connection) as made:
        assert tenant.send("POST", "VirtualMachines", order).status_code == 201
    own = [query for query in made if "SAVEPOINT" not in query["sql"]]
    assert len(own) <= 20, [query["sql"][:80] for query in own]


def test_another_tenant_of_the_same_cloud_has_its_own_numbers(tenant, stranger, machine):
    assert len(tenant.rows("VirtualMachines")) == 1
    usage = stranger.rows("QuotaAndUsageComponents")
    assert {row["UserRoleUsage"] for row in usage} == {0}
