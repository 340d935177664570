"""What the systems of running machines tell: their addresses."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, QuerySet

from fabric.spf.schema import Resource, Row, Table, Wanted
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain, stamp
from fabric.vmm.errors import WrongState
from fabric.vmm.models import AddressLease, VirtualMachine
from fabric.vmm.states import MachineStatus


def _guests(scope: Scope) -> QuerySet[Any]:
    """Only a system that runs has addresses to tell."""
    assert scope.caller is not None
    leases = AddressLease.objects.filter(adapter__machine=OuterRef("pk"))
    return (
        VirtualMachine.objects.visible_to(scope.caller)
        .filter(server__in=scope.servers, status=MachineStatus.RUNNING)
        .annotate(leased=ArraySubquery(leases.order_by("adapter__slot").values("address")))
        .only("server")
    )


def _guest(scope: Scope, machine: Any) -> Row:
    addresses = [str(address) for address in machine.leased]
    return {
        "VMId": machine.pk,
        "StampId": scope.stamp_of(machine.server_id),
        "IPv4Addresses": ";".join(each for each in addresses if ":" not in each),
        "IPv6Addresses": ";".join(each for each in addresses if ":" in each),
    }


def _explain(scope: Scope, wanted: Wanted) -> None:
    """Asked for by key, a machine that is there and does not run is no guest: say so."""
    assert scope.caller is not None
    ids = guids(wanted, "VMId") or []
    servers = [scope.stamps.servers.get(id) for id in guids(wanted, "StampId") or []]
    rows = VirtualMachine.objects.visible_to(scope.caller).filter(server__in=filter(None, servers))
    machine = rows.filter(pk__in=ids).first()
    if machine is not None:
        raise WrongState(
            f"The machine {machine.name} is {machine.status_string}: only a running one tells its "
            "addresses."
        )


SETS = (
    Resource(
        name="GuestInfos",
        sources=(Table(_guests, _guest, plain(VMId="pk") | {"StampId": stamp()}),),
        missing=_explain,
    ),
)
