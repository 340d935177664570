"""Who gets in, where, and what they then see."""

from __future__ import annotations

import json
import re
import uuid

import pytest

from fabric.spf.actions import change_account, create_account
from fabric.spf.actions.tenants import change_tenant, create_tenant
from fabric.spf.edm import VMM
from fabric.spf.models import Group
from fabric.spf.throttle import ADDRESS
from fabric.vmm.actions import networks, pools, servers
from fabric.vmm.actions.machines import NewAdapter
from fabric.vmm.models import Job, VirtualMachine
from tests.contract.spf_service.conftest import PORTAL, Caller, basic, key, said
from tests.factories.vmm import ADMINISTRATOR, acting_for, deploy, make_fabric, make_role

SERVICES = {
    Group.ADMIN: "/SC2012R2/Admin/Microsoft.Management.Odata.svc/Stamps",
    Group.VMM: "/SC2012R2/VMM/Microsoft.Management.Odata.svc/Clouds",
    Group.PROVIDER: "/provider/subscriptions",
    Group.USAGE: "/usage/usage?lastID=0&batchsize=1000",
}


@pytest.mark.parametrize("group", SERVICES)
def test_each_group_opens_one_service(db, group):
    create_account("one-door", "a-long-password", [group])
    caller = Caller(authorization=basic("one-door", "a-long-password"))
    for service, address in SERVICES.items():
        answer = caller.get(address[1:], root="")
        assert answer.status_code == (200 if service == group else 403), service


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        basic(PORTAL, "wrong"),
        basic("nobody", "a-long-password"),
        "Basic !!!",
        "Basic " + "x" * 10_000,
        "Negotiate TlRMTVNTUAAB",
        basic("", ""),
        basic("a\0b", "c"),
    ],
)
def test_without_the_right_credentials_nothing_is_told(stamp, authorization):
    for address in SERVICES.values():
        answer = Caller(authorization=authorization).get(address[1:], root="")
        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Basic realm=")
        assert answer.content == b"" or said(answer) == "Say who you are, with HTTP Basic."


def test_an_account_changed_is_another_account_at_once(administrator, stamp):
    assert administrator.get("Clouds").status_code == 200
    change_account(PORTAL, password="another-password")
    assert administrator.get("Clouds").status_code == 401
    administrator.authorization = basic(PORTAL, "another-password")
    assert administrator.get("Clouds").status_code == 200
    change_account(PORTAL, is_active=False)
    assert administrator.get("Clouds").status_code == 401


def test_a_machine_name_before_the_account_is_no_obstacle(administrator):
    administrator.authorization = basic(f"SPF01\\{PORTAL}", "a-long-password")
    assert administrator.get("Clouds").status_code == 200


def test_guessing_is_slowed_down(administrator, stamp):
    assert administrator.get("Clouds").status_code == 200
    guesser = Caller(authorization=basic(PORTAL, "guess"))
    answers = [guesser.get("Clouds") for _ in range(11)]
    assert {answer.status_code for answer in answers} == {401}
    assert "Retry-After" not in answers[0]
    assert answers[-1]["Retry-After"] == "60"
    # Who was in before is not locked out by it.
    assert administrator.get("Clouds").status_code == 200


