"""Disk drives of machines and templates, the disks in them, and the controller they are on.

A drive and the disk in it have the same id, each in its own set. So has the controller of a
machine: there is one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet

from fabric.odata.errors import BadRequest
from fabric.spf.schema import (
    Action,
    Computed,
    Create,
    Join,
    Resource,
    Row,
    Table,
    Update,
    Wanted,
    Written,
    names,
)
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import GIB, guids, never, plain, stamp
from fabric.spf.sets.recording import record
from fabric.spf.sets.repeats import Made, once
from fabric.spf.sets.templates import wanted_templates
from fabric.vmm.actions import disks
from fabric.vmm.models import DiskDrive, Job, VirtualHardDisk, VirtualMachine
from fabric.vmm.roles import Caller


def _drives(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return (
        DiskDrive.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(of_server=F("machine__server"))
        .order_by("machine", "bus_type", "bus", "lun")
    )


def _drive(scope: Scope, drive: Any) -> Row:
    """A drive; SCSI, IDE and the file's name are only sent, and null here."""
    return {
        **_SAME,
        "ID": drive.pk,
        "StampId": scope.stamp_of(drive.of_server),
        "VMId": drive.machine_id,
        "VirtualHardDiskId": drive.pk,
        "Name": drive.name,
        "AddedTime": drive.created_at,
        "Bus": drive.bus,
        "BusType": drive.bus_type,
        "LUN": drive.lun,
        "ModifiedTime": drive.created_at,
        "Size": drive.size_gb * GIB,
    }


_SAME: Row = {
    "Accessibility": "Public",
    "Bus": 0,
    "BusType": "SCSI",
    "Description": "",
    "Enabled": True,
    "IsVHD": True,
    "VolumeType": "None",
}


