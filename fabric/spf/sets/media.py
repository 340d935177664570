"""Library shares, the ISO images on them, and the DVD drives that take these."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet

from fabric.spf.schema import Join, Resource, Row, Table
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import never, plain, stamp
from fabric.vmm.models import DVDDrive, FileKind, LibraryFile, LibraryShare

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
        "Size": 0 if iso is None else iso.size_mb * MIB,
    }


SETS = (
    Resource(
        name="LibraryShares",
        sources=(
            Table(
                _shares,
                _share,
                plain(ID="pk", Name="name", Path="path")
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
                plain(ID="pk", Name="name", LibraryShareId="share") | {"StampId": stamp()},
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
                plain(ID="pk", VMId="machine", ISOId="iso")
                | {"StampId": stamp("machine__server"), "TemplateId": never()},
            ),
        ),
        joins={"ISO": Join("ISOId", "ID")},
    ),
)
