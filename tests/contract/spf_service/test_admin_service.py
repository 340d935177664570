"""Stamps, servers and tenants, as a hoster's tools keep them."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fabric.spf.models import ServerEntry, SpfSetting, Stamp, Tenant
from fabric.vmm.actions import servers, userroles
from fabric.vmm.models import UserRole
from tests.contract.spf_service.conftest import Caller, said, texts, xml
from tests.factories.vmm import ADMINISTRATOR


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
    assert hrefs == [
        "DataCenters",
        "Offers",
        "Servers",
        "SpfSettings",
        "Stamps",
        "TenantUserRoles",
        "Tenants",
        "TrustedIssuers",
    ]


def test_single_members_are_told(admin_service, stamp):
    where = f"Stamps(guid'{stamp.pk}')"
    assert admin_service.get(f"{where}/Name/$value").content.decode() == stamp.name
    assert admin_service.row(f"{where}/Name")["value"] == stamp.name
    assert xml(admin_service.get(f"{where}/Name", accept=None)).text == stamp.name
    entry = xml(admin_service.get(where, accept="application/atom+xml"))
    assert texts(entry, "a:content/m:properties/d:Name") == [stamp.name]


def post(caller: Caller, path: str, target: dict[str, str]) -> None:
    answer = caller.send("POST", path, target)
    assert answer.status_code == 204, answer.content


def names_of(caller: Caller, path: str) -> list[str]:
    return [row["Name"] for row in caller.rows(path)]


def test_what_is_in_use_stays_and_both_sides_are_named(admin_service, stamp):
    dora = made(admin_service.send("POST", "Tenants", {"Name": "dora"}))
    post(
        admin_service, f"Stamps(guid'{stamp.pk}')/$links/Tenants", {"url": f"Tenants(guid'{dora}')"}
    )
    refused = admin_service.send("DELETE", f"Stamps(guid'{stamp.pk}')")
    assert refused.status_code == 409
    assert stamp.name in said(refused)
    assert "dora" in said(refused)
    entry = stamp.servers.get()
    refused = admin_service.send("DELETE", f"Servers(guid'{entry.pk}')")
    assert refused.status_code == 409
    assert said(refused).count(stamp.name) == 2, "the server is called as the stamp is"


def test_a_gateway_is_changed_and_a_vmm_server_in_use_is_not(admin_service, stamp):
    gateway = made(admin_service.send("POST", "Servers", {"Name": "rdg01", "ServerType": 4}))
    post(
        admin_service,
        f"Stamps(guid'{stamp.pk}')/$links/Servers",
        {"url": f"Servers(guid'{gateway}')"},
    )
    where = f"Servers(guid'{gateway}')"
    # A client that knows types puts the whole entity.
    whole = {"ID": gateway, "Name": "rdg02.example.net", "ServerType": 4}
    assert admin_service.send("PUT", where, whole).status_code == 204
    assert admin_service.row(where)["Name"] == "rdg02.example.net"
    assert admin_service.send("MERGE", where, {"ServerType": 7}).status_code == 400

    servers.ensure("vmm78.example.net")
    entry = stamp.servers.get(server_type=0)
    where = f"Servers(guid'{entry.pk}')"
    for change in ({"Name": "vmm78.example.net"}, {"ServerType": 4}):
        refused = admin_service.send("PUT", where, change)
        assert refused.status_code == 409, change
        assert stamp.name in said(refused)
    assert admin_service.send("PUT", where, {"Name": entry.name.upper()}).status_code == 204
    assert ServerEntry.objects.get(pk=entry.pk).name == entry.name
    taken = admin_service.send("POST", "Servers", {"Name": "RDG02.example.net", "ServerType": 4})
    assert taken.status_code == 409


def test_stamps_are_in_data_centers(admin_service, stamp):
    north = made(admin_service.send("POST", "DataCenters", {"Name": "north"}))
    south = made(admin_service.send("POST", "DataCenters", {"Name": "south"}))
    link = f"Stamps(guid'{stamp.pk}')/$links/DataCenter"
    assert admin_service.get(link).status_code == 404
    answer = admin_service.send("PUT", link, {"url": f"DataCenters(guid'{north}')"})
    assert answer.status_code == 204
    assert north in admin_service.get(link).content.decode()
    assert admin_service.row(f"Stamps(guid'{stamp.pk}')/DataCenter")["Name"] == "north"
    assert names_of(admin_service, f"DataCenters(guid'{north}')/Stamps") == [stamp.name]
    (row,) = admin_service.rows("Stamps?$expand=DataCenter")
    assert row["DataCenter"]["Name"] == "north"

    refused = admin_service.send("DELETE", f"DataCenters(guid'{north}')")
    assert refused.status_code == 409
    assert "north" in said(refused)
    assert stamp.name in said(refused)
    # From the other side; and parting it from where it is not changes nothing.
    target = address(admin_service, "Stamps", stamp.pk)
    post(admin_service, f"DataCenters(guid'{south}')/$links/Stamps", target)
    apart = f"DataCenters(guid'{north}')/$links/Stamps(guid'{stamp.pk}')"
    assert admin_service.send("DELETE", apart).status_code in (204, 404)
    assert Stamp.objects.get(pk=stamp.pk).data_center.name == "south"
    assert admin_service.send("DELETE", f"DataCenters(guid'{north}')").status_code == 204
    assert admin_service.send("DELETE", link).status_code == 204
    assert Stamp.objects.get(pk=stamp.pk).data_center is None

    where = f"DataCenters(guid'{south}')"
    assert admin_service.send("MERGE", where, {"Name": "deep south"}).status_code == 204
    assert names_of(admin_service, "DataCenters") == ["deep south"]
    again = admin_service.send("POST", "DataCenters", {"Name": "Deep South"})
    assert again.status_code == 409


def test_connection_strings_are_kept_sealed_and_told_without_passwords(admin_service, stamp):
    value = 'Server=dw01;Database=OMDW;User Id=reader;Password="top;secret";Timeout=5'
    body = {"Name": "warehouse", "SettingType": "databaseconnectionstring", "Value": value}
    answer = admin_service.send("POST", "SpfSettings", body)
    where = f"SpfSettings(guid'{made(answer)}')"
    told = admin_service.row(where)
    assert told["SettingType"] == "DatabaseConnectionString"
    hidden = "Server=dw01;Database=OMDW;User Id=reader;Password=********;Timeout=5"
    assert told["Value"] == hidden
    setting = SpfSetting.objects.get()
    assert "secret" not in answer.content.decode() + setting.sealed + repr(setting)

    # What was told comes back with every whole PUT: it changes nothing.
    assert admin_service.send("PUT", where, told | {"Name": "dw"}).status_code == 204
    assert SpfSetting.objects.get().sealed == setting.sealed
    other = {"Value": "Server=dw02;Password=********"}
    assert admin_service.send("MERGE", where, other).status_code == 400
    other = {"Value": "Server=dw02"}
    assert admin_service.send("MERGE", where, other).status_code == 204
    assert admin_service.row(where)["Value"] == "Server=dw02"

    warehouse = made(admin_service.send("POST", "Servers", {"Name": "dw02", "ServerType": 3}))
    server = {"url": f"Servers(guid'{warehouse}')"}
    assert admin_service.send("PUT", f"{where}/$links/Server", server).status_code == 204
    assert names_of(admin_service, f"Servers(guid'{warehouse}')/SpfSettings") == ["dw"]
    assert admin_service.send("DELETE", f"{where}/$links/Server").status_code == 204
    setting_url = {"url": where}
    post(admin_service, f"Servers(guid'{warehouse}')/$links/SpfSettings", setting_url)
    assert admin_service.row(f"{where}/Server")["Name"] == "dw02"
    assert admin_service.send("DELETE", f"Servers(guid'{warehouse}')").status_code == 204
    assert admin_service.get(where).status_code == 404

    for wrong in ({"SettingType": "Secret"}, {"Value": " "}, {"Value": "x" * 5000}):
        refused = admin_service.send("POST", "SpfSettings", body | wrong)
        assert refused.status_code == 400, wrong


def test_an_issuer_is_trusted_while_tenants_come_with_its_tokens(admin_service, stamp):
    body = {"Name": "portal", "Key": "TUlJQ2VydA=="}
    where = f"TrustedIssuers(guid'{made(admin_service.send('POST', 'TrustedIssuers', body))}')"
    assert admin_service.row(where)["Key"] == body["Key"]
    tenant = {"Name": "dora", "IssuerName": "Portal", "Key": "TUlJ"}
    made(admin_service.send("POST", "Tenants", tenant))
    refused = admin_service.send("DELETE", where)
    assert refused.status_code == 409
    assert "portal" in said(refused)
    assert "dora" in said(refused)
    assert admin_service.send("MERGE", where, {"Name": "new portal"}).status_code == 204
    assert Tenant.objects.get(name="dora").issuer_name == "new portal"
    change = {"IssuerName": "another", "Key": None}
    id = Tenant.objects.get(name="dora").pk
    assert admin_service.send("PUT", f"Tenants(guid'{id}')", change).status_code == 204
    assert admin_service.send("DELETE", where).status_code == 204
    for wrong in ({"Key": "no certificate!"}, {"Key": ""}, {"Name": ""}):
        refused = admin_service.send("POST", "TrustedIssuers", body | wrong)
        assert refused.status_code == 400, wrong


def test_roles_of_a_tenant_are_those_inside_its_own(admin_service, stamp):
    id = made(admin_service.send("POST", "Tenants", {"Name": "dora"}))
    role = made(admin_service.send("POST", "TenantUserRoles", {"Name": "dora's testers"}))
    link = f"Tenants(guid'{id}')/$links/TenantUserRoles"
    early = admin_service.send("POST", link, {"url": f"TenantUserRoles(guid'{role}')"})
    assert early.status_code == 409
    assert "dora" in said(early)
    post(
        admin_service,
        f"Tenants(guid'{id}')/$links/Stamps",
        address(admin_service, "Stamps", stamp.pk),
    )
    post(admin_service, link, {"url": f"TenantUserRoles(guid'{role}')"})
    assert UserRole.objects.get(pk=role).parent_id == uuid.UUID(id)
    found = names_of(admin_service, f"Tenants(guid'{id}')/TenantUserRoles")
    assert sorted(found) == ["dora", "dora's testers"]
    assert admin_service.row(f"TenantUserRoles(guid'{role}')/Tenant")["Name"] == "dora"
    assert admin_service.row(f"TenantUserRoles(guid'{id}')/Tenant")["Name"] == "dora"

    # A suspended tenant's members are turned away, whichever of its roles they come in.
    door = Caller(tenant=role)
    assert door.get("Clouds").status_code == 200
    suspend = {"AccountStatus": 1}
    assert admin_service.send("MERGE", f"Tenants(guid'{id}')", suspend).status_code == 204
    assert door.get("Clouds").status_code == 403
    assert admin_service.send("MERGE", f"Tenants(guid'{id}')", {"AccountStatus": 0})
    assert door.get("Clouds").status_code == 200

    refused = admin_service.send("DELETE", f"Tenants(guid'{id}')")
    assert refused.status_code == 409
    assert "dora's testers" in said(refused)
    own = admin_service.send("DELETE", f"TenantUserRoles(guid'{id}')")
    assert own.status_code == 409
    named = admin_service.send("MERGE", f"TenantUserRoles(guid'{role}')", {"Name": "testers"})
    assert named.status_code == 204
    parted = admin_service.send("DELETE", f"TenantUserRoles(guid'{role}')/$links/Tenant")
    assert parted.status_code == 204
    assert UserRole.objects.get(pk=role).parent is None
    assert admin_service.send("DELETE", f"TenantUserRoles(guid'{role}')").status_code == 204
    assert admin_service.send("DELETE", f"Tenants(guid'{id}')").status_code == 204


def test_roles_of_the_fabric_are_no_tenants(admin_service, fabric, stamp):
    userroles.add(ADMINISTRATOR, name="operators", profile="DelegatedAdmin")
    assert "operators" not in names_of(admin_service, "TenantUserRoles")


def test_offers_are_announced_and_none(admin_service, stamp):
    assert admin_service.rows("Offers") == []
    assert admin_service.rows(f"Stamps(guid'{stamp.pk}')/Offers") == []
    assert admin_service.send("POST", "Offers", {"Name": "gold"}).status_code == 405


def test_many_tenants_cost_no_more_queries_than_one(admin_service, stamp):
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            admin_service.rows("Tenants?$expand=Stamps,TenantUserRoles")
        return len(asked)

    def tenant(name: str) -> None:
        id = made(admin_service.send("POST", "Tenants", {"Name": name}))
        target = address(admin_service, "Stamps", stamp.pk)
        post(admin_service, f"Tenants(guid'{id}')/$links/Stamps", target)

    tenant("dora")
    few = queries()
    for name in ("emil", "fritz", "gerda"):
        tenant(name)
    assert queries() == few


def test_the_admin_service_describes_itself(admin_service):
    document = admin_service.get("$metadata", accept="application/xml").content.decode()
    assert '<Schema Namespace="Admin"' in document
    for set_name, type_name in (("Stamps", "Stamp"), ("TenantUserRoles", "TenantUserRole")):
        assert f'<EntitySet Name="{set_name}" EntityType="Admin.{type_name}"' in document
    for name in ("DataCenter", "Offers", "SpfSettings", "TenantUserRoles", "Tenant"):
        assert f'<NavigationProperty Name="{name}"' in document
