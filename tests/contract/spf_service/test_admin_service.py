"""Stamps, servers and tenants, as a hoster's tools keep them."""

from __future__ import annotations

import json
import uuid

import pytest

from fabric.spf.models import ServerEntry, Stamp, Tenant
from fabric.vmm.actions import servers
from fabric.vmm.models import UserRole
from tests.contract.spf_service.conftest import Caller, said, texts, xml


def address(caller: Caller, name: str, id: object) -> dict[str, str]:
    return {"url": f"https://localhost:8090{caller.root}/{name}(guid'{id}')"}


def made(answer) -> str:
    assert answer.status_code == 201, answer.content
    return json.loads(answer.content)["ID"]


def test_a_vmm_server_becomes_a_stamp_in_three_calls(admin_service, administrator):
    server = servers.ensure("vmm77.example.net")
    stamp_id = made(admin_service.send("POST", "Stamps", {"Name": server.name}))
    body = {"Name": "VMM77.example.net", "ServerType": 0}
    server_id = made(admin_service.send("POST", "Servers", body))
    link = f"Stamps(guid'{stamp_id}')/$links/Servers"
    target = address(admin_service, "Servers", server_id)
    assert admin_service.send("POST", link, target).status_code == 204
    (told,) = admin_service.rows(f"Stamps(guid'{stamp_id}')/Servers")
    assert (told["ID"], told["Name"], told["ServerType"]) == (server_id, server.name, 0)
    rows = admin_service.rows("Stamps?$expand=Servers,Tenants&$filter=Name eq 'vmm77.example.net'")
    assert [row["Servers"][0]["Name"] for row in rows] == [server.name]
    assert administrator.rows(f"Clouds?$filter=StampId eq guid'{stamp_id}'") == []

    assert admin_service.send("DELETE", f"Servers(guid'{server_id}')").status_code == 409
    parted = admin_service.send("DELETE", f"{link}(guid'{server_id}')")
    assert parted.status_code == 204
    assert admin_service.send("DELETE", f"Servers(guid'{server_id}')").status_code == 204
    assert admin_service.send("DELETE", f"Stamps(guid'{stamp_id}')").status_code == 204
    assert admin_service.get(f"Stamps(guid'{stamp_id}')").status_code == 404


def test_a_vmm_server_out_of_reach_is_refused_by_name(admin_service):
    body = {"Name": "vmm00.nowhere.example", "ServerType": 0}
    answer = admin_service.send("POST", "Servers", body)
    assert answer.status_code == 400
    assert "vmm00.nowhere.example" in said(answer)
    assert not ServerEntry.objects.filter(name=body["Name"]).exists()
    # Any other kind of server is only remembered.
    made(admin_service.send("POST", "Servers", body | {"ServerType": 4}))
    assert admin_service.send("POST", "Servers", body | {"ServerType": 9}).status_code == 400


def test_a_stamp_and_its_vmm_server_belong_to_each_other_alone(admin_service, stamp):
    entry = stamp.servers.get()
    other = made(admin_service.send("POST", "Stamps", {"Name": "another"}))
    link = f"Stamps(guid'{other}')/$links/Servers"
    taken = admin_service.send("POST", link, address(admin_service, "Servers", entry.pk))
    assert taken.status_code == 409
    assert entry.name in said(taken)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 5},
        {"url": "https://localhost:8090/"},
        {"url": "Stamps"},
        {"url": "Servers(guid'nonsense')"},
        {"url": f"Tenants(guid'{uuid.uuid4()}')"},
    ],
)
def test_a_link_to_nothing_is_refused(admin_service, stamp, body):
    answer = admin_service.send("POST", f"Stamps(guid'{stamp.pk}')/$links/Servers", body)
    assert answer.status_code == 400
    missing = {"url": f"Servers(guid'{uuid.uuid4()}')"}
    answer = admin_service.send("POST", f"Stamps(guid'{stamp.pk}')/$links/Servers", missing)
    assert answer.status_code == 404


def test_names_and_ids_are_taken_once(admin_service, stamp):
    assert admin_service.send("POST", "Stamps", {"Name": stamp.name.upper()}).status_code == 409
    assert admin_service.send("POST", "Stamps", {"Name": "  "}).status_code == 400
    id = str(uuid.uuid4())
    tenant = {"Name": "dora", "SubscriptionID": id}
    assert made(admin_service.send("POST", "Tenants", tenant)) == id
    assert admin_service.send("POST", "Tenants", tenant).status_code == 409
    assert admin_service.send("POST", "Tenants", {"Name": "dora"}).status_code == 409


def test_a_tenant_is_renamed_suspended_and_removed(admin_service, stamp):
    id = uuid.uuid4()
    made(admin_service.send("POST", "Tenants", {"Name": "dora", "SubscriptionID": str(id)}))
    where = f"Tenants(guid'{id}')"
    target = address(admin_service, "Stamps", stamp.pk)
    admin_service.send("POST", f"{where}/$links/Stamps", target)
    door = Caller(tenant=id)
    assert door.get("Clouds").status_code == 200

    changed = admin_service.send("MERGE", where, {"Name": "dora the second", "AccountStatus": 1})
    assert changed.status_code == 204
    assert UserRole.objects.get(pk=id).name == "dora the second"
    assert admin_service.row(f"Tenants(ID=guid'{id}')?$select=Name")["Name"] == "dora the second"
    assert door.get("Clouds").status_code == 403

    assert admin_service.send("DELETE", f"Stamps(guid'{stamp.pk}')").status_code == 409
    assert admin_service.send("DELETE", where).status_code == 204
    assert not UserRole.objects.filter(pk=id).exists()
    assert not Tenant.objects.filter(pk=id).exists()
    assert Stamp.objects.filter(pk=stamp.pk).exists()


def test_a_tenant_with_machines_stays(admin_service, tenant, order, role):
    held = {"Name": role.name, "SubscriptionID": str(role.pk)}
    made(admin_service.send("POST", "Tenants", held))
    assert tenant.send("POST", "VirtualMachines", order).status_code == 201
    refused = admin_service.send("DELETE", f"Tenants(guid'{role.pk}')")
    assert refused.status_code == 409
    assert Tenant.objects.filter(pk=role.pk).exists()


def test_both_services_describe_themselves(admin_service, tenant):
    for caller, container in ((admin_service, "Admin"), (tenant, "VMM")):
        document = caller.get("$metadata", accept="application/xml")
        assert document.status_code == 200
        assert document["Content-Type"] == "application/xml;charset=utf-8"
        assert f'<EntityContainer Name="{container}"' in document.content.decode()
    names = {each["name"] for each in json.loads(tenant.get("").content)["value"]}
    assert {"VirtualMachines", "UserRoles", "JobSteps", "CloudServices"} <= names
    listed = xml(admin_service.get("", accept=None))
    app = "{http://www.w3.org/2007/app}"
    hrefs = [each.get("href") for each in listed.iter(f"{app}collection")]
    assert hrefs == ["Servers", "Stamps", "Tenants"]


def test_single_members_are_told(admin_service, stamp):
    where = f"Stamps(guid'{stamp.pk}')"
    assert admin_service.get(f"{where}/Name/$value").content.decode() == stamp.name
    assert admin_service.row(f"{where}/Name")["value"] == stamp.name
    assert xml(admin_service.get(f"{where}/Name", accept=None)).text == stamp.name
    entry = xml(admin_service.get(where, accept="application/atom+xml"))
    assert texts(entry, "a:content/m:properties/d:Name") == [stamp.name]
