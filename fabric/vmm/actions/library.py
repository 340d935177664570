"""The library: servers, their shares, virtual hard disks, ISO images, answer files and scripts."""

from __future__ import annotations

from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from fabric.durable.states import LIVE
from fabric.vmm import roles, sealed
from fabric.vmm.actions import fields, fitting, rows
from fabric.vmm.errors import Invalid
from fabric.vmm.jobs.disks import ADD, DETACH
from fabric.vmm.models import (
    FileKind,
    Job,
    LibraryFile,
    LibraryServer,
    LibraryShare,
    OSType,
    Server,
    VirtualHardDisk,
    VirtualMachine,
)
from fabric.vmm.roles import Caller
from fabric.vmm.states import UNFINISHED

LARGEST_GB = 65_536


class DiskDetails(TypedDict, total=False):
    """What else a virtual hard disk says; hosts copy `source_image`, by default its name."""

    share: LibraryShare | None
    os_type: str
    os_name: str
    source_image: str
    family: str
    release: str
    is_enabled: bool
    description: str


class DiskChanges(DiskDetails, total=False):
    name: str
    size_gb: int


class FileDetails(TypedDict, total=False):
    """What else a file says; `content` is of answer files and scripts, and never read back."""

    path: str
    size_mb: int
    os_type: str
    is_enabled: bool
    description: str


class FileChanges(FileDetails, total=False):
    name: str
    share: LibraryShare


def _share_of_server(row: Any, keyword: str, value: LibraryShare | None) -> LibraryShare | None:
    if value is not None:
        fields.require_server(row.server, [value.library_server], "library server", field=keyword)
    return value


_SERVER = {"name": rows.name("library server", longest=255), "description": rows.prose}
_SHARE = {
    "name": rows.name("share", within="library_server"),
    "path": rows.words("The path"),
    "description": rows.prose,
}
_DISK = {
    "name": rows.name("virtual hard disk", longest=100),
    "share": _share_of_server,
    "size_gb": rows.count("The size in GB", most=LARGEST_GB),
    "os_type": rows.choice(OSType, "kind of operating system"),
    "os_name": rows.words("The operating system", longest=200),
    "source_image": rows.words("The image"),
    "family": rows.words("The family", longest=100),
    "release": rows.words("The release", longest=40),
    "is_enabled": rows.plain,
    "description": rows.prose,
}
_FILE = {
    "share": _share_of_server,
    "name": rows.plain,
    "path": rows.words("The path"),
    "size_mb": rows.count("The size in MB", least=0),
    "os_type": rows.choice(OSType, "kind of operating system"),
    "is_enabled": rows.plain,
    "description": rows.prose,
}


@transaction.atomic
def add_server(
    caller: Caller, server: Server, *, name: str, description: str = ""
) -> LibraryServer:
    """Add a library server."""
    roles.require_fabric(caller)
    values = {"name": name, "description": description}
    return rows.save(rows.assign(LibraryServer(server=server), values, _SERVER))


@transaction.atomic
def change_server(caller: Caller, row: LibraryServer, **changes: Unpack[rows.Named]) -> Any:
    """Change a library server."""
    roles.require_fabric(caller)
    return rows.save(rows.assign(rows.held(row), changes, _SERVER))


@transaction.atomic
def remove_server(caller: Caller, row: LibraryServer) -> None:
    """Remove a library server that has no shares."""
    roles.require_fabric(caller)
    rows.remove(row, "library server", ("shares", row.shares.order_by("name")))


@transaction.atomic
def add_share(
    caller: Caller,
    server: Server,
    *,
    library_server: LibraryServer,
    name: str,
    path: str,
    description: str = "",
) -> LibraryShare:
    """Add a share of a library server."""
    roles.require_fabric(caller)
    fields.require_server(server, [library_server], "library server", field="library_server")
    values = {"name": name, "path": path, "description": description}
    share = rows.assign(LibraryShare(library_server=library_server), values, _SHARE)
    _require_path(share)
    return rows.save(share)


@transaction.atomic
def change_share(
    caller: Caller,
    row: LibraryShare,
    *,
    path: str = fields.UNCHANGED,
    **changes: Unpack[rows.Named],
) -> LibraryShare:
    """Change a share."""
    roles.require_fabric(caller)
    share = rows.assign(rows.held(row), {**changes, "path": path}, _SHARE)
    _require_path(share)
    return rows.save(share)


@transaction.atomic
def remove_share(caller: Caller, row: LibraryShare) -> None:
    """Remove a share that keeps nothing and that no cloud has."""
    roles.require_fabric(caller)
    rows.remove(
        row,
        "share",
        ("virtual hard disks", row.disks.order_by("name")),
        ("files", row.files.order_by("name")),
        ("stored machines", row.stored_machines.order_by("name")),
        ("clouds", row.clouds.order_by("name").union(row.clouds_storing.all())),
    )


@transaction.atomic
def add_disk(
    caller: Caller, server: Server, *, name: str, size_gb: int, **details: Unpack[DiskDetails]
) -> VirtualHardDisk:
    """Add a virtual hard disk; without an operating system's name it is a data disk."""
    roles.require_fabric(caller)
    values = {**details, "name": name, "size_gb": size_gb}
    disk = rows.assign(VirtualHardDisk(server=server), values, _DISK)
    disk.source_image = disk.source_image or disk.name
    return rows.save(disk)


