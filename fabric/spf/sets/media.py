"""Library shares, the ISO images on them, and the DVD drives that take these."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet

from fabric.spf.schema import Create, Join, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import never, plain, stamp
from fabric.spf.sets.recording import record
from fabric.spf.sets.repeats import Made, once
from fabric.spf.writing import NO_ID
from fabric.vmm.actions import media
from fabric.vmm.models import DVDDrive, FileKind, Job, LibraryFile, LibraryShare
from fabric.vmm.roles import Caller

MIB = 1024**2


def _shares(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = LibraryShare.objects.visible_to(scope.caller)
    return rows.filter(library_server__server__in=scope.servers).select_related("library_server")


def _share(scope: Scope, share: LibraryShare) -> Row:
    return {
        "ID": share.pk,
        "StampId": scope.stamp_of(share.library_server.server_id),
        "Name": share.name,
        "Description": share.description,
        "Path": share.path,
    }


def _isos(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    rows = LibraryFile.objects.visible_to(scope.caller).filter(server__in=scope.servers)
    return rows.filter(kind=FileKind.ISO).defer("sealed")


def _iso(scope: Scope, iso: LibraryFile) -> Row:
    return {
        "ID": iso.pk,
        "StampId": scope.stamp_of(iso.server_id),
        "Name": iso.name,
        "Description": iso.description,
        "Accessibility": "Public",
        "AddedTime": iso.created_at,
        "Enabled": iso.is_enabled,
        "IsOrphaned": False,
        "LibraryShareId": iso.share_id,
        "ModifiedTime": iso.modified_at,
        "SharePath": iso.path,
        "Size": iso.size_mb * MIB,
        "State": "Normal",
    }


def _drives(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return (
        DVDDrive.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(of_server=F("machine__server"), of_machine=F("machine__name"))
        .select_related("iso")
        .defer("iso__sealed")
        .order_by("machine", "bus", "lun")
    )


def _drive(scope: Scope, drive: Any) -> Row:
    iso = drive.iso
    return {
        "ID": drive.pk,
        "StampId": scope.stamp_of(drive.of_server),
        "VMId": drive.machine_id,
        "ISOId": drive.iso_id,
        "Name": f"{drive.of_machine} DVD drive {drive.lun + 1}",
        "Accessibility": "Public",
        "AddedTime": drive.created_at,
        "Bus": drive.bus,
        "BusType": "SCSI",
        "Connection": "None" if iso is None else "ISOImage",
        "Enabled": True,
        "ISOLinked": False,
        "LUN": drive.lun,
        "ModifiedTime": drive.created_at,
        "Size": 0 if iso is None else iso.size_mb * MIB,
    }


def _create(scope: Scope, body: Row) -> Written:
    """A drive, with an image in it or empty; where it stands is for VMM to say."""
    machine = named.machine(scope, body)
    iso = _iso_of(scope, machine.server_id, body)

    def act(caller: Caller) -> Made:
        with transaction.atomic():
            drive = media.add_drive(caller, machine)
            if iso is not None:
                job = media.insert(caller, machine, iso=iso)
            else:
                id = record(scope, machine, "New-SCVirtualDVDDrive", "Add DVD drive", by=caller)
                job = Job.objects.get(pk=id)
        return _drives(scope).get(pk=drive.pk), job

    return once(
        scope,
        "VirtualDVDDrives",
        body,
        act,
        lambda job: _drives(scope).filter(machine=job.subject).first(),
    )


def _update(scope: Scope, drive: Any, body: Row) -> UUID | None:
    """Another image, or with an id of zeros none."""
    assert scope.caller is not None
    wanted = body.get("ISOId")
    if wanted is None or wanted == (drive.iso_id or NO_ID):
        return None
    if wanted == NO_ID:
        return media.eject(scope.caller, drive.machine).pk
    iso = _iso_of(scope, drive.of_server, body)
    return media.insert(scope.caller, drive.machine, iso=iso).pk


def _iso_of(scope: Scope, server_id: Any, body: Row) -> Any:
    if "ISOId" not in body:
        return None
    rows = _isos(scope).filter(server=server_id)
    return named.one(rows, "ISOId", body["ISOId"], "ISO image")


@transaction.atomic
def _delete(scope: Scope, drive: Any) -> UUID:
    assert scope.caller is not None
    media.remove_drive(scope.caller, drive)
    return record(scope, drive.machine, "Remove-SCVirtualDVDDrive", "Remove DVD drive")


SETS = (
    Resource(
        name="LibraryShares",
        sources=(
            Table(
                _shares,
                _share,
                plain(ID="pk", Name="name", Description="description", Path="path")
                | {"StampId": stamp("library_server__server")},
            ),
        ),
    ),
    Resource(
        name="ISOs",
        sources=(
            Table(
                _isos,
                _iso,
                plain(
                    ID="pk",
                    Name="name",
                    Description="description",
                    LibraryShareId="share",
                    Enabled="is_enabled",
                    SharePath="path",
                    AddedTime="created_at",
                    ModifiedTime="modified_at",
                )
                | {"StampId": stamp()},
            ),
        ),
        joins={"LibraryShare": Join("LibraryShareId", "ID")},
    ),
    Resource(
        name="VirtualDVDDrives",
        sources=(
            Table(
                _drives,
                _drive,
                plain(
                    ID="pk",
                    VMId="machine",
                    ISOId="iso",
                    Bus="bus",
                    LUN="lun",
                    AddedTime="created_at",
                )
                | {"StampId": stamp("machine__server"), "TemplateId": never()},
            ),
        ),
        joins={"ISO": Join("ISOId", "ID")},
        create=Create(_create, takes=names("StampId VMId ISOId"), requires=("StampId", "VMId")),
        update=Update(_update, takes=names("ISOId"), zeros=names("ISOId")),
        delete=_delete,
    ),
)
