"""What each verb sends, and what it makes of older or sparser endpoints."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import httpx
import pytest

from fabric.providers import errors
from fabric.providers.base import MachineOrder, OrderedAdapter, TenantOrder
from fabric.providers.spf import SPFProvider

ADMIN = "/SC2012R2/Admin/Microsoft.Management.Odata.svc/"
VMM = "/SC2012R2/VMM/Microsoft.Management.Odata.svc/"


def machine_order(**fields) -> MachineOrder:
    values = {
        "tag": "tag-1",
        "name": "web-01",
        "description": "",
        "stamp_id": uuid4(),
        "cloud_id": uuid4(),
        "template_id": uuid4(),
        "adapters": (OrderedAdapter("front"),),
        "cores": 4,
        "memory_mb": None,
        "admin_user": "root",
        "password": "Guest-secret-2",
    }
    return MachineOrder(**(values | fields))


def body(call: httpx.Request) -> dict:
    return json.loads(call.content)


def refusal(status: int) -> httpx.Response:
    return httpx.Response(status, json={"odata.error": {"message": {"value": "no"}}})


def test_a_machine_is_ordered_in_one_call(far, spf):
    order, tenant, job, id = machine_order(), uuid4(), uuid4(), uuid4()
    far.on(
        "POST",
        "VirtualMachines",
        httpx.Response(201, headers={"x-ms-request-id": str(job)}, json={"ID": str(id)}),
    )
    accepted = spf.ensure_machine(order, tenant=tenant, person="bob@x.example", first_try=True)
    assert (accepted.object_id, accepted.job_id) == (id, job)
    (call,) = far.calls
    assert call.url.path == VMM.replace("VMM/", f"VMM/{tenant}/") + "VirtualMachines"
    assert call.headers["x-ms-principal-id"] == "bob@x.example"
    assert UUID(call.headers["x-ms-client-request-id"]).version == 5
    sent = body(call)
    assert sent["VMTemplateId"] == str(order.template_id)
    assert (sent["Name"], sent["Tag"]) == ("web-01", "tag-1")
    assert (sent["CPUCount"], sent["StartVM"]) == (4, True)
    assert "Memory" not in sent
    assert sent["NewVirtualNetworkAdapterInput"][0]["VMNetworkName"] == "front"
    assert sent["LocalAdminPassword"] == "Guest-secret-2"


def test_the_same_order_carries_the_same_request_id(far, spf):
    far.on("POST", "", httpx.Response(201, json={"ID": str(uuid4())}))
    for order in (machine_order(), machine_order(), machine_order(tag="tag-2")):
        spf.ensure_machine(order, tenant=uuid4(), person="", first_try=True)
    first, second, other = [call.headers["x-ms-client-request-id"] for call in far.calls]
    assert first == second != other


def test_the_template_names_the_computer_unless_the_order_does(far, spf):
    far.on("POST", "", httpx.Response(201, json={"ID": str(uuid4())}))
    for order in (machine_order(), machine_order(computer_name="db-7")):
        spf.ensure_machine(order, tenant=uuid4(), person="", first_try=True)
    unnamed, named = [body(call) for call in far.calls]
    assert "ComputerName" not in unnamed
    assert named["ComputerName"] == "db-7"


def test_the_id_is_taken_from_the_address_when_the_body_is_of_no_use(far, spf):
    id, stamp = uuid4(), uuid4()
    far.on(
        "POST",
        "",
        httpx.Response(
            201,
            headers={
                "location": f"https://wap/x/VirtualMachines(StampId=guid'{stamp}',ID=guid'{id}')"
            },
            content=b'{"ID": "cut o',
        ),
    )
    accepted = spf.ensure_machine(machine_order(), tenant=uuid4(), person="", first_try=True)
    assert accepted.object_id == id


def test_a_second_try_adopts_what_the_first_has_made(far, spf):
    id, job = uuid4(), uuid4()
    far.feed(
        "VirtualMachines",
        {"ID": str(uuid4()), "Name": "web-01", "Tag": "another"},
        {"ID": str(id), "Name": "web-01", "Tag": "tag-1", "MostRecentTaskId": str(job)},
    )
    accepted = spf.ensure_machine(machine_order(), tenant=uuid4(), person="", first_try=False)
    assert (accepted.object_id, accepted.job_id) == (id, job)
    assert not far.told("POST")


def test_a_second_try_finds_a_machine_renamed_in_vmm(far, spf):
    far.feed("VirtualMachines", {"ID": str(uuid4()), "Name": "renamed", "Tag": "tag-1"})
    far.feed("Name eq 'web-01'")
    accepted = spf.ensure_machine(machine_order(), tenant=uuid4(), person="", first_try=False)
    assert accepted.object_id
    assert not far.told("POST")


def test_a_creation_that_failed_is_repaired_in_place(far, spf):
    id, job = uuid4(), uuid4()
    row = {"ID": str(id), "Name": "web-01", "Tag": "tag-1", "Status": "CreationFailed"}
    far.feed("VirtualMachines", row)
    far.on("MERGE", str(id), httpx.Response(204, headers={"x-ms-request-id": str(job)}))
    accepted = spf.ensure_machine(machine_order(), tenant=uuid4(), person="", first_try=False)
    assert accepted.job_id == job
    sent = body(far.told("MERGE")[0])
    assert (sent["Operation"], sent["Retry"]) == ("Repair", True)


def test_nothing_found_is_made_on_the_second_try(far, spf):
    far.feed("VirtualMachines")
    far.feed("Clouds", {"ID": str(uuid4())})
    far.on("POST", "", httpx.Response(201, json={"ID": str(uuid4())}))
    spf.ensure_machine(machine_order(), tenant=uuid4(), person="", first_try=False)
    assert len(far.told("POST")) == 1


def test_a_stamp_without_clouds_proves_no_absence(far, spf, stamp_id):
    far.feed("VirtualMachines")
    far.feed("Clouds")
    with pytest.raises(errors.Unreachable, match="no cloud"):
        spf.find_machine("t", "web-01", stamp_id=stamp_id, tenant=uuid4(), person="")


def test_quotes_in_a_name_do_not_leave_the_filter(far, spf, stamp_id):
    far.feed("VirtualMachines")
    far.feed("Clouds", {"ID": str(uuid4())})
    spf.find_machine("t", "x' or 1 eq 1 or '&#", stamp_id=stamp_id, tenant=uuid4(), person="")
    told = far.calls[0].url.params["$filter"]
    assert told == f"StampId eq guid'{stamp_id}' and Name eq 'x'' or 1 eq 1 or ''&#'"


def test_a_machine_neither_side_knows_is_gone(far, spf, stamp_id):
    far.on("DELETE", "", refusal(404))
    far.feed("VirtualMachines")
    gone = spf.remove_machine(uuid4(), stamp_id=stamp_id, tenant=uuid4(), person="")
    assert gone is None


def test_a_machine_the_tenant_only_cannot_see_is_not_gone(far, spf, stamp_id):
    id = uuid4()
    far.on("DELETE", "", refusal(404))
    far.feed("VirtualMachines", {"ID": str(id)})
    with pytest.raises(errors.Forbidden):
        spf.remove_machine(id, stamp_id=stamp_id, tenant=uuid4(), person="")


def test_jobs_are_asked_for_forty_at_a_time_with_their_steps(far, spf, stamp_id):
    far.feed("Jobs")
    ids = [uuid4() for _ in range(41)]
    spf.jobs(stamp_id, [*ids, ids[0]])
    first, second = (call.url.params["$filter"] for call in far.calls)
    assert (first.count("ID eq"), second.count("ID eq")) == (40, 1)
    assert far.calls[0].url.params["$expand"] == "Steps"
    assert far.calls[0].url.path == f"{VMM}Jobs"


def test_microsofts_web_server_gets_queries_it_accepts(far, stamp_id):
    microsoft = SPFProvider(
        "https://spf.example.net:8090", "a", "b", transport=httpx.MockTransport(far)
    )
    far.feed("")
    microsoft.jobs(stamp_id, [uuid4() for _ in range(40)])
    microsoft.machines(stamp_id, [uuid4() for _ in range(40)])
    assert max(len(call.url.query) for call in far.calls) <= 2048
    assert "$expand" not in far.calls[0].url.params


def test_a_service_that_knows_no_or_is_asked_one_by_one(far, spf, stamp_id):
    ids = [uuid4(), uuid4()]
    for id in ids:
        far.feed(str(id), {"ID": str(id), "Status": "Running"})
    far.on("GET", " or ", refusal(400))
    assert [job.id for job in spf.jobs(stamp_id, ids)] == ids


def test_nothing_asked_for_is_no_call(far, spf, stamp_id):
    assert spf.jobs(stamp_id, []) == ()
    assert spf.machines(stamp_id, []) == ()
    assert not far.calls


def test_the_inventory_takes_one_query_for_a_set(far, spf, stamp_id):
    gold, silver, lan = uuid4(), uuid4(), uuid4()
    front = uuid4()
    far.feed("VMNetworks", {"ID": str(front), "Name": "front", "LogicalNetworkId": str(lan)})
    far.feed("HardwareProfiles")
    far.feed("VMTemplates", {"ID": str(uuid4()), "Name": "Legacy", "OSType": "Other"})
    far.feed("CloudCapacities", {"CloudId": str(gold), "VMCount": "9", "UseVMCountMaximum": False})
    far.feed(
        "Clouds?",
        {"ID": str(gold), "Name": "Gold", "LogicalNetworks": [{"ID": str(lan)}]},
        {"ID": str(silver), "Name": "Silver", "LogicalNetworks": []},
    )
    found = spf.inventory(stamp_id)
    assert [(c.machines, c.logical_network_ids) for c in found.clouds] == [(9, (lan,)), (None, ())]
    assert [template.os_type for template in found.templates] == ["Other"]
    assert [network.id for network in found.networks] == [front]
    assert not found.lacks_rights
    assert len(far.calls) == 10


@pytest.mark.parametrize("tells_cloud", [True, False])
def test_logical_networks_where_clouds_cannot_be_expanded(far, spf, stamp_id, tells_cloud):
    gold, lan = uuid4(), uuid4()
    far.feed("")
    far.feed("Clouds?", {"ID": str(gold), "Name": "Gold"})
    far.on("GET", "$expand=LogicalNetworks", refusal(400))
    row = {"ID": str(lan), "CloudId": str(gold) if tells_cloud else None}
    far.feed("LogicalNetworks?", row)
    far.feed(f"ID=guid'{gold}'", {"ID": str(lan)})
    assert spf.inventory(stamp_id).clouds[0].logical_network_ids == (lan,)


ADMINISTRATORS = {"ID": str(uuid4()), "UserRoleProfile": "Administrator"}


@pytest.mark.parametrize(
    ("roles", "lacks"),
    [
        ([ADMINISTRATORS | {"Members": ["SPF01\\Portal"]}], False),
        ([ADMINISTRATORS | {"Members": ["portal"]}], False),
        ([ADMINISTRATORS | {"Members": ["SPF01\\another"]}], True),
        ([{"ID": str(uuid4()), "UserRoleProfile": "TenantAdmin", "Members": ["portal"]}], True),
        ([], True),
    ],
)
def test_an_empty_stamp_may_be_one_we_must_not_see(far, spf, stamp_id, roles, lacks):
    far.feed("")
    far.feed("UserRoles", *roles)
    assert spf.inventory(stamp_id).lacks_rights is lacks


def test_a_vmm_service_that_forbids_means_rights_are_missing(far, spf, stamp_id):
    far.on("GET", "", refusal(403))
    assert spf.inventory(stamp_id).lacks_rights


def tenant_order(**fields) -> TenantOrder:
    values = {
        "id": uuid4(),
        "name": "alice@x.example_1",
        "people": ("alice@x.example",),
        "stamp_id": uuid4(),
        "cloud_id": uuid4(),
        "limits": {"machines": 10, "cores": 16, "memory_mb": None, "storage_gb": 500},
        "permissions": ("Create", "Start"),
        "resources": (("VMTemplate", uuid4()),),
    }
    return TenantOrder(**(values | fields))


def test_a_tenant_from_nothing(far, spf):
    order = tenant_order()
    far.on("GET", f"{ADMIN}Tenants(", refusal(404))
    far.on("POST", "Tenants", httpx.Response(201, json={"ID": str(order.id)}))
    far.on("POST", "$links/Stamps", httpx.Response(204))
    far.on("GET", "UserRoles(", httpx.Response(200, json={"ID": str(order.id), "Members": []}))
    far.on("MERGE", "UserRoles(", httpx.Response(204))
    spf.ensure_tenant(order)
    made, linked = far.told("POST")
    assert body(made) == {"Name": order.name, "SubscriptionID": str(order.id)}
    assert body(linked)["url"].endswith(f"{ADMIN}Stamps(guid'{order.stamp_id}')")
    sent = body(far.told("MERGE")[0])
    (scope,) = sent["AddScope"]
    assert (scope["RoleVMCount"], scope["RoleMemoryMB"]) == (10, None)
    assert sent["AddMember"] == ["alice@x.example"]
    assert sent["PermissionInput"][0]["Permission"] == ["Create", "Start"]
    assert not {"RemoveMember", "RemoveScope", "RemoveResource"} & sent.keys()


def test_a_tenant_that_is_there_is_brought_to_what_is_ordered(far, spf):
    order, old_cloud, old_network = tenant_order(), uuid4(), uuid4()
    stamps = [{"ID": str(order.stamp_id)}]
    far.on("GET", "Tenants(", httpx.Response(200, json={"ID": str(order.id), "Stamps": stamps}))
    quotas = [{"Scope": str(old_cloud), "StampId": str(order.stamp_id)}]
    role = {"ID": str(order.id), "Members": ["Alice@x.example", "bob@x.example"], "Quotas": quotas}
    far.on("GET", "UserRoles(", httpx.Response(200, json=role))
    own = {"RoleID": str(order.id)}
    far.feed("HardwareProfiles")
    far.feed(
        f"{order.id}/Microsoft.Management.Odata.svc/VMTemplates", {"ID": str(order.resources[0][1])}
    )
    far.feed("VMNetworks", {"ID": str(old_network)}, {"ID": str(uuid4()), "Owner": own})
    far.on("MERGE", "UserRoles(", httpx.Response(204))
    spf.ensure_tenant(order)
    assert not far.told("POST")
    sent = body(far.told("MERGE")[0])
    assert sent["RemoveMember"] == ["bob@x.example"]
    assert "AddMember" not in sent
    assert [scope["Scope"] for scope in sent["RemoveScope"]] == [str(old_cloud)]
    assert [each["Resource"] for each in sent["RemoveResource"]] == [str(old_network)]


def test_somebody_elses_tenant_of_the_same_name_is_a_conflict(far, spf):
    far.on("GET", "Tenants(", refusal(404))
    far.on("POST", "Tenants", refusal(409))
    with pytest.raises(errors.Rejected):
        spf.ensure_tenant(tenant_order())


def test_a_role_vmm_has_not_made_yet_is_waited_for(far, spf):
    far.on("GET", "Tenants(", refusal(404))
    far.on("POST", "", httpx.Response(204))
    with pytest.raises(errors.Throttled) as caught:
        spf.ensure_tenant(tenant_order())
    assert caught.value.retry_after


def test_a_stamp_is_registered_with_its_server_once(far, spf):
    stamp, server = uuid4(), uuid4()
    far.feed(f"{ADMIN}Stamps")
    far.feed(f"{ADMIN}Servers")
    far.on("POST", f"{ADMIN}Stamps", httpx.Response(201, json={"ID": str(stamp), "Name": "vmm01"}))
    far.on("POST", f"{ADMIN}Servers", httpx.Response(201, json={"ID": str(server)}))
    far.on("POST", "$links/Servers", httpx.Response(204))
    assert spf.ensure_stamp("vmm01").id == stamp
    made = [call.url.path.removeprefix(ADMIN) for call in far.told("POST")]
    assert made == ["Servers", "Stamps", f"Stamps(guid'{stamp}')/$links/Servers"]
    row = {"ID": str(server), "Name": "VMM01", "ServerType": 0}
    far.feed(f"{ADMIN}Stamps", {"ID": str(stamp), "Name": "Frankfurt", "Servers": [row]})
    assert spf.ensure_stamp("vmm01").name == "Frankfurt"
    assert len(far.told("POST")) == 3


def test_a_server_spf_cannot_reach_leaves_no_stamp(far, spf):
    far.feed(f"{ADMIN}Stamps")
    far.feed(f"{ADMIN}Servers")
    far.on("POST", f"{ADMIN}Servers", refusal(400))
    with pytest.raises(errors.Rejected):
        spf.ensure_stamp("nowhere")
    assert len(far.told("POST")) == 1


def test_a_stamp_half_registered_is_completed(far, spf):
    stamp, server = uuid4(), uuid4()
    far.feed(f"{ADMIN}Servers", {"ID": str(server), "Name": "vmm01", "ServerType": 0})
    far.feed(f"{ADMIN}Stamps", {"ID": str(stamp), "Name": "vmm01"})
    far.feed(")/Servers")
    far.on("POST", "$links/Servers", refusal(409))
    assert spf.ensure_stamp("vmm01").id == stamp
    assert body(far.told("POST")[0])["url"].endswith(f"Servers(guid'{server}')")


def test_without_a_user_role_the_administrator_looks_for_the_machine(far, spf, stamp_id):
    id, tenant = uuid4(), uuid4()
    far.feed("VirtualMachines", {"ID": str(id), "Name": "web-01", "Tag": "tag-1"})
    far.on("GET", str(tenant), refusal(404))
    found = spf.find_machine("tag-1", "web-01", stamp_id=stamp_id, tenant=tenant, person="")
    assert found.id == id
