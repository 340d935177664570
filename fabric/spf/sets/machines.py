"""Virtual machines: how one is told, made, operated, changed and removed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from fabric.odata.errors import BadRequest
from fabric.odata.literals import Value
from fabric.spf.schema import Column, Create, Join, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import GIB, plain, stamp
from fabric.spf.sets.errorinfo import error_info
from fabric.spf.sets.library import operating_system
from fabric.spf.sets.userroles import ADMINISTRATOR_ID, ADMINISTRATOR_NAME
from fabric.vmm.actions import machines, moves
from fabric.vmm.models import Host, Server, UserRole, VirtualMachine
from fabric.vmm.states import MachineStatus


def _machines(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VirtualMachine.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return rows.select_related("role", "host")


def _machine(scope: Scope, machine: VirtualMachine) -> Row:
    """What is only sent (templates, passwords, Operation …) is null here, whatever was sent."""
    assert scope.caller is not None
    failure = machine.deployment_error
    return {
        **_CONSTANT,
        "ID": machine.pk,
        "StampId": scope.stamp_of(machine.server_id),
        "Name": machine.name,
        "AddedTime": machine.created_at,
        "CloudId": machine.cloud_id,
        "ComputerName": machine.computer_name,
        "CostCenter": machine.cost_center,
        "CPUCount": machine.cores,
        "CreationTime": machine.created_at,
        "DeploymentErrorInfo": error_info(failure) if failure else None,
        "Description": machine.description,
        "DynamicMemoryEnabled": machine.is_dynamic_memory,
        "FailedJobID": machine.failed_job_id,
        "Generation": machine.generation,
        "HasSavedState": machine.status == MachineStatus.SAVED,
        "IsHighlyAvailable": machine.is_highly_available,
        "Memory": machine.memory_mb,
        "MemoryAssignedMB": machine.memory_mb if machine.status == MachineStatus.RUNNING else 0,
        "ModifiedTime": machine.modified_at,
        "MostRecentTaskId": machine.most_recent_job_id,
        "OperatingSystem": machine.os_name,
        "OperatingSystemInstance": operating_system(machine.os_name, machine.os_type),
        "Owner": _owner(machine),
        "SourceObjectType": "VM Template" if machine.template_id else "Virtual Hard Disk",
        "StartAction": machine.start_action,
        "Status": machine.status,
        "StatusString": machine.status_string,
        "StopAction": machine.stop_action,
        "Tag": machine.tag or "(none)",
        "TotalSize": machine.storage_gb * GIB if machine.hypervisor_id else 0,
        "VirtualMachineState": machine.machine_state,
        # Where a machine runs is the hoster's business.
        "VMHostName": machine.host.name if machine.host and scope.caller.is_unbound else None,
        "VMId": machine.hypervisor_id,
    }


# As VMM tells every machine of this kind; -1 is "not known".
_CONSTANT: Row = {
    "BackupEnabled": False,
    "CapabilityProfile": "Hyper-V",
    "CPUMax": 100,
    "CPUReserve": 0,
    "CPUUtilization": 0,
    "DataExchangeEnabled": False,
    "DelayStart": 0,
    "DiskIO": 0,
    "DynamicMemoryDemandMB": 0,
    "Enabled": True,
    "ExcludeFromPRO": False,
    "ExpectedCPUUtilization": 20,
    "HasPassthroughDisk": False,
    "HasVMAdditions": False,
    "HeartbeatEnabled": False,
    "IsFaultTolerant": False,
    "IsRecoveryVM": False,
    "IsUndergoingLiveMigration": False,
    "LibraryGroup": "",
    "LimitCPUForMigration": False,
    "LimitCPUFunctionality": False,
    "Location": "",
    "MarkedAsTemplate": False,
    "MemoryWeight": 5000,
    "NetworkUtilization": 0,
    "OperatingSystemShutdownEnabled": False,
    "PerfCPUUtilization": -1,
    "PerfDiskBytesRead": -1,
    "PerfDiskBytesWrite": -1,
    "PerfNetworkBytesRead": -1,
    "PerfNetworkBytesWrite": -1,
    "TimeSynchronizationEnabled": False,
    "UndoDisksEnabled": False,
    "VirtualizationPlatform": "HyperV",
}


def _owner(machine: VirtualMachine) -> Row:
    """RoleID is never null: .NET clients read it without looking."""
    role = machine.role
    return {
        "UserName": machine.owner_name or None,
        "RoleName": ADMINISTRATOR_NAME if role is None else role.name,
        "RoleID": ADMINISTRATOR_ID if role is None else role.pk,
    }


def _create(scope: Scope, body: Row) -> Written:
    assert scope.caller is not None
    if ("VMTemplateId" in body) == ("VirtualHardDiskId" in body):
        raise BadRequest("Give either the parameter VMTemplateId or VirtualHardDiskId.")
    if "VirtualHardDiskId" in body and not (
        "HardwareProfileId" in body or ("CPUCount" in body and "Memory" in body)
    ):
        raise BadRequest(
            "The parameter VirtualHardDiskId needs HardwareProfileId, or CPUCount and Memory."
        )
    server = Server.objects.get(pk=scope.server_of(body["StampId"]))
    machine, job = machines.create(
        scope.caller,
        server=server,
        cloud_id=body["CloudId"],
        name=body["Name"],
        template_id=body.get("VMTemplateId"),
        disk_id=body.get("VirtualHardDiskId"),
        hardware_profile_id=body.get("HardwareProfileId"),
        cores=body.get("CPUCount"),
        memory_mb=body.get("Memory"),
        is_dynamic_memory=body.get("DynamicMemoryEnabled"),
        is_highly_available=body.get("HighlyAvailable"),
        adapters=[_adapter(item) for item in body.get("NewVirtualNetworkAdapterInput", ())],
        computer_name=body.get("ComputerName", ""),
        description=body.get("Description", ""),
        tag=body.get("Tag", ""),
        cost_center=body.get("CostCenter", ""),
        local_admin_user=body.get("LocalAdminUserName", ""),
        local_admin_password=body.get("LocalAdminPassword", ""),
        product_key=body.get("ProductKey", ""),
        # Here a time zone is the number Windows set-up knows it by.
        time_zone=str(body.get("TimeZone", "")),
        workgroup=body.get("WorkGroup", ""),
        domain=body.get("Domain", ""),
        start=body.get("StartVM", False),
        request_key=scope.request_key or None,
        owner_role=_owner_role(scope, body.get("Owner") or {}),
    )
    return Written(machine, job.pk)


def _adapter(item: Row) -> machines.NewAdapter:
    return machines.NewAdapter(
        network_id=item.get("VMNetworkId"),
        network_name=item.get("VMNetworkName") or "",
        mac=item.get("MACAddress") or "",
        mac_type=item.get("MACAddressType") or "",
        ipv4_type=item.get("IPv4AddressType") or "",
    )


def _owner_role(scope: Scope, owner: Row) -> UserRole | None:
    """The role an administrator makes the machine for; everybody else makes it for its own."""
    assert scope.caller is not None
    role_id = owner.get("RoleID")
    if scope.caller.role is not None or role_id in (None, ADMINISTRATOR_ID):
        return None
    role: UserRole | None = UserRole.objects.visible_to(scope.caller).filter(pk=role_id).first()
    if role is None:
        raise BadRequest("The parameter Owner names no user role.")
    return role


def _update(scope: Scope, machine: VirtualMachine, body: Row) -> UUID | None:
    """An operation, else a change. Clients send what they read: only what differs is a change."""
    assert scope.caller is not None
    if body.get("Operation"):
        if body.get("Agent"):
            raise BadRequest("Repair by Agent is not offered.")
        return machines.operate(
            scope.caller,
            machine,
            body["Operation"],
            retry=bool(body.get("Retry")),
            undo=bool(body.get("Undo")),
            dismiss=bool(body.get("Dismiss")),
        ).pk
    known = _machine(scope, machine)
    changes = {
        word: body[name]
        for name, word in _CHANGES.items()
        if name in body and body[name] != known[name]
    }
    owner = _other_owner(body.get("Owner") or {}, known["Owner"])
    host_name = body.get("VMHostName")
    goes_elsewhere = bool(host_name) and host_name != known["VMHostName"]
    if [bool(changes), bool(owner), goes_elsewhere].count(True) > 1:
        raise BadRequest("Owner, VMHostName and other properties are changed one at a time.")
    if owner:
        return _give(scope, machine, owner)
    if goes_elsewhere:
        return moves.move(scope.caller, machine, host=_host(scope, machine, str(host_name))).pk
    return machines.update(scope.caller, machine, **changes).pk if changes else None


def _other_owner(sent: Row, known: Row) -> Row:
    """Return the owner as sent, what is left out filled in; nothing when it is the same."""
    wanted = {name: sent.get(name) or known[name] for name in known}
    if sent.get("RoleName") not in (None, known["RoleName"]) and not sent.get("RoleID"):
        wanted["RoleID"] = None
    return wanted if wanted != known else {}


def _give(scope: Scope, machine: VirtualMachine, owner: Row) -> UUID:
    assert scope.caller is not None
    role = None
    if owner["RoleID"] != ADMINISTRATOR_ID and owner["RoleName"] != ADMINISTRATOR_NAME:
        roles = UserRole.objects.visible_to(scope.caller)
        named = {"pk": owner["RoleID"]} if owner["RoleID"] else {"name": owner["RoleName"]}
        role = roles.filter(**named).first()
        if role is None:
            raise BadRequest("The parameter Owner names no user role.")
    name = owner["UserName"] or ""
    return machines.give(scope.caller, machine, role=role, owner_name=name).pk


def _host(scope: Scope, machine: VirtualMachine, name: str) -> Host:
    """Return the host to move to; those who do not run the fabric see none."""
    assert scope.caller is not None
    hosts = Host.objects.visible_to(scope.caller) if scope.caller.is_fabric else Host.objects.none()
    found: Host | None = hosts.filter(server=machine.server_id, name=name.lower()).first()
    if found is None:
        raise BadRequest("The parameter VMHostName names no host you may use.")
    return found


def _delete(scope: Scope, machine: VirtualMachine) -> UUID:
    assert scope.caller is not None
    return machines.remove(scope.caller, machine).pk


def _tags(scope: Scope, value: Value) -> Iterable[str]:
    return ["" if value == "(none)" else str(value)]


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

SETS = (
    Resource(
        name="VirtualMachines",
        sources=(
            Table(
                _machines,
                _machine,
                plain(
                    ID="pk",
                    Name="name",
                    CloudId="cloud",
                    ComputerName="computer_name",
                    CPUCount="cores",
                    Memory="memory_mb",
                    MostRecentTaskId="most_recent_job_id",
                    Status="status",
                    VMId="hypervisor_id",
                    AddedTime="created_at",
                    CreationTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp(), "Tag": Column("tag", _tags)},
            ),
        ),
        joins={
            "Cloud": Join("CloudId", "ID"),
            "FailedJob": Join("FailedJobID", "ID"),
            "MostRecentTask": Join("MostRecentTaskId", "ID"),
            "VirtualDiskDrives": Join("ID", "VMId"),
            "VirtualDVDDrives": Join("ID", "VMId"),
            "VirtualHardDisks": Join("ID", "VMId"),
            "VirtualNetworkAdapters": Join("ID", "VMId"),
            "VMCheckpoints": Join("ID", "VMId"),
        },
        create=Create(
            _create,
            takes=names(
                "StampId CloudId Name VMTemplateId VirtualHardDiskId HardwareProfileId CPUCount "
                "Memory NewVirtualNetworkAdapterInput ComputerName Description Tag StartVM Owner "
                "LocalAdminUserName LocalAdminPassword CostCenter DynamicMemoryEnabled "
                "HighlyAvailable ProductKey TimeZone WorkGroup Domain"
            ),
            requires=("StampId", "CloudId", "Name"),
        ),
        update=Update(
            _update,
            takes=names(
                "Operation Retry Undo Dismiss Agent Name Description Tag CostCenter StartAction "
                "StopAction CPUCount Memory Owner VMHostName"
            ),
        ),
        delete=_delete,
    ),
)
