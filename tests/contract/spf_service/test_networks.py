"""VM networks, subnets and pools made over SPF, by tenants and by administrators."""

from __future__ import annotations

import json
import uuid

import pytest
from django.http import HttpResponse

from fabric.vmm.models import Job, LogicalNetwork, UserRole, VMNetwork
from tests.contract.spf_service.conftest import Caller, key, said, texts, xml
from tests.factories.vmm import acting_for, deploy, finish, make_role

SUBNET = """<?xml version="1.0" encoding="utf-8"?>
<entry xmlns="http://www.w3.org/2005/Atom"
       xmlns:d="http://schemas.microsoft.com/ado/2007/08/dataservices"
       xmlns:m="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">
 <content type="application/xml"><m:properties>
  <d:Name>lab-1</d:Name>
  <d:StampId m:type="Edm.Guid">{StampId}</d:StampId>
  <d:VMNetworkId m:type="Edm.Guid">{VMNetworkId}</d:VMNetworkId>
  <d:Subnet>10.20.1.0/24</d:Subnet>
 </m:properties></content>
</entry>"""
PARTS = ("VMNetworkGateways", "NATConnections", "NATRules", "VPNConnections", "BGPPeers")


@pytest.fixture
def logical(fabric) -> LogicalNetwork:
    """Return the cloud's logical network, with virtualization, which tenants need."""
    LogicalNetwork.objects.update(is_virtualized=True)
    return LogicalNetwork.objects.get()


@pytest.fixture
def body(stamp, logical) -> dict:
    return {"Name": "lab", "StampId": stamp.pk, "LogicalNetworkId": logical.pk}


def made(answer: HttpResponse) -> dict:
    assert answer.status_code == 201, answer.content
    return json.loads(answer.content)


def test_a_tenant_makes_a_network_and_takes_it_away(tenant, stranger, stamp, body, role):
    """§14.11, as far as there are no gateways."""
    answer = tenant.send("POST", "VMNetworks", body)
    network = made(answer)
    assert network["IsolationType"] == "WindowsNetworkVirtualization"
    assert network["Owner"]["RoleID"] == str(role.pk)
    (job,) = tenant.rows(f"Jobs?$filter=ID eq guid'{answer['x-ms-request-id']}'")
    assert (job["CmdletName"], job["Status"]) == ("New-SCVMNetwork", "Completed")
    assert job["ResultObjectID"] == network["ID"]
    ids = {"StampId": stamp.pk, "VMNetworkId": network["ID"]}
    atom = tenant.send(
        "POST",
        "VMSubnets",
        SUBNET.format_map(ids),
        accept=None,
        content_type="application/atom+xml",
    )
    assert atom.status_code == 201, atom.content
    (subnet_id,) = texts(xml(atom), "a:content/m:properties/d:ID")
    pool = made(
        tenant.send(
            "POST",
            "StaticIPAddressPools",
            {
                "Name": "lab-1-pool",
                "StampId": stamp.pk,
                "VMSubnetId": subnet_id,
                "Subnet": "10.20.1.0/24",
                "IPAddressRangeStart": "10.20.1.4",
                "IPAddressRangeEnd": "10.20.1.254",
                "IPAddressReservedSet": "10.20.1.4-10.20.1.9;10.20.1.20",
                "DefaultGatewayIPAddresses": ["10.20.1.1"],
                "DNSServers": ["192.0.2.53"],
            },
        )
    )
    assert (pool["TotalAddresses"], pool["AvailableAddresses"]) == ("251", "244")
    assert pool["IPAddressReservedSet"] == "10.20.1.4-10.20.1.9;10.20.1.20-10.20.1.20"
    where = {
        name: key(name, id, stamp.pk)
        for name, id in (
            ("VMNetworks", network["ID"]),
            ("VMSubnets", subnet_id),
            ("StaticIPAddressPools", pool["ID"]),
        )
    }
    for name in where:
        assert stranger.get(where[name]).status_code == 404
        assert stranger.send("DELETE", where[name]).status_code == 404
    held = tenant.send("DELETE", where["VMNetworks"])
    assert (held.status_code, "lab-1-pool" in said(held)) == (409, True)
    for name in reversed(where):
        assert tenant.send("DELETE", where[name]).status_code == 204
        assert tenant.get(where[name]).status_code == 404


def test_what_was_made_is_changed(tenant, stamp, body):
    network = made(tenant.send("POST", "VMNetworks", body | {"AutoCreateSubnet": True}))
    (subnet,) = tenant.rows(f"VMSubnets?$filter=VMNetworkId eq guid'{network['ID']}'")
    pool_body = {"StampId": stamp.pk, "VMSubnetId": subnet["ID"], "Name": "all"}
    pool = made(tenant.send("POST", "StaticIPAddressPools", pool_body))
    assert (pool["IPAddressRangeStart"], pool["IPAddressRangeEnd"]) == (
        "192.168.0.1",
        "192.168.0.254",
    )
    jobs = Job.objects.count()
    for name, id in (
        ("VMNetworks", network["ID"]),
        ("VMSubnets", subnet["ID"]),
        ("StaticIPAddressPools", pool["ID"]),
    ):
        where = key(name, id, stamp.pk)
        # What was read changes nothing.
        assert tenant.send("PUT", where, tenant.row(where)).status_code == 204
        assert Job.objects.count() == jobs
        assert tenant.send("MERGE", where, {"Name": "renamed"}).status_code == 204
        assert tenant.row(where)["Name"] == "renamed"
        jobs += 1
    where = key("StaticIPAddressPools", pool["ID"], stamp.pk)
    tenant.send("MERGE", where, {"DNSServers": ["192.0.2.7"], "IPAddressRangeEnd": "192.168.0.99"})
    told = tenant.row(where)
    assert (told["DNSServers"], told["TotalAddresses"]) == (["192.0.2.7"], "99")


