"""Roles inside a tenant's: made, changed and taken away, with the machines they were given."""

from __future__ import annotations

import json
from uuid import UUID, uuid4

import httpx
import pytest

from fabric.providers.base import MemberRole
from fabric.providers.errors import Throttled
from fabric.providers.spf import members
from tests.unit.fabric.providers.spf.test_verbs import tenant_order

DB, WEB = uuid4(), uuid4()


def member(*machines: UUID, everything: bool = False, **fields) -> MemberRole:
    values = {
        "id": uuid4(),
        "name": "bob@x.example_1",
        "email": "bob@x.example",
        "permissions": ("Start", "Stop"),
        "limits": {"machines": 2},
        "machines": None if everything else machines,
    }
    return MemberRole(**(values | fields))


def role_row(role: MemberRole, profile: str = members.CHOSEN) -> dict:
    return {"ID": str(role.id), "UserRoleProfile": profile, "Members": [role.email]}


def machine_row(id: UUID, owner: UUID, *granted: UUID) -> dict:
    return {
        "ID": str(id),
        "Owner": {"RoleID": str(owner)},
        "GrantedToList": [{"RoleID": str(each)} for each in granted],
    }


@pytest.fixture
def ensure(far, spf):
    """Return a function that brings roles to an order, from what is known of them."""
    far.on("POST", "UserRoles", lambda request: httpx.Response(201, json={"ID": str(uuid4())}))
    for method in ("MERGE", "DELETE"):
        far.on(method, "", httpx.Response(204))

    def ensure(order, roles=(), machines=()) -> list[tuple[str, str, dict]]:
        far.feed("UserRoles?", *roles)
        far.feed("VirtualMachines?", *machines)
        members.ensure(spf._session, order)
        calls = [call for call in far.calls if call.method != "GET"]
        return [(call.method, call.url.path, _body(call)) for call in calls]

    return ensure


def _body(call: httpx.Request) -> dict:
    return json.loads(call.content) if call.content else {}


def test_a_role_has_what_it_may_of_the_tenants(ensure):
    bob = member(DB, permissions=("Start", "Stop", "Create"))
    order = tenant_order(members=(bob,))
    made, granted = ensure(order, machines=[machine_row(DB, order.id), machine_row(WEB, order.id)])
    method, path, body = made
    assert (method, path.rpartition("/")[2]) == ("POST", "UserRoles")
    assert body["ID"] == str(bob.id)
    assert body["ParentUserRoleId"] == str(order.id)
    assert body["UserRoleProfile"] == "SelfServiceUser"
    assert body["AddMember"] == ["bob@x.example"]
    # The tenant's own role may Create and Start.
    assert body["PermissionInput"][0]["Permission"] == ["Start", "Create"]
    assert body["AddScope"][0]["RoleVMCount"] == 2
    assert body["AddResource"][0]["Resource"] == str(order.resources[0][1])
    method, path, body = granted
    assert str(DB) in path
    assert [each["RoleID"] for each in body["GrantedToList"]] == [str(bob.id)]


def test_one_that_sees_all_is_given_no_machines(ensure):
    bob = member(everything=True)
    order = tenant_order(members=(bob,))
    ((_, _, body),) = ensure(order, machines=[machine_row(DB, order.id)])
    assert body["UserRoleProfile"] == "TenantAdmin"


def test_what_is_as_ordered_is_asked_for_once(ensure, far):
    bob = member(DB)
    order = tenant_order(members=(bob,))
    ((method, path, body),) = ensure(
        order, [role_row(bob)], [machine_row(DB, order.id, bob.id), machine_row(WEB, bob.id)]
    )
    assert (method, str(bob.id) in path) == ("MERGE", True)
    assert "AddMember" not in body
    assert len(far.told("GET")) == 2


def test_a_tenant_without_members_costs_one_question(ensure, far):
    assert ensure(tenant_order()) == []
    assert len(far.calls) == 1


def test_a_role_not_named_any_more_leaves_its_machines_to_the_tenant(ensure):
    gone = member()
    order = tenant_order()
    with pytest.raises(Throttled):
        ensure(order, [role_row(gone)], [machine_row(WEB, gone.id)])
    given, removed = ensure(order, [role_row(gone)], [machine_row(WEB, order.id)])
    assert (given[0], str(WEB) in given[1]) == ("MERGE", True)
    assert given[2]["Owner"]["RoleID"] == str(order.id)
    assert (removed[0], str(gone.id) in removed[1]) == ("DELETE", True)


def test_a_machine_taken_from_all_names_the_tenants_role(ensure):
    bob = member()
    order = tenant_order(members=(bob,))
    _, (_, path, body) = ensure(order, [role_row(bob)], [machine_row(DB, order.id, bob.id)])
    assert str(DB) in path
    assert [each["RoleID"] for each in body["GrantedToList"]] == [str(order.id)]


def test_one_that_now_sees_all_is_made_anew(ensure):
    bob = member(everything=True)
    order = tenant_order(members=(bob,))
    (removed, _, _), (made, _, body) = ensure(order, [role_row(bob)])
    assert (removed, made, body["UserRoleProfile"]) == ("DELETE", "POST", "TenantAdmin")


def test_a_machine_something_is_under_way_on_is_given_later(ensure, far):
    gone = member()
    far.on("MERGE", "VirtualMachines(", httpx.Response(409))
    with pytest.raises(Throttled):
        ensure(tenant_order(), [role_row(gone)], [machine_row(WEB, gone.id)])
    assert not far.told("DELETE")


def test_a_machine_removed_meanwhile_is_in_nobodys_way(ensure, far):
    gone, carol = member(), member(DB, WEB)
    order = tenant_order(members=(carol,))
    far.on("MERGE", f"VirtualMachines(ID=guid'{WEB}", httpx.Response(404))
    rows = [machine_row(WEB, order.id), machine_row(DB, order.id)]
    told = ensure(order, [role_row(carol)], rows)
    assert str(DB) in told[-1][1]
    with pytest.raises(Throttled):
        ensure(order, [role_row(gone), role_row(carol)], [machine_row(WEB, gone.id)])
    assert not far.told("DELETE")


def test_a_tenant_that_is_gone_leaves_nothing(far, spf):
    bob = member()
    order = tenant_order(members=(bob,))
    far.feed("UserRoles?", role_row(bob))
    far.feed("VirtualMachines?")
    far.on("DELETE", "", httpx.Response(204))
    far.on("DELETE", f"UserRoles(guid'{order.id}", httpx.Response(404))
    spf.ensure_gone_tenant(order)
    removed = [call.url.path for call in far.told("DELETE")]
    assert [str(bob.id) in removed[0], "Tenants" in removed[1], "UserRoles" in removed[2]] == [
        True
    ] * 3
