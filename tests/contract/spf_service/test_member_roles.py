"""Roles inside a tenant's, over the wire: made, in the URL path, what they see and may."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from fabric.spf.edm import VMM
from fabric.vmm import actions
from fabric.vmm.models import UserRole, VirtualMachine
from tests.contract.spf_service.conftest import Caller, done, key, said
from tests.factories.vmm import acting_for, deploy, finish

BOB = "bob@example.net"
RIGHTS = ["Start", "Stop", "Create", "Checkpoint"]


@pytest.fixture(autouse=True)
def _prompt(settings):
    settings.SIMULATED_SCALE = 0


@pytest.fixture
def machine(fabric, role) -> VirtualMachine:
    return deploy(fabric, acting_for(role))


@pytest.fixture
def where(machine, stamp) -> str:
    return key("VirtualMachines", machine.pk, stamp.pk)


@pytest.fixture
def make(administrator, fabric, stamp, role):
    """Return how a role is made inside the tenant's, as a portal does it."""

    def listed(name: str, kind: str, *items: Any) -> dict[str, Any]:
        return {f"{name}@odata.type": f"Collection({kind})", name: list(items)}

    def inside(profile: str = "SelfServiceUser", rights: Any = RIGHTS, **more: Any) -> Caller:
        id = uuid.uuid4()
        place = {"StampId": stamp.pk}
        resources = (
            place | {"Resource": fabric.template.pk, "ResourceType": "VMTemplate"},
            place | {"Resource": fabric.network.pk, "ResourceType": "VMNetwork"},
        )
        scope = place | {"Scope": fabric.cloud.pk, "ScopeType": "Cloud", "RoleVMCount": 1}
        body = {
            "odata.type": "VMM.UserRole",
            "ID": id,
            "Name": f"{BOB} {profile} {id}",
            "UserRoleProfile": profile,
            "ParentUserRoleId": role.pk,
            **listed("AddMember", "Edm.String", BOB),
            **listed("AddScope", "VMM.UserRoleScope", scope),
            **listed("AddResource", "VMM.UserRoleResource", *resources),
            **listed(
                "PermissionInput",
                "VMM.UserRolePermission",
                place | {"Permission@odata.type": "Collection(Edm.String)", "Permission": rights},
            ),
        }
        answer = administrator.send("POST", "UserRoles", body | more)
        assert answer.status_code == 201, answer.content
        assert json.loads(answer.content)["ParentUserRoleId"] == str(role.pk)
        return Caller(tenant=id, principal=BOB)

    return inside


@pytest.fixture
def bob(make) -> Caller:
    return make()


def granting(*ids: Any) -> dict[str, Any]:
    items = [{"odata.type": "VMM.UserAndRole", "RoleID": id} for id in ids]
    return {
        "odata.type": "VMM.VirtualMachine",
        "GrantedToList@odata.type": "Collection(VMM.UserAndRole)",
        "GrantedToList": items,
    }


def granted(caller: Caller, where: str) -> set[str]:
    return {each["RoleID"] for each in caller.row(where)["GrantedToList"]}


def test_a_role_inside_is_named_in_the_path_and_sees_its_own(bob, tenant, order, machine, where):
    assert bob.rows("VirtualMachines") == []
    assert bob.get(where).status_code == 404
    answer = bob.send(
        "POST", "VirtualMachines", order | {"Name": "his", "LocalAdminPassword": None}
    )
    done(answer)
    (his,) = bob.rows("VirtualMachines")
    assert (his["Name"], his["Owner"]["RoleID"]) == ("his", str(bob.tenant))
    assert {row["Name"] for row in tenant.rows("VirtualMachines")} == {"web-01", "his"}


def test_what_was_granted_is_seen_in_every_set(administrator, tenant, bob, machine, where, role):
    finish(actions.checkpoints.create(acting_for(role), machine, name="before")[1])
    of = f"$filter=VMId eq guid'{machine.pk}'"
    sets = (
        *("VirtualMachines", f"VirtualNetworkAdapters?{of}", f"VirtualDiskDrives?{of}"),
        *(f"VMCheckPoints?{of}", f"GuestInfos?{of}", "Jobs"),
    )
    assert [bob.rows(each) for each in sets] == [[]] * len(sets)
    assert administrator.send("MERGE", where, granting(bob.tenant)).status_code == 204
    assert granted(administrator, where) == granted(tenant, where) == {str(bob.tenant)}
    for each in sets:
        assert bob.rows(each), each
    # To whom else it was granted is not told.
    assert bob.row(where)["GrantedToList"] == []


def test_the_tenants_role_grants_and_takes_back(tenant, bob, make, machine, where):
    erna = make()
    tenant.send("MERGE", where, granting(bob.tenant, erna.tenant))
    assert granted(tenant, where) == {str(bob.tenant), str(erna.tenant)}
    # An empty list says nothing: clients send whole objects.
    tenant.send("MERGE", where, granting())
    assert len(granted(tenant, where)) == 2
    # Naming the role it belongs to leaves nobody else.
    tenant.send("MERGE", where, granting(tenant.tenant))
    assert granted(tenant, where) == set()
    assert bob.rows("VirtualMachines") == []


def test_nobody_else_grants(bob, make, stranger, tenant, machine, where):
    all_seeing = make("TenantAdmin")
    assert all_seeing.send("MERGE", where, granting(all_seeing.tenant)).status_code == 403
    assert bob.send("MERGE", where, granting(bob.tenant)).status_code == 404
    assert stranger.send("MERGE", where, granting(bob.tenant)).status_code == 404
    answer = tenant.send("MERGE", where, granting(stranger.tenant))
    assert (answer.status_code, "names no user role" in said(answer)) == (400, True)
    assert granted(tenant, where) == set()


