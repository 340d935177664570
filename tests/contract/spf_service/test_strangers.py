"""What a stranger, or who means no good, tries at SPF: nothing is learned, nothing stops."""

from __future__ import annotations

import threading
import time
import uuid
from itertools import product
from typing import Any

import pytest

from fabric.odata.headers import preferences
from fabric.spf import accounts
from fabric.spf.actions import register_vmm_server
from fabric.spf.actions import settings as spf_settings
from fabric.spf.models import Tenant
from fabric.vmm import actions
from fabric.vmm.models import VirtualMachine
from tests.contract.spf_service.conftest import PORTAL, Caller, basic, key, said
from tests.factories.vmm import ADMINISTRATOR, Fabric, make_fabric, make_role


def test_a_tenant_cannot_ask_for_what_is_there_by_changing_its_role(tenant, role, stamp, fabric):
    """What is there and what is not is refused alike, before the body is looked at."""
    elsewhere = make_fabric()
    register_vmm_server(elsewhere.server.name)
    mine = f"UserRoles(guid'{role.pk}')"
    told = set()
    for id in (fabric.template.pk, elsewhere.cloud.pk, uuid.uuid4()):
        for change in (
            {"AddResource": [{"StampId": stamp.pk, "Resource": id, "ResourceType": "Other"}]},
            {"AddScope": [{"StampId": stamp.pk, "Scope": id, "ScopeType": "Cloud"}]},
            {"PermissionInput": [{"StampId": id, "Permission": ["Start"]}]},
        ):
            answer = tenant.send("PUT", mine, change)
            told.add((answer.status_code, said(answer)))
    assert told == {(403, "Only an administrator of VMM can do that.")}
    inside = {"Name": "inside", "ParentUserRoleId": uuid.uuid4()}
    assert tenant.send("POST", "UserRoles", inside).status_code == 403
    assert tenant.send("DELETE", mine).status_code == 403


def test_who_may_not_share_is_not_told_which_roles_there_are(tenant, role, fabric, stamp):
    logical = actions.networks.add_logical(
        ADMINISTRATOR, fabric.server, name="Virtual", is_virtualized=True
    )
    fabric.cloud.logical_networks.add(logical)
    network = actions.networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=logical, name="own", owner=role
    )
    there = make_role(fabric, "charlie@example.net")
    role.permissions = [each for each in role.permissions if each != "CanShare"]
    role.save()
    told = set()
    for network_id in (network.pk, fabric.network.pk):
        for named in ({"RoleName": there.name}, {"RoleName": "nobody"}, {"RoleID": uuid.uuid4()}):
            where = key("VMNetworks", network_id, stamp.pk)
            answer = tenant.send("PUT", where, {"GrantedToList": [named]})
            told.add((network_id, answer.status_code, said(answer)))
    assert len(told) == 2, told
    assert {status for _, status, _ in told} == {403}


def test_one_id_for_two_orders_makes_both(tenant, order):
    """Some clients give every request of a task the same id: only the same machine is a repeat."""
    id = str(uuid.uuid4())
    first = tenant.send("POST", "VirtualMachines", order, X_Ms_Client_Request_Id=id)
    again = tenant.send(
        "POST", "VirtualMachines", {**order, "CPUCount": 2}, X_Ms_Client_Request_Id=id
    )
    assert first["Location"] == again["Location"]
    other = {**order, "Name": "web-02", "ComputerName": "web-02"}
    second = tenant.send("POST", "VirtualMachines", other, X_Ms_Client_Request_Id=id)
    assert second.status_code == 201
    assert second["Location"] != first["Location"]
    assert VirtualMachine.objects.count() == 2


def test_the_owner_of_an_order_is_a_name(administrator, order, role):
    owner = {"RoleID": role.pk, "UserName": "x" * 400}
    answer = administrator.send("POST", "VirtualMachines", {**order, "Owner": owner})
    assert (answer.status_code, "owner" in said(answer)) == (400, True)


@pytest.mark.parametrize("name", ["Cloud", "VMTemplate", "HardwareProfile"])
def test_what_was_never_given_is_refused_as_if_it_were_not_there(tenant, order, name, fabric):
    """The same words for what another has and for what nobody has."""
    elsewhere: Fabric = make_fabric()
    theirs = {
        "Cloud": elsewhere.cloud.pk,
        "VMTemplate": elsewhere.template.pk,
        "HardwareProfile": actions.profiles.add_hardware(
            ADMINISTRATOR, fabric.server, name="hidden", cores=1, memory_mb=1024
        ).pk,
    }[name]
    told = []
    for id in (theirs, uuid.uuid4()):
        body: dict[str, Any] = {**order, f"{name}Id": id}
        answer = tenant.send("POST", "VirtualMachines", body)
        told.append((answer.status_code, said(answer).replace(str(id), "it")))
    assert told[0] == told[1]
    assert told[0][0] == 400


