"""What a request names, among what the caller sees; a bad request when it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value
from fabric.spf.schema import Row
from fabric.spf.scope import Scope
from fabric.vmm.models import Server, VirtualMachine, VMNetwork


def server_of(scope: Scope, body: Row) -> Any:
    """The VMM server of the stamp a body names."""
    return Server.objects.get(pk=scope.server_of(body["StampId"]))


def one(rows: QuerySet[Any], parameter: str, id: Value, what: str) -> Any:
    """The row with this id, named by the parameter."""
    found = rows.filter(pk=id).first()
    if found is None:
        raise BadRequest(f"The parameter {parameter} names no {what} that you may use.")
    return found


def machine(scope: Scope, body: Row, parameter: str = "VMId") -> Any:
    """The machine named by a parameter, on the stamp the body names."""
    assert scope.caller is not None
    rows = VirtualMachine.objects.visible_to(scope.caller)
    rows = rows.filter(server=scope.server_of(body["StampId"]))
    return one(rows, parameter, body[parameter], "virtual machine")


def network(scope: Scope, server_id: Any, body: Row) -> Any:
    """The VM network named by VMNetworkId or VMNetworkName; None when neither names one."""
    assert scope.caller is not None
    rows = VMNetwork.objects.visible_to(scope.caller).filter(server=server_id)
    if "VMNetworkId" in body:
        return one(rows, "VMNetworkId", body["VMNetworkId"], "VM network")
    name = body.get("VMNetworkName")
    if not name:
        return None
    found = rows.filter(name=name).first()
    if found is None:
        raise BadRequest("The parameter VMNetworkName names no VM network that you may use.")
    return found


def different(row: Any, body: Row, keywords: Mapping[str, str]) -> Row:
    """What of a body is not as the row has it already, under the names of the row's fields."""
    return {
        field: body[name]
        for name, field in keywords.items()
        if name in body and body[name] != getattr(row, field)
    }