@pytest.mark.parametrize(
    ("change", "status", "says"),
    [
        ({"Name": None}, 400, "Name is mandatory"),
        ({"LogicalNetworkId": None}, 400, "LogicalNetworkId is mandatory"),
        ({"LogicalNetworkId": str(uuid.UUID(int=9))}, 400, "LogicalNetworkId names no"),
        ({"StampId": str(uuid.UUID(int=9))}, 400, "StampId names no stamp"),
        ({"Name": "front"}, 409, "already"),
    ],
)
def test_what_is_no_network(tenant, body, change, status, says):
    answer = tenant.send("POST", "VMNetworks", body | change)
    assert answer.status_code == status, answer.content
    assert says in said(answer)
    assert VMNetwork.objects.count() == 1


def test_without_the_permission_or_the_quota(tenant, role, body):
    UserRole.objects.filter(pk=role.pk).update(permissions=["Create"])
    refused = tenant.send("POST", "VMNetworks", body)
    assert (refused.status_code, "AuthorVMNetwork" in said(refused)) == (403, True)
    UserRole.objects.filter(pk=role.pk).update(permissions=["AuthorVMNetwork"], most_networks=1)
    made(tenant.send("POST", "VMNetworks", body))
    full = tenant.send("POST", "VMNetworks", body | {"Name": "more"})
    assert (full.status_code, "1 VM networks" in said(full)) == (400, True)


def test_a_network_given_to_a_tenant_is_not_its_to_change(tenant, fabric, stamp):
    where = key("VMNetworks", fabric.network.pk, stamp.pk)
    answer = tenant.send("MERGE", where, {"Name": "mine"})
    assert (answer.status_code, "does not belong" in said(answer)) == (403, True)


def test_an_administrator_says_isolation_and_owner(administrator, role, body, tenant):
    plain = made(administrator.send("POST", "VMNetworks", body))
    assert plain["IsolationType"] == "NoIsolation"
    owned = body | {
        "Name": "owned",
        "IsolationType": "WindowsNetworkVirtualization",
        "Owner": {"RoleID": str(role.pk)},
    }
    network = made(administrator.send("POST", "VMNetworks", owned))
    assert network["ID"] in {row["ID"] for row in tenant.rows("VMNetworks")}


def test_a_network_is_shared_with_a_role_that_may_receive(
    tenant, administrator, fabric, stamp, body
):
    bob = make_role(fabric, "bob@example.net")
    guest = Caller(tenant=bob.pk, principal="bob@example.net")
    network = made(tenant.send("POST", "VMNetworks", body))
    where = key("VMNetworks", network["ID"], stamp.pk)
    share = {"GrantedToList": [{"RoleName": bob.name}]}
    UserRole.objects.filter(pk=bob.pk).update(permissions=[])
    refused = tenant.send("PUT", where, share)
    unknown = tenant.send("PUT", where, {"GrantedToList": [{"RoleName": "nobody"}]})
    # Who else is here is nobody's business.
    assert (refused.status_code, said(refused)) == (400, said(unknown))
    UserRole.objects.filter(pk=bob.pk).update(permissions=["CanReceive", "Create"])
    assert tenant.send("PUT", where, share).status_code == 204
    assert guest.row(where)["Name"] == "lab"
    assert guest.row(where)["GrantedToList"] == []
    assert [each["RoleName"] for each in tenant.row(where)["GrantedToList"]] == [bob.name]
    # A whole object with an empty list in it takes nothing away.
    assert tenant.send("PUT", where, {**network, "GrantedToList": []}).status_code == 204
    assert guest.get(where).status_code == 200
    machine = deploy(fabric, acting_for(bob, "bob@example.net"), adapters=[])
    body = {"StampId": stamp.pk, "VMId": machine.pk, "VMNetworkName": "lab"}
    attached = guest.send("POST", "VirtualNetworkAdapters", body)
    assert attached.status_code == 201, attached.content
    finish(Job.objects.get(pk=attached["x-ms-request-id"]))
    other = make_role(fabric, "charlie@example.net")
    instead = {"GrantedToList": [{"RoleID": str(other.pk)}]}
    held = administrator.send("PUT", where, instead)
    assert (held.status_code, "machines on it" in said(held)) == (409, True)


def test_a_network_asked_for_again_is_one_network(tenant, body):
    again = {"X_Ms_Client_Request_Id": str(uuid.uuid4())}
    first, second = (tenant.send("POST", "VMNetworks", body, **again) for _ in range(2))
    assert made(first)["ID"] == made(second)["ID"]
    assert first["x-ms-request-id"] == second["x-ms-request-id"]
    assert VMNetwork.objects.filter(name="lab").count() == 1
    assert tenant.send("POST", "VMNetworks", body).status_code == 409


@pytest.mark.parametrize("name", PARTS)
def test_there_are_no_gateways(name, tenant, administrator, stamp):
    for caller in (tenant, administrator):
        assert caller.rows(f"{name}?$filter=StampId eq guid'{stamp.pk}'") == []
        answer = caller.send("POST", name, {"StampId": stamp.pk, "Name": "x"})
        assert (answer.status_code, "no gateways" in said(answer)) == (405, True)