def test_a_time_frame_in_all_its_spellings_is_refused(tenant, order, stamp):
    """Each would be read by itself."""
    tenant.send("POST", "VirtualMachines", order)
    machine = VirtualMachine.objects.get()
    known = f"StampId eq guid'{stamp.pk}' and VMId eq guid'{machine.pk}'"
    spellings = ["".join(each) for each in product(*zip("hour", "HOUR", strict=True))]
    for frames, status in ((spellings, 400), (["Hour", "day", "MONTH"], 200)):
        asked = " or ".join(f"TimeFrame eq '{each}'" for each in frames)
        answer = tenant.get(f"PerformanceData?$filter={known} and ({asked})")
        assert answer.status_code == status, answer.content


def test_navigations_that_lead_back_and_forth_do_not_multiply_without_end(admin_service, stamp):
    tenants = Tenant.objects.bulk_create(Tenant(name=f"tenant {n:04}") for n in range(500))
    stamp.tenants.add(*tenants)
    path = "Stamps?$expand=Tenants/Stamps/Tenants"
    begun = time.process_time()
    answer = admin_service.get(path)
    assert answer.status_code == 400, len(answer.content)
    assert "less at a time" in said(answer)
    assert time.process_time() - begun < 5
    assert len(admin_service.rows("Stamps?$expand=Tenants/Stamps")[0]["Tenants"]) == 500


def test_a_pool_has_no_more_to_go_through_than_makes_sense(tenant, stamp, role, fabric):
    logical = actions.networks.add_logical(
        ADMINISTRATOR, fabric.server, name="Virtual", is_virtualized=True
    )
    network = actions.networks.add_network(
        ADMINISTRATOR, fabric.server, logical_network=logical, name="own", owner=role
    )
    subnet = actions.subnets.add(
        ADMINISTRATOR, fabric.server, network=network, name="own", cidr="10.64.0.0/16"
    )
    body = {"StampId": stamp.pk, "Name": "own", "VMSubnetId": subnet.pk}
    for more in (
        {"IPAddressReservedSet": ";".join(["10.64.0.1-10.64.0.9"] * 20_000)},
        {"DNSServers": ["10.64.0.1"] * 20_000},
    ):
        answer = tenant.send("POST", "StaticIPAddressPools", {**body, **more})
        assert (answer.status_code, "at most" in said(answer)) == (400, True)
    assert tenant.send("POST", "StaticIPAddressPools", body).status_code == 201


def test_a_header_full_of_quotes_is_read_in_no_time(tenant):
    hostile = 'a;\\",' * 8_000
    begun = time.process_time()
    preferences(hostile)
    assert time.process_time() - begun < 0.2
    assert tenant.get("Clouds", Prefer=hostile).status_code == 200


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('Server=a;Password="be""fore;after";x=1', "Server=a;Password=********;x=1"),
        ("Server=a;Pwd='be''fore;after';x=1", "Server=a;Pwd=********;x=1"),
        ("Server=a;PWD={be}}fore;after};x=1", "Server=a;PWD=********;x=1"),
        ('Server=a;Password="before;after', "Server=a;Password=********"),
        ("Server=a;ClientSecret=before after", "Server=a;ClientSecret=********"),
        ("https://reader:before/@after@host/x", "https://reader:********@host/x"),
    ],
)
def test_a_setting_never_tells_half_of_a_password(admin_service, value, told):
    body = {"Name": "main", "SettingType": "EndpointConnectionString", "Value": value}
    admin_service.send("POST", "SpfSettings", body)
    (setting,) = admin_service.rows("SpfSettings")
    assert setting["Value"] == told
    assert spf_settings.HIDDEN in told
    for half in ("before", "after"):
        assert admin_service.rows(f"SpfSettings?$filter=substringof('{half}',Value)") == []


def test_guessers_who_wait_leave_threads_to_others(administrator, stamp, monkeypatch):
    """A hash is slow on purpose, and one is made at a time: few strangers may wait for theirs."""
    assert administrator.get("Clouds").status_code == 200
    busy = threading.BoundedSemaphore(1)
    busy.acquire()
    monkeypatch.setattr(accounts, "_strangers", busy)
    for name in ("nobody", PORTAL):
        guesser = Caller(authorization=basic(name, "wrong"))
        answer = guesser.get("Clouds")
        # Where the account is at home, it is listened to all the same.
        assert answer.status_code == (503 if name == "nobody" else 401)
    assert administrator.get("Clouds").status_code == 200
    accounts.forget_all()
    assert administrator.get("Clouds").status_code == 200