def _template_drives(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    """The drives that machines of a template get; the first has the template's own id."""
    templates = wanted_templates(scope, wanted)
    for template in templates.select_related("disk").prefetch_related("data_disks"):
        parts = [(template.pk, 0, template.disk_id, template.disk.size_gb, template.disk.name)]
        parts += [
            (part.pk, part.lun, part.disk_id, part.size_gb, part.name)
            for part in sorted(template.data_disks.all(), key=lambda part: part.lun)
        ]
        for id, lun, disk_id, size_gb, name in parts:
            yield {
                **_SAME,
                "ID": id,
                "StampId": scope.stamp_of(template.server_id),
                "TemplateId": template.pk,
                "VirtualHardDiskId": disk_id,
                "Name": name,
                "LUN": lun,
                "Size": size_gb * GIB,
            }


def _machine_disks(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    drives = _drives(scope)
    for name, path in (("VMId", "machine__in"), ("ID", "pk__in")):
        ids = guids(wanted, name)
        if ids is not None:
            drives = drives.filter(**{path: ids})
    for drive in drives:
        yield {
            "ID": drive.pk,
            "StampId": scope.stamp_of(drive.of_server),
            "VMId": drive.machine_id,
            "ParentDiskId": drive.source_id,
            "Name": drive.name,
            "Accessibility": "Public",
            "AddedTime": drive.created_at,
            "Enabled": True,
            "IsOrphaned": False,
            "MaximumSize": drive.size_gb * GIB,
            "ModifiedTime": drive.created_at,
            "OperatingSystem": "None",
            "Size": drive.size_gb * GIB,
            "State": "Normal",
            "Type": "VirtualHardDisk",
            "VHDType": "DynamicallyExpanding",
            "VirtualizationPlatform": "HyperV",
        }


machine_disks = Computed(_machine_disks, filled=names("VMId"))


def _create(scope: Scope, body: Row) -> Written:
    """A copy of a library disk; without one, which is our own addition, an empty disk of a size."""
    machine = named.machine(scope, body)
    _require_scsi(body)
    library_disk = _library_disk(scope, machine, body)
    size_gb = None if library_disk is not None else _size_gb(body)

    def act(caller: Caller) -> Made:
        job = disks.add(
            caller,
            machine,
            name=body.get("Name") or "",
            library_disk=library_disk,
            size_gb=size_gb,
            lun=body.get("LUN"),
        )
        return _of_job(scope, job), job

    return once(scope, "VirtualDiskDrives", body, act, lambda job: _of_job(scope, job))


def _of_job(scope: Scope, job: Job) -> Any:
    return _drives(scope).filter(pk=job.inputs["drive"]).first()


def _require_scsi(body: Row) -> None:
    if body.get("IDE") and body.get("SCSI"):
        raise BadRequest("Give either the parameter SCSI or IDE.")
    if body.get("IDE"):
        raise BadRequest("Disks are added to the SCSI controller: give the parameter SCSI.")
    if body.get("Bus"):
        raise BadRequest("The parameter Bus names no controller: a machine has one, of bus 0.")


def _library_disk(scope: Scope, machine: VirtualMachine, body: Row) -> Any:
    assert scope.caller is not None
    if "VirtualHardDiskId" not in body:
        return None
    rows = VirtualHardDisk.objects.visible_to(scope.caller)
    rows = rows.filter(server=machine.server_id, is_enabled=True)
    return named.one(rows, "VirtualHardDiskId", body["VirtualHardDiskId"], "library disk")


def _size_gb(body: Row) -> int:
    size = body.get("Size")
    if not size or size < 0:
        raise BadRequest(
            "The parameter VirtualHardDiskId is mandatory, or for an empty disk its Size in bytes."
        )
    return int(-(-size // GIB))


def _update(scope: Scope, drive: Any, body: Row) -> UUID | None:
    assert scope.caller is not None
    if body.get("Name") in (None, "", drive.name):
        return None
    disks.rename(scope.caller, drive, name=body["Name"])
    return record(scope, drive.machine, "Set-SCVirtualDiskDrive", "Change virtual disk drive")


def _delete(scope: Scope, drive: Any) -> UUID:
    assert scope.caller is not None
    return disks.remove(scope.caller, drive).pk


def _expand(scope: Scope, drive: Any, body: Row) -> UUID:
    assert scope.caller is not None
    return disks.grow(scope.caller, drive, size_gb=body["VirtualHardDiskSizeGB"]).pk


def _machines(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = VirtualMachine.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return rows.only("server", "created_at")


def _controller(scope: Scope, machine: VirtualMachine) -> Row:
    return {
        **_CONTROLLER,
        "ID": machine.pk,
        "StampId": scope.stamp_of(machine.server_id),
        "VMId": machine.pk,
        "AddedTime": machine.created_at,
        "ModifiedTime": machine.created_at,
    }


def _template_controllers(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    for template in wanted_templates(scope, wanted):
        yield {
            **_CONTROLLER,
            "ID": template.pk,
            "StampId": scope.stamp_of(template.server_id),
            "TemplateId": template.pk,
            "AddedTime": template.created_at,
            "ModifiedTime": template.created_at,
        }


_CONTROLLER: Row = {
    "Accessibility": "Public",
    "AdapterID": 255,
    "Bus": 0,
    "Description": "",
    "Enabled": True,
    "Name": "SCSI adapter 0",
    "SCSIControllerType": "DefaultTypeNoType",
    "Shared": False,
}

SETS = (
    Resource(
        name="VirtualDiskDrives",
        sources=(
            Table(
                _drives,
                _drive,
                plain(
                    ID="pk",
                    VMId="machine",
                    VirtualHardDiskId="pk",
                    Name="name",
                    Bus="bus",
                    BusType="bus_type",
                    LUN="lun",
                    AddedTime="created_at",
                    ModifiedTime="created_at",
                )
                | {"StampId": stamp("machine__server"), "TemplateId": never()},
            ),
            Computed(_template_drives),
        ),
        joins={"VirtualHardDisk": Join("VirtualHardDiskId", "ID")},
        only_sent=names("SCSI IDE FileName Path"),
        create=Create(
            _create,
            takes=names("StampId VMId VirtualHardDiskId Bus LUN SCSI IDE Name Size"),
            requires=("StampId", "VMId"),
        ),
        update=Update(_update, takes=names("Name")),
        delete=_delete,
        actions={
            "Expand": Action(
                _expand,
                takes=names("VirtualHardDiskSizeGB"),
                requires=("VirtualHardDiskSizeGB",),
            )
        },
    ),
    Resource(
        name="VirtualSCSIAdapters",
        sources=(
            Table(
                _machines,
                _controller,
                plain(ID="pk", VMId="pk", AddedTime="created_at")
                | {"StampId": stamp(), "TemplateId": never()},
            ),
            Computed(_template_controllers),
        ),
    ),
)