def test_one_that_sees_all_does_only_what_it_may(make, machine, where):
    reader = make("TenantAdmin", rights=["Start"])
    assert reader.row(where)["Name"] == "web-01"
    answer = reader.send("MERGE", where, {"Operation": "Stop"})
    assert (answer.status_code, "does not permit Stop" in said(answer)) == (403, True)


def test_its_limits_are_its_own_within_the_tenants(bob, order):
    small = order | {"LocalAdminPassword": None}
    assert bob.send("POST", "VirtualMachines", small | {"Name": "one"}).status_code == 201
    answer = bob.send("POST", "VirtualMachines", small | {"Name": "two"})
    assert (answer.status_code, "1 of virtual machines" in said(answer)) == (400, True)


def test_its_machines_are_given_to_the_tenant_and_then_it_goes(
    administrator, tenant, bob, order, stamp
):
    answer = bob.send("POST", "VirtualMachines", order | {"LocalAdminPassword": None})
    done(answer)
    id = json.loads(answer.content)["ID"]
    place = f"UserRoles(guid'{bob.tenant}')"
    assert administrator.send("DELETE", place).status_code == 409
    his = key("VirtualMachines", id, stamp.pk)
    owner = {"odata.type": "VMM.UserAndRole", "RoleID": tenant.tenant}
    done(administrator.send("MERGE", his, {"Owner": owner}))
    assert administrator.row(his)["Owner"]["RoleID"] == str(tenant.tenant)
    assert administrator.send("DELETE", place).status_code == 204
    assert bob.get("VirtualMachines").status_code == 404
    assert tenant.row(his)["Name"] == "web-01"


def test_a_portal_finds_the_roles_inside_a_tenants(administrator, tenant, bob):
    condition = f"UserRoles?$filter=ParentUserRoleId eq guid'{tenant.tenant}'"
    assert [row["ID"] for row in administrator.rows(condition)] == [str(bob.tenant)]
    assert [row["ID"] for row in tenant.rows(condition)] == [str(bob.tenant)]
    assert [row["ID"] for row in bob.rows("UserRoles")] == [str(bob.tenant)]


def test_a_machine_is_granted_as_a_resource_as_well(administrator, bob, machine, stamp):
    place = f"UserRoles(guid'{bob.tenant}')"
    item = {"StampId": stamp.pk, "Resource": machine.pk, "ResourceType": "VirtualMachine"}
    for name, seen in (("AddResource", 1), ("RemoveResource", 0)):
        body = {f"{name}@odata.type": "Collection(VMM.UserRoleResource)", name: [item]}
        assert administrator.send("MERGE", place, body).status_code == 204
        assert len(bob.rows("VirtualMachines")) == seen


def test_a_role_inside_one_that_is_inside_is_refused(administrator, bob, role):
    inner = UserRole.objects.get(pk=bob.tenant)
    body = {
        "Name": "deep",
        "UserRoleProfile": "SelfServiceUser",
        "ParentUserRoleId": inner.pk,
    }
    answer = administrator.send("POST", "UserRoles", body)
    assert answer.status_code == 400
    assert not UserRole.objects.filter(parent=inner).exists()


def test_no_set_tells_of_a_machine_that_was_not_granted(bob, tenant, fabric, role, stamp, order):
    """Read plainly, expanded, navigated and asked for by what hangs on it."""
    hidden = deploy(fabric, acting_for(role), "hush-hush")
    finish(actions.checkpoints.create(acting_for(role), hidden, name="hush-checkpoint")[1])
    done(bob.send("POST", "VirtualMachines", order | {"Name": "his", "LocalAdminPassword": None}))
    adapter = hidden.adapters.get()
    traces = ("hush", str(hidden.pk), str(adapter.pk), adapter.mac)
    paths = []
    for name, entity_set in VMM.sets.items():
        paths += [name, *(f"{name}?$expand={nav.name}" for nav in entity_set.type.navs)]
        if entity_set.type.prop("VMId") is not None:
            paths.append(f"{name}?$filter=VMId eq guid'{hidden.pk}' or VMId ne null")

    def telling(caller: Caller) -> set[str]:
        told = {path: caller.get(path).content.decode() for path in paths}
        return {path for path, text in told.items() if any(trace in text for trace in traces)}

    assert telling(bob) == set()
    assert {"VirtualMachines", "Jobs", "VMCheckPoints"} <= telling(tenant)
    some = "any(a: a/Name ne 'x')"
    for nav in ("VirtualNetworkAdapters", "VirtualDiskDrives", "VMCheckpoints"):
        assert "hush" not in bob.get(f"VirtualMachines?$filter={nav}/{some}").content.decode()
    where = key("VirtualMachines", hidden.pk, stamp.pk)
    for nav in VMM.sets["VirtualMachines"].type.navs:
        assert bob.get(f"{where}/{nav.name}").status_code == 404
    plugged = key("VirtualNetworkAdapters", adapter.pk, stamp.pk)
    assert (bob.get(plugged).status_code, tenant.get(plugged).status_code) == (404, 200)
    batch = (
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"GET {where} HTTP/1.1\r\nHost: localhost\r\n\r\n\r\n--b--\r\n"
    )
    answer = bob.send("POST", "$batch", batch, content_type="multipart/mixed; boundary=b")
    assert (answer.status_code, b"404 Not Found" in answer.content) == (202, True)
