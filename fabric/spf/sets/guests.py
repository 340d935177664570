"""What is known of machines as guests: the addresses of running ones, and checkpoints."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from fabric.spf.schema import Join, Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import plain, stamp
from fabric.vmm.models import Checkpoint, VirtualMachine
from fabric.vmm.states import MachineStatus


def _guests(scope: Scope) -> QuerySet[Any]:
    """Only a system that runs has addresses to tell."""
    assert scope.caller is not None
    return (
        VirtualMachine.objects.visible_to(scope.caller)
        .filter(server__in=scope.servers, status=MachineStatus.RUNNING)
        .only("server")
        .prefetch_related("adapters__leases")
    )


def _guest(scope: Scope, machine: VirtualMachine) -> Row:
    adapters = sorted(machine.adapters.all(), key=lambda adapter: adapter.slot)
    addresses = [address for adapter in adapters for address in adapter.addresses]
    return {
        "VMId": machine.pk,
        "StampId": scope.stamp_of(machine.server_id),
        "IPv4Addresses": ";".join(each for each in addresses if ":" not in each),
        "IPv6Addresses": ";".join(each for each in addresses if ":" in each),
    }


def _checkpoints(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return (
        Checkpoint.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers, is_complete=True)
        .annotate(of_server=F("machine__server"))
        .order_by("machine", "created_at")
    )


def _checkpoint(scope: Scope, checkpoint: Any) -> Row:
    return {
        "ID": checkpoint.pk,
        "StampId": scope.stamp_of(checkpoint.of_server),
        "VMId": checkpoint.machine_id,
        "ParentCheckpointID": checkpoint.parent_id,
        "Name": checkpoint.name,
        "Description": checkpoint.description,
        "Accessibility": "Public",
        "AddedTime": checkpoint.created_at,
        "Enabled": True,
    }


SETS = (
    Resource(
        name="GuestInfos",
        sources=(Table(_guests, _guest, plain(VMId="pk") | {"StampId": stamp()}),),
    ),
    Resource(
        name="VMCheckPoints",
        sources=(
            Table(
                _checkpoints,
                _checkpoint,
                plain(ID="pk", VMId="machine", Name="name", ParentCheckpointID="parent")
                | {"StampId": stamp("machine__server")},
            ),
        ),
        joins={"ParentCheckPoint": Join("ParentCheckpointID", "ID")},
    ),
)
