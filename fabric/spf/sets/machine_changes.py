"""Virtual machines operated and changed over SPF.

Clients send what they read: only what differs is a change. One job is one kind of change.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Row, Update, names
from fabric.spf.scope import Scope
from fabric.spf.sets import machine_rebuilds, named
from fabric.spf.sets.grants import is_other, named_roles
from fabric.spf.sets.recording import record
from fabric.spf.sets.userroles import ADMINISTRATOR_ID, ADMINISTRATOR_NAME
from fabric.vmm.actions import adapters, machines, moves
from fabric.vmm.models import Host, LibraryShare, NetworkAdapter, UserRole, VirtualMachine

_CHANGES = {
    "Name": "name",
    "Description": "description",
    "Tag": "tag",
    "CostCenter": "cost_center",
    "StartAction": "start_action",
    "StopAction": "stop_action",
    "CPUCount": "cores",
    "Memory": "memory_mb",
}
_STORE, _DEPLOY = "Store", "Deploy"


def _operate(scope: Scope, machine: VirtualMachine, known: Row, body: Row) -> UUID | None:
    assert scope.caller is not None
    operation = body["Operation"]
    if body.get("Agent"):
        raise BadRequest("Repair by Agent is not offered.")
    if body.get("VMHostName") not in (None, "", known["VMHostName"]):
        raise BadRequest("An operation and VMHostName are asked for one at a time.")
    if operation == machine_rebuilds.OPERATION:
        return machine_rebuilds.rebuild(scope, machine, body)
    if operation == _STORE:
        return machines.store(scope.caller, machine, share=_share(scope, machine, body)).pk
    if operation == _DEPLOY:
        start = bool(body.get("StartVM"))
        return machines.deploy_stored(scope.caller, machine, start=start).pk
    return machines.operate(
        scope.caller,
        machine,
        operation,
        retry=bool(body.get("Retry")),
        undo=bool(body.get("Undo")),
        dismiss=bool(body.get("Dismiss")),
    ).pk


def _change(scope: Scope, machine: VirtualMachine, known: Row, body: Row) -> UUID | None:
    assert scope.caller is not None
    changes = {
        word: body[name]
        for name, word in _CHANGES.items()
        if name in body and body[name] != known[name]
    }
    owner = _other_owner(body.get("Owner") or {}, known["Owner"])
    host_name, path = body.get("VMHostName"), body.get("SharePath")
    goes_elsewhere = bool(host_name) and host_name != known["VMHostName"]
    is_stored = bool(path) and path != known.get("SharePath")
    networks = _other_networks(scope, machine, body.get("VMNetworkAssignments", ()))
    # To take it from all of them, the list names the role it belongs to.
    granted = body.get("GrantedToList") or []
    granted = granted if is_other(known["GrantedToList"], granted) else []
    asked = [bool(changes), bool(owner), goes_elsewhere, is_stored, bool(networks), bool(granted)]
    if asked.count(True) > 1 or len(networks) > 1:
        raise BadRequest(
            "Owner, VMHostName, SharePath, GrantedToList, one network adapter's network and other "
            "properties are changed one at a time."
        )
    if granted:
        return _grant(scope, machine, granted)
    if owner:
        return _give(scope, machine, owner)
    if goes_elsewhere:
        return moves.move(scope.caller, machine, host=_host(scope, machine, str(host_name))).pk
    if is_stored:
        return machines.store(scope.caller, machine, share=_share(scope, machine, body)).pk
    for adapter, network in networks:
        return adapters.change(scope.caller, adapter, network=network).pk
    return machines.update(scope.caller, machine, **changes).pk if changes else None


@transaction.atomic
def _grant(scope: Scope, machine: VirtualMachine, items: list[Row]) -> UUID | None:
    assert scope.caller is not None
    to = named_roles(UserRole.objects.visible_to(scope.caller), items)
    if not machines.grant_machine(scope.caller, machine, to):
        return None
    return record(scope, machine, "Grant-SCResource", "Grant virtual machine")


def _other_networks(scope: Scope, machine: VirtualMachine, items: Any) -> list[tuple[Any, Any]]:
    """The adapters that are to be on another network, each with that network."""
    found = []
    for item in items:
        id, name = item.get("VirtualNetworkAdapterID"), item.get("VMNetworkName")
        adapter = NetworkAdapter.objects.filter(machine=machine.pk, pk=id).first()
        if adapter is None:
            raise BadRequest("VMNetworkAssignments names no network adapter of this machine.")
        network = named.network(scope, machine.server_id, {"VMNetworkName": name})
        if network is not None and network.pk != adapter.network_id:
            found.append((adapter, network))
    return found


def _other_owner(sent: Row, known: Row) -> Row:
    """Return the owner as sent, what is left out filled in; nothing when it is the same.

    What goes with another role is not filled in from the one it has.
    """
    wanted = {name: sent.get(name) or known[name] for name in known}
    if wanted == known:
        return {}
    if (wanted["RoleID"], wanted["RoleName"]) != (known["RoleID"], known["RoleName"]):
        wanted = {name: sent.get(name) or None for name in known}
    return wanted


def _give(scope: Scope, machine: VirtualMachine, owner: Row) -> UUID:
    assert scope.caller is not None
    role = None
    if owner["RoleID"] != ADMINISTRATOR_ID and owner["RoleName"] != ADMINISTRATOR_NAME:
        roles = UserRole.objects.visible_to(scope.caller)
        naming = {"pk": owner["RoleID"]} if owner["RoleID"] else {"name": owner["RoleName"]}
        role = roles.filter(**naming).first()
        if role is None:
            raise BadRequest("The parameter Owner names no user role.")
    return machines.give(scope.caller, machine, role=role, owner_name=owner["UserName"]).pk


def _host(scope: Scope, machine: VirtualMachine, name: str) -> Host:
    """Return the host to move to; those who do not run the fabric see none."""
    assert scope.caller is not None
    hosts = Host.objects.visible_to(scope.caller) if scope.caller.is_fabric else Host.objects.none()
    found: Host | None = hosts.filter(server=machine.server_id, name=name.lower()).first()
    if found is None:
        raise BadRequest("The parameter VMHostName names no host you may use.")
    return found


def _share(scope: Scope, machine: VirtualMachine, body: Row) -> LibraryShare | None:
    """The library share to store on, by its path; only those who run the fabric choose it."""
    assert scope.caller is not None
    path = (body.get("SharePath") or "").rstrip("\\")
    if not path:
        return None
    rows = LibraryShare.objects.visible_to(scope.caller)
    rows = rows if scope.caller.is_fabric else rows.none()
    rows = rows.filter(library_server__server=machine.server_id)
    found: LibraryShare | None = rows.filter(path__iexact=path).first()
    if found is None:
        raise BadRequest("The parameter SharePath names no library share you may store on.")
    return found


def updating(told: Any) -> Update:
    """The update of machines that are told like this."""

    def run(scope: Scope, machine: VirtualMachine, body: Row) -> UUID | None:
        do = _operate if body.get("Operation") else _change
        return do(scope, machine, told(scope, machine), body)

    return Update(
        run,
        takes=names(
            "Operation Retry Undo Dismiss Agent StartVM Owner VMHostName SharePath "
            "VMNetworkAssignments GrantedToList"
        )
        | machine_rebuilds.TAKES
        | _CHANGES.keys(),
    )
