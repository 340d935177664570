"""Stamps and the servers that give them meaning."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from fabric.odata.errors import BadRequest, Conflict
from fabric.spf.models import ServerEntry, ServerType, Stamp
from fabric.vmm.models import Server


def create_stamp(name: str, id: UUID | None = None) -> Stamp:
    """Make a stamp; it means nothing until a VMM server is linked to it."""
    stamp = Stamp(id=id or uuid4(), name=_checked(name))
    try:
        with transaction.atomic():
            stamp.save(force_insert=True)
    except IntegrityError:
        raise Conflict("There is a stamp with this name or ID already.") from None
    return stamp


def rename_stamp(stamp: Stamp, name: str) -> Stamp:
    """Give a stamp another name."""
    stamp.name = _checked(name)
    try:
        with transaction.atomic():
            stamp.save(update_fields=["name"])
    except IntegrityError:
        raise Conflict("There is a stamp with this name already.") from None
    return stamp


def remove_stamp(stamp: Stamp) -> None:
    """Forget a stamp, not its VMM server; raises Conflict while tenants are on it."""
    with transaction.atomic():
        held = Stamp.objects.select_for_update().get(pk=stamp.pk)
        if held.tenants.exists():
            raise Conflict("Tenants are assigned to this stamp.")
        held.delete()


def create_server(
    name: str, server_type: int = ServerType.VMM, id: UUID | None = None
) -> ServerEntry:
    """Make a server known; raises BadRequest for a VMM server that cannot be reached."""
    name = _checked(name)
    if server_type not in ServerType.values:
        raise BadRequest("The parameter ServerType is a number from 0 to 6.")
    if server_type == ServerType.VMM:
        name = _reachable(name)
    entry = ServerEntry(id=id or uuid4(), name=name, server_type=server_type)
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError:
        raise Conflict("There is a server with this name or ID already.") from None
    return entry


def remove_server(entry: ServerEntry) -> None:
    """Forget a server; raises Conflict while a stamp uses it."""
    with transaction.atomic():
        held = ServerEntry.objects.select_for_update().get(pk=entry.pk)
        if held.stamps.exists():
            raise Conflict("A stamp uses this server.")
        held.delete()


def link_server(stamp: Stamp, entry: ServerEntry) -> None:
    """Assign a server to a stamp; a stamp and a VMM server belong to each other alone."""
    with transaction.atomic():
        # Always in this order, so that two links made at once wait for each other.
        held = ServerEntry.objects.select_for_update().get(pk=entry.pk)
        Stamp.objects.select_for_update().get(pk=stamp.pk)
        if held.server_type == ServerType.VMM:
            if held.stamps.exclude(pk=stamp.pk).exists():
                raise Conflict(f"The VMM server {held.name} belongs to another stamp.")
            others = stamp.servers.filter(server_type=ServerType.VMM).exclude(pk=held.pk)
            if others.exists():
                raise Conflict(f"The stamp {stamp.name} has a VMM server already.")
        held.stamps.add(stamp)


def unlink_server(stamp: Stamp, entry: ServerEntry) -> None:
    """Take a server from a stamp."""
    entry.stamps.remove(stamp)


def register_vmm_server(name: str) -> Stamp:
    """Stamp, server and link for one VMM server, whatever of them there is already."""
    with transaction.atomic():
        name = _reachable(_checked(name))
        entry, _ = ServerEntry.objects.get_or_create(name=name, server_type=ServerType.VMM)
        found = entry.stamps.first()
        if found is not None:
            return found
        stamp = Stamp.objects.filter(name__iexact=name).first() or create_stamp(name)
        link_server(stamp, entry)
        return stamp


def _reachable(name: str) -> str:
    server = Server.objects.filter(name__iexact=name).first()
    if server is None:
        raise BadRequest(
            f"There is no VMM server named {name} that can be reached from here. "
            "Give the full name under which VMM knows itself."
        )
    return server.name


def _checked(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 255 or not name.isprintable():
        raise BadRequest("The parameter Name needs 1 to 255 printable characters.")
    return name