@transaction.atomic
def change_disk(
    caller: Caller, row: VirtualHardDisk, **changes: Unpack[DiskChanges]
) -> VirtualHardDisk:
    """Change a virtual hard disk; the templates made of it must still make sense."""
    roles.require_fabric(caller)
    disk = rows.assign(rows.held(row), changes, _DISK)
    disk.source_image = disk.source_image or disk.name
    rows.save(disk)
    fitting.require_sense_of(disk)
    return disk


@transaction.atomic
def remove_disk(caller: Caller, row: VirtualHardDisk) -> None:
    """Remove a virtual hard disk; machines that have their copy keep it."""
    roles.require_fabric(caller)
    unfinished = VirtualMachine.objects.filter(disks__source=row, status__in=UNFINISHED)
    rows.remove(
        row,
        "virtual hard disk",
        ("templates", row.templates.order_by("name")),
        ("data disks of the templates", _templates_with(row)),
        ("machines under creation", unfinished.order_by("name").distinct()),
        ("jobs", _copying(row) if row.is_enabled else _writing(row)),
    )


@transaction.atomic
def add_file(
    caller: Caller,
    server: Server,
    *,
    share: LibraryShare,
    kind: str,
    name: str,
    content: str = "",
    **details: Unpack[FileDetails],
) -> LibraryFile:
    """Add an ISO image by its path on the share, or an answer file or script with its text."""
    roles.require_fabric(caller)
    file = LibraryFile(server=server, kind=fields.choice(kind, FileKind, "file", field="kind"))
    return _write_file(file, {**details, "share": share, "name": name}, content)


@transaction.atomic
def change_file(
    caller: Caller, row: LibraryFile, *, content: str = "", **changes: Unpack[FileChanges]
) -> LibraryFile:
    """Change a file; without content it keeps its text, and it never becomes another kind."""
    roles.require_fabric(caller)
    return _write_file(rows.held(row), changes, content)


@transaction.atomic
def remove_file(caller: Caller, row: LibraryFile) -> None:
    """Remove a file that is in no DVD drive and of no guest profile."""
    roles.require_fabric(caller)
    machines = VirtualMachine.objects.filter(dvds__iso=row).order_by("name").distinct()
    rows.remove(
        row,
        "file",
        ("DVD drives of the machines", machines),
        ("guest profiles", row.profiles_answering.order_by("name")),
        ("guest profiles", row.profiles_running.order_by("name")),
    )


def _write_file(file: LibraryFile, values: Any, content: str) -> LibraryFile:
    rows.assign(file, values, _FILE)
    file.name = fields.name(file.name, "file", longest=100)
    others = file.share.files.filter(kind=file.kind, name=file.name).exclude(pk=file.pk)
    fields.require_free(others, f"file on the share {file.share}", file.name)
    if file.kind == FileKind.ISO:
        if content:
            raise Invalid(
                f"The ISO image {file.name} has a path on its share, no text.", field="content"
            )
        if not file.path:
            raise Invalid(
                f"The ISO image {file.name} needs its path on the share {file.share}.", field="path"
            )
    elif content:
        file.sealed = sealed.seal(file, {"content": content})
    elif not file.sealed:
        raise Invalid(f"The file {file.name} needs its text.", field="content")
    _require_same_system(file)
    return rows.save(file)


def _require_same_system(file: LibraryFile) -> None:
    """An answer file in use stays for the operating system of the profiles that use it."""
    if file.kind != FileKind.ANSWER_FILE or file.os_type == OSType.OTHER:
        return
    for profile in file.profiles_answering.exclude(os_type=file.os_type).order_by("name")[:1]:
        raise Invalid(
            f"The answer file {file.name} would be for {file.os_type}; the guest profile "
            f"{profile.name}, which uses it, is for {profile.os_type}.",
            field="os_type",
        )


def _require_path(share: LibraryShare) -> None:
    if not share.path:
        raise Invalid(
            f"The share {share.name} needs its path on {share.library_server}.", field="path"
        )


def _copying(disk: VirtualHardDisk) -> Any:
    """Return the jobs that give a machine a copy of the disk, or may be resumed to."""
    jobs = Job.objects.filter(
        server=disk.server_id, recipe=ADD.name, inputs__disk__image=disk.source_image
    )
    return _at_work(jobs)


def _writing(disk: VirtualHardDisk) -> Any:
    """Return the jobs that store a machine's disk as this one, or may be resumed to."""
    return _at_work(Job.objects.filter(recipe=DETACH.name, inputs__library_disk=str(disk.pk)))


def _at_work(jobs: Any) -> Any:
    failed = VirtualMachine.objects.filter(failed_job_id=OuterRef("pk"))
    return jobs.filter(Q(state__in=LIVE) | Exists(failed)).order_by("created_at")


def _templates_with(disk: VirtualHardDisk) -> Any:
    used = disk.template_disks.order_by("template__name")
    return used.values_list("template__name", flat=True).distinct()