def test_a_guesser_is_not_another_one_for_saying_so(administrator):
    headers = ("X-Forwarded-For", "Forwarded", "X-Real-Ip", "Client-Ip")
    answers = [
        Caller(
            authorization=basic(f"name{number}", "guess"),
            headers=dict.fromkeys(headers, f"203.0.113.{number}"),
        ).get("Clouds")
        for number in range(ADDRESS[0] + 1)
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert "Retry-After" not in answers[-2]
    assert answers[-1]["Retry-After"] == str(ADDRESS[1])


def test_without_rights_in_vmm_the_door_opens_on_nothing(stamp, fabric):
    create_account("no-rights", "a-long-password", is_vmm_administrator=False)
    caller = Caller(authorization=basic("no-rights", "a-long-password"), principal="")
    for name in ("Clouds", "VMTemplates", "VirtualMachines", "UserRoles", "CloudCapacities"):
        assert caller.rows(name) == []
    admin = Caller("Admin", authorization=caller.authorization)
    assert [row["Name"] for row in admin.rows("Stamps")] == [stamp.name]


def test_without_rights_in_vmm_nobody_acts_for_a_tenant(tenant, order, stamp):
    assert tenant.send("POST", "VirtualMachines", order).status_code == 201
    where = key("VirtualMachines", VirtualMachine.objects.get().pk, stamp.pk)
    create_account("no-rights", "a-long-password", is_vmm_administrator=False)
    caller = Caller(tenant=tenant.tenant, authorization=basic("no-rights", "a-long-password"))
    tried = [
        caller.get("VirtualMachines"),
        caller.get("$metadata"),
        caller.send("POST", "VirtualMachines", order),
        caller.send("MERGE", where, {"Operation": "Stop"}),
        caller.send("DELETE", where),
    ]
    assert [answer.status_code for answer in tried] == [403] * len(tried)
    assert "no rights in VMM" in said(tried[0])
    caller.tenant = uuid.uuid4()
    assert caller.get("VirtualMachines").status_code == 403, "nor learns who is a tenant"


def test_administrators_find_their_account_in_the_built_in_role(administrator):
    (role,) = administrator.rows("UserRoles?$filter=UserRoleProfile eq 'Administrator'")
    assert role["Name"] == "Administrator"
    assert PORTAL in role["Members"]
    assert administrator.row(f"UserRoles(guid'{role['ID']}')")["Members"] == role["Members"]


def test_a_tenant_sees_its_own_role_and_no_other(tenant, stranger):
    (role,) = tenant.rows("UserRoles")
    assert role["ID"] == str(tenant.tenant)
    assert tenant.get(f"UserRoles(guid'{stranger.tenant}')").status_code == 404
    refused = tenant.send(
        "MERGE", f"UserRoles(guid'{tenant.tenant}')", {"AddMember": ["mallory@example.net"]}
    )
    assert refused.status_code == 403


def test_a_strangers_machine_is_not_there_on_any_verb(tenant, stranger, order, stamp):
    assert tenant.send("POST", "VirtualMachines", order).status_code == 201
    machine, job = VirtualMachine.objects.get(), Job.objects.get()
    where = key("VirtualMachines", machine.pk, stamp.pk)
    tried = [
        stranger.get(where),
        stranger.get(f"{where}/VirtualNetworkAdapters"),
        stranger.get(f"{where}/Name/$value"),
        stranger.get(key("Jobs", job.pk, stamp.pk)),
        stranger.get(key("VirtualNetworkAdapters", machine.adapters.get().pk, stamp.pk)),
        stranger.get(key("VirtualDiskDrives", machine.disks.get().pk, stamp.pk)),
        stranger.get(key("VirtualHardDisks", machine.disks.get().pk, stamp.pk)),
        stranger.send("PUT", where, {"Operation": "Stop"}),
        stranger.send("MERGE", where, {"Description": "mine now"}),
        stranger.send("PATCH", where, {"Operation": "Start"}),
        stranger.send("POST", where, {"Operation": "Start"}, X_HTTP_Method="MERGE"),
        stranger.send("DELETE", where),
        stranger.send("PUT", key("Jobs", job.pk, stamp.pk), {"SkipLastFailedStep": False}),
    ]
    assert [answer.status_code for answer in tried] == [404] * len(tried)
    for name in ("VirtualMachines", "Jobs", "VirtualNetworkAdapters", "VirtualDiskDrives"):
        assert [row.get("VMId") for row in stranger.rows(name) if row.get("VMId")] == []
    assert stranger.rows(f"VirtualMachines?$filter=ID eq guid'{machine.pk}'") == []
    asked = f"StampId eq guid'{stamp.pk}' and VMId eq guid'{machine.pk}' and TimeFrame eq 'hour'"
    assert stranger.rows(f"PerformanceData?$filter={asked}") == []
    assert stranger.rows(f"JobSteps?$filter=JobId eq guid'{job.pk}'") == []


def test_hosts_are_told_to_administrators_only(tenant, administrator, fabric, role):
    machine = deploy(fabric, acting_for(role))
    assert tenant.rows("VirtualMachines")[0]["VMHostName"] is None
    assert administrator.rows("VirtualMachines")[0]["VMHostName"] == machine.host.name
    steps = f"Jobs(ID=guid'{machine.most_recent_job_id}',StampId=guid'%s')/Steps"
    stamp_id = tenant.rows("VirtualMachines")[0]["StampId"]
    assert {row["HostName"] for row in tenant.rows(steps % stamp_id)} == {None}


def test_a_suspended_tenant_is_turned_away(tenant, role):
    held = create_tenant(role.name, role.pk)
    assert tenant.get("Clouds").status_code == 200
    change_tenant(held, account_status=1)
    answer = tenant.get("Clouds")
    assert answer.status_code == 403
    assert said(answer) == "The subscription is suspended."


def test_an_unknown_tenant_is_not_found(stamp):
    assert Caller(tenant=uuid.uuid4()).get("Clouds").status_code == 404


def test_the_tenants_id_may_stand_after_the_door(tenant, fabric):
    after = f"/sc2016/vmm/Microsoft.Management.Odata.svc/{tenant.tenant}"
    (cloud,) = json.loads(tenant.get("Clouds", root=after).content)["value"]
    assert cloud["Name"] == "Gold"
    empty = tenant.get("", root=after)
    assert "VirtualMachines" in {each["name"] for each in json.loads(empty.content)["value"]}


def test_what_no_stamp_names_is_not_there(administrator, fabric, stamp):
    other = make_fabric()
    role = make_role(other)
    hidden = deploy(other, acting_for(role))
    assert {row["ID"] for row in administrator.rows("Clouds")} == {str(fabric.cloud.pk)}
    assert administrator.get(key("VirtualMachines", hidden.pk, stamp.pk)).status_code == 404
    assert administrator.rows("VirtualNetworkAdapters?$filter=TemplateId eq null") == []
    servers.ensure("vmm99.example.net")


def test_the_principal_becomes_the_owner_encoded_or_not(tenant, order):
    for number, (sent, meant) in enumerate(
        [("j%C3%BCrgen%40example.net", "jürgen@example.net"), ("bob@example.net",) * 2]
    ):
        tenant.principal = sent
        answer = tenant.send("POST", "VirtualMachines", {**order, "Name": f"vm{number}"})
        assert json.loads(answer.content)["Owner"]["UserName"] == meant


def test_permissions_are_the_roles(fabric, stamp, order):
    role = make_role(fabric, "frank@example.net", permissions=["Start"])
    frank = Caller(tenant=role.pk)
    answer = frank.send("POST", "VirtualMachines", order)
    assert answer.status_code == 403
    assert "Create" in said(answer)


def test_a_vlan_is_for_administrators_alone(administrator, tenant, fabric, role):
    """A081: whatever a tenant asks for, the number of its VLAN is not in the answer."""
    logical = fabric.network.logical_network
    network = networks.add_network(
        ADMINISTRATOR,
        fabric.server,
        logical_network=logical,
        name="tagged",
        isolation="VLANNetwork",
        vlan=3917,
    )
    for cidr in ("10.50.0.0/24", "2001:db8::/112"):
        name = f"pool {cidr[:2]}"
        pools.add(ADMINISTRATOR, fabric.server, network=network, name=name, cidr=cidr)
    role.resources.create(kind="VMNetwork", resource_id=network.pk)
    deploy(fabric, acting_for(role), adapters=[NewAdapter(network_id=network.pk)])
    (seen,) = administrator.rows("VirtualNetworkAdapters?$filter=TemplateId eq null")
    assert (seen["VLanEnabled"], seen["VLanId"]) == (True, 3917)
    (seen,) = tenant.rows("VirtualNetworkAdapters?$filter=TemplateId eq null")
    assert (seen["VLanEnabled"], seen["VLanId"]) == (None, None)
    assert (seen["IPv4Addresses"], seen["IPv6Addresses"]) == (["10.50.0.1"], ["2001:db8::1"])
    for name in VMM.sets:
        answer = tenant.get(name).content.decode()
        assert not re.search(r"(?<![0-9a-f-])3917(?![0-9a-f-])", answer), name
