"""Virtual machines: how one is told. Orders and changes have modules of their own."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, F, FilteredRelation, Func, IntegerField, Q, QuerySet
from django.utils import timezone

from fabric.odata.literals import Value
from fabric.spf.schema import Column, Join, Resource, Row, Table, names
from fabric.spf.scope import Scope
from fabric.spf.sets import console
from fabric.spf.sets.columns import GIB, plain, stamp
from fabric.spf.sets.errorinfo import error_info
from fabric.spf.sets.grants import machine_grants
from fabric.spf.sets.library import operating_system
from fabric.spf.sets.machine_changes import updating
from fabric.spf.sets.machine_orders import CREATE
from fabric.spf.sets.userroles import ADMINISTRATOR_ID, ADMINISTRATOR_NAME
from fabric.vmm.actions import machines
from fabric.vmm.models import VirtualMachine
from fabric.vmm.models.performance import Frame
from fabric.vmm.states import MachineStatus, machine_state, status_string

# A load older than this is none of now.
FRESH = timedelta(minutes=3)


class _Last(Func):
    """The last item of an array."""

    template = "(%(expressions)s)[cardinality(%(expressions)s)]"


def _machines(scope: Scope) -> QuerySet[Any]:
    """Machines, each with the last point of its curve of an hour."""
    assert scope.caller is not None
    rows = VirtualMachine.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return machine_grants(scope, rows).annotate(
        role_name=F("role__name"),
        host_name=F("host__name"),
        current=FilteredRelation("checkpoints", condition=Q(checkpoints__is_current=True)),
        current_id=F("current__pk"),
        hour=FilteredRelation("performance", condition=Q(performance__frame=Frame.HOUR)),
        sampled_at=_Last(F("hour__times"), output_field=DateTimeField()),
        cpu_now=_Last(F("hour__cpu_percent"), output_field=IntegerField()),
        memory_now=_Last(F("hour__memory_mb"), output_field=IntegerField()),
    )


# What `_machine` reads.
_FIELDS = (
    "pk server_id name created_at cloud_id computer_name cost_center cores deployment_error "
    "description is_dynamic_memory failed_job_id generation status is_highly_available memory_mb "
    "modified_at most_recent_job_id os_name os_type owner_name role_id role_name template_id "
    "start_action stop_action tag storage_gb hypervisor_id host_name moving_to_id "
    "last_restored_id sampled_at cpu_now memory_now granted "
    "current_id"
)


def _machine(scope: Scope, machine: Any) -> Row:
    """What is only sent (templates, passwords, Operation …) is null here, whatever was sent."""
    assert scope.caller is not None
    failure = machine.deployment_error
    return {
        **_CONSTANT,
        **_load(machine),
        "ID": machine.pk,
        "StampId": scope.stamp_of(machine.server_id),
        "Name": machine.name,
        "AddedTime": machine.created_at,
        "CloudId": machine.cloud_id,
        "ComputerName": machine.computer_name,
        "CostCenter": machine.cost_center,
        "CPUCount": machine.cores,
        "CreationSource": f"Temporary Template{machine.pk}" if machine.template_id else None,
        "CreationTime": machine.created_at,
        "CurrentCheckpointId": machine.current_id,
        "DeploymentErrorInfo": error_info(failure) if failure else None,
        "Description": machine.description,
        "DynamicMemoryEnabled": machine.is_dynamic_memory,
        "FailedJobID": machine.failed_job_id,
        "Generation": machine.generation,
        "GrantedToList": getattr(machine, "granted", []),
        "HasSavedState": machine.status == MachineStatus.SAVED,
        "IsHighlyAvailable": machine.is_highly_available,
        "IsUndergoingLiveMigration": machine.moving_to_id is not None,
        "LastRestoredCheckpointId": machine.last_restored_id,
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
        "StatusString": status_string(machine.status),
        "StopAction": machine.stop_action,
        "Tag": machine.tag or "(none)",
        "TotalSize": machine.storage_gb * GIB if machine.hypervisor_id else 0,
        "VirtualMachineState": machine_state(machine.status),
        # Where a machine runs is the hoster's business.
        "VMHostName": machine.host_name if scope.caller.is_unbound else None,
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


def _load(machine: Any) -> Row:
    """The load of a running machine as far as VMM measures it. Bytes are not known: -1."""
    if machine.status != MachineStatus.RUNNING or machine.sampled_at is None:
        return {}
    if timezone.now() - machine.sampled_at > FRESH:
        return {}
    free = 100 - round(100 * machine.memory_now / machine.memory_mb)
    return {
        "CPUUtilization": machine.cpu_now,
        "DynamicMemoryDemandMB": machine.memory_now if machine.is_dynamic_memory else 0,
        "MemoryAvailablePercentage": max(0, free),
        "PerfCPUUtilization": machine.cpu_now,
    }


def _owner(machine: Any) -> Row:
    """RoleID is never null: .NET clients read it without looking."""
    has_role = machine.role_id is not None
    return {
        "UserName": machine.owner_name or None,
        "RoleName": machine.role_name if has_role else ADMINISTRATOR_NAME,
        "RoleID": machine.role_id if has_role else ADMINISTRATOR_ID,
    }


def _delete(scope: Scope, machine: VirtualMachine) -> UUID:
    assert scope.caller is not None
    return machines.remove(scope.caller, machine).pk


def _tags(scope: Scope, value: Value) -> Iterable[str]:
    if value == "(none)":
        return ["", "(none)"]
    return [str(value)] if value != "" else []


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
                    CostCenter="cost_center",
                    Description="description",
                    DynamicMemoryEnabled="is_dynamic_memory",
                    FailedJobID="failed_job_id",
                    Generation="generation",
                    IsHighlyAvailable="is_highly_available",
                    LastRestoredCheckpointId="last_restored_id",
                    OperatingSystem="os_name",
                    StartAction="start_action",
                    StopAction="stop_action",
                    AddedTime="created_at",
                    CreationTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp(), "Tag": Column("tag", _tags)},
                tuple(_FIELDS.split()),
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
            "VirtualSCSIAdapters": Join("ID", "VMId"),
            "VMCheckpoints": Join("ID", "VMId"),
        },
        only_sent=names(
            "Agent Dismiss Domain FullName HardwareProfileId LinuxAdministratorSSHKey "
            "LinuxAdministratorSSHKeyString LinuxDomainName LocalAdminPassword "
            "LocalAdminRunAsAccountName LocalAdminUserName MachineObjectOU Operation "
            "OrganizationName Password ProductKey Retry RunAsAccountUserName RunGuestAccount "
            "SourceCheckpointId SourceVMId StartVM TimeZone Undo UserData UserName "
            "VirtualHardDiskId VMTemplateId WorkGroup"
        ),
        create=CREATE,
        update=updating(_machine),
        delete=_delete,
        streams={"VMConnection": console.connection},
    ),
)
