"""User roles made and changed over SPF."""

from __future__ import annotations

import json
import uuid

import pytest

from fabric.vmm import actions
from fabric.vmm.models import UserRole
from tests.contract.spf_service.conftest import said, texts, xml
from tests.factories.vmm import ADMINISTRATOR

ROLE = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <content type="application/xml"><m:properties>
  <d:Name>Gold tenants</d:Name>
  <d:UserRoleProfile>TenantAdmin</d:UserRoleProfile>
  <d:AddMember m:type="Collection(Edm.String)" />
  <d:PermissionInput m:type="Collection(VMM.UserRolePermission)" />
 </m:properties></content>
</entry>"""


def where(id) -> str:
    return f"UserRoles(guid'{id}')"


@pytest.fixture
def whole(stamp, fabric) -> dict:
    """Return the body of §14.12, with the limits of networks."""
    return {
        "AddMember": ["anna@tenant1.example"],
        "AddScope": [
            {
                "Scope": fabric.cloud.pk,
                "StampId": stamp.pk,
                "ScopeType": "Cloud",
                "RoleCPUCount": 16,
                "RoleMemoryMB": 32768,
                "RoleStorageGB": 500,
                "RoleVMCount": 10,
                "RoleCustomQuotaCount": 30,
                "MemberVMCount": 3,
                "MemberCustomQuotaCount": 9,
            }
        ],
        "PermissionInput": [
            {"StampId": stamp.pk, "Permission": ["Create", "Start", "Checkpoint", "Checkpoint"]}
        ],
        "CloudPermissionInput": [
            {"StampId": stamp.pk, "CloudId": fabric.cloud.pk, "ExplicitPermission": ["Stop"]}
        ],
        "AddResource": [
            {"Resource": fabric.template.pk, "StampId": stamp.pk, "ResourceType": "VMTemplate"},
            {"Resource": fabric.network.pk, "StampId": stamp.pk, "ResourceType": "Network"},
        ],
        "VMNetworkQuota": [
            {"StampId": stamp.pk, "VMNetworkMaximum": 4, "VMNetworkMaximumPerUser": 2}
        ],
    }


def test_a_role_is_made_whole_and_read_back(administrator, fabric, stamp, whole):
    id = uuid.uuid4()
    body = {"ID": id, "Name": "anna", "UserRoleProfile": "TenantAdmin", **whole}
    answer = administrator.send("POST", "UserRoles", body)
    assert answer.status_code == 201, answer.content
    told = administrator.row(where(id))
    assert told["Members"] == ["anna@tenant1.example"]
    assert told["Permission"] == ["Checkpoint", "Create", "Start"]
    assert (told["Profile"], told["UserRoleProfile"]) == ("TenantAdmin", "TenantAdmin")
    (quota,) = told["Quotas"]
    assert (quota["Scope"], quota["ScopeType"]) == (str(fabric.cloud.pk), "Cloud")
    assert (quota["RoleCustomQuotaCount"], quota["MemberVMCount"]) == (30, 3)
    assert quota["MemberCPUCount"] is None
    (permitted,) = told["CloudPermission"]
    assert permitted["ExplicitPermission"] == ["Stop"]
    assert permitted["EffectivePermission"] == ["Checkpoint", "Create", "Start", "Stop"]
    (networks,) = told["VMNetworkQuota"]
    assert (networks["VMNetworkMaximum"], networks["VMNetworkMaximumPerUser"]) == (4, 2)
    role = UserRole.objects.get(pk=id)
    kinds = set(role.resources.values_list("kind", flat=True))
    assert kinds == {"VMTemplate", "VMNetwork"}
    # What is only sent reads back empty.
    assert told["AddMember"] == told["AddScope"] == told["PermissionInput"] == []
    assert [row["Name"] for row in administrator.rows(f"{where(id)}/Clouds")] == ["Gold"]
    for query in ("Name eq 'anna'", f"ID eq guid'{id}'", "UserRoleProfile eq 'TenantAdmin'"):
        assert str(id) in {row["ID"] for row in administrator.rows(f"UserRoles?$filter={query}")}


def test_a_whole_role_sent_back_takes_nothing_away(administrator, role, whole):
    administrator.send("MERGE", where(role.pk), whole)
    before = administrator.row(where(role.pk))
    assert before["Permission"]
    assert administrator.send("PUT", where(role.pk), before).status_code == 204
    assert administrator.row(where(role.pk)) == before


def test_what_was_given_is_taken(administrator, role, stamp, fabric, whole):
    administrator.send("MERGE", where(role.pk), whole)
    lifted = [{"StampId": stamp.pk, "RemoveVMNetworkMaximum": True}]
    change = {
        "RemoveMember": ["ANNA@tenant1.example"],
        "PermissionInput": [{"StampId": stamp.pk, "Permission": []}],
        "CloudPermissionInput": [
            {"StampId": stamp.pk, "CloudId": fabric.cloud.pk, "ExplicitPermission": []}
        ],
        "RemoveResource": [
            {"Resource": fabric.template.pk, "StampId": stamp.pk, "ResourceType": "VMTemplate"}
        ],
        "VMNetworkQuota": lifted,
    }
    assert administrator.send("MERGE", where(role.pk), change).status_code == 204
    told = administrator.row(where(role.pk))
    assert told["Permission"] == told["CloudPermission"][0]["EffectivePermission"] == []
    assert "anna@tenant1.example" not in told["Members"]
    assert told["VMNetworkQuota"][0]["VMNetworkMaximum"] is None
    assert told["VMNetworkQuota"][0]["VMNetworkMaximumPerUser"] == 2
    assert not role.resources.filter(kind="VMTemplate").exists()
    scope = [{"Scope": fabric.cloud.pk, "StampId": stamp.pk}]
    administrator.send("MERGE", where(role.pk), {"RemoveScope": scope})
    assert administrator.row(where(role.pk))["Quotas"] == []


def test_a_role_inside_a_tenants(administrator, role, stamp, fabric):
    scope = {"Scope": fabric.cloud.pk, "StampId": stamp.pk, "RoleVMCount": 2}
    body = {
        "Name": "developers",
        "UserRoleProfile": "SelfServiceUser",
        "ParentUserRoleId": role.pk,
        "AddScope": [scope],
    }
    answer = administrator.send("POST", "UserRoles", body)
    assert answer.status_code == 201, answer.content
    child = json.loads(answer.content)
    assert (child["ParentUserRoleId"], child["Profile"]) == (str(role.pk), "SelfServiceUser")
    found = administrator.rows(f"UserRoles?$filter=ParentUserRoleId eq guid'{role.pk}'")
    assert [row["Name"] for row in found] == ["developers"]
    held = administrator.send("DELETE", where(role.pk))
    assert (held.status_code, "developers" in said(held)) == (409, True)
    assert administrator.send("DELETE", where(child["ID"])).status_code == 204
    assert administrator.get(where(child["ID"])).status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"Name": None}, 400, "Name is mandatory"),
        ({"UserRoleProfile": "King"}, 400, "King"),
        ({"ParentUserRoleId": str(uuid.UUID(int=9))}, 400, "ParentUserRoleId names no"),
        ({"PermissionInput": [{"Permission": ["Fly"]}]}, 400, "Fly"),
        ({"AddScope": [{"RoleVMCount": 1}]}, 400, "AddScope needs Scope"),
        ({"AddScope": [{"Scope": str(uuid.UUID(int=9))}]}, 400, "no cloud"),
        ({"AddResource": [{"ResourceType": "VMTemplate"}]}, 400, "AddResource needs Resource"),
        ({"AddResource": [{"Resource": str(uuid.UUID(int=9))}]}, 400, "names no resource"),
        ({"AddScope": [{"StampId": str(uuid.UUID(int=9))}]}, 400, "StampId names no stamp"),
    ],
)
def test_what_is_no_role(administrator, stamp, change, status, says):
    body = {"Name": "x", "UserRoleProfile": "TenantAdmin", **change}
    answer = administrator.send("POST", "UserRoles", body)
    assert answer.status_code == status, answer.content
    assert says in said(answer)
    assert not UserRole.objects.filter(name="x").exists()


def test_a_name_is_there_once(administrator, role):
    answer = administrator.send("POST", "UserRoles", {"Name": role.name})
    assert answer.status_code == 409
    # The same role again is the same role.
    body = {"ID": role.pk, "Name": role.name, "UserRoleProfile": "TenantAdmin"}
    assert administrator.send("POST", "UserRoles", body).status_code == 201
    assert UserRole.objects.filter(name=role.name).count() == 1


def test_in_atom(administrator):
    answer = administrator.send(
        "POST", "UserRoles", ROLE, accept=None, content_type="application/atom+xml"
    )
    assert answer.status_code == 201, answer.content
    assert texts(xml(answer), "a:content/m:properties/d:UserRoleProfile") == ["TenantAdmin"]


def test_roles_are_administrators_business(tenant, stranger, role, whole):
    assert [row["ID"] for row in tenant.rows("UserRoles")] == [str(role.pk)]
    for method, path, body in (
        ("POST", "UserRoles", {"Name": "mine"}),
        ("MERGE", where(role.pk), whole),
        ("DELETE", where(role.pk), None),
    ):
        refused = tenant.send(method, path, body)
        assert (refused.status_code, "administrator" in said(refused)) == (403, True)
    assert stranger.send("MERGE", where(role.pk), whole).status_code == 404


@pytest.mark.parametrize("name", ["VMTemplates", "HardwareProfiles"])
def test_templates_and_profiles_are_granted(
    name, administrator, tenant, stranger, role, fabric, stamp
):
    profile = actions.profiles.add_hardware(
        ADMINISTRATOR, fabric.server, name="Medium", cores=2, memory_mb=4096
    )
    thing = fabric.template if name == "VMTemplates" else profile
    at = f"{name}(ID=guid'{thing.pk}',StampId=guid'{stamp.pk}')"
    grant = {"GrantedToList": [{"RoleName": role.name}]}
    assert administrator.send("PUT", at, grant).status_code == 204
    assert [row["Name"] for row in tenant.rows(name)] == [thing.name]
    assert stranger.send("PUT", at, grant).status_code == 404
    assert tenant.row(at)["GrantedToList"] == []
    refused = tenant.send("PUT", at, grant)
    assert (refused.status_code, "administrator" in said(refused)) == (403, True)
    told = administrator.row(at)
    assert [each["RoleID"] for each in told["GrantedToList"]] == [str(role.pk)]
    assert administrator.send("PUT", at, {**told, "GrantedToList": []}).status_code == 204
    assert tenant.get(at).status_code == 200
    unknown = administrator.send("PUT", at, {"GrantedToList": [{"RoleName": "nobody"}]})
    assert unknown.status_code == 400
