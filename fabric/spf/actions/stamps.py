"""Stamps, the servers that give them meaning, and the data centers they are in."""

from __future__ import annotations

from uuid import UUID, uuid4

from django.db import transaction

from fabric.odata.errors import BadRequest, Conflict
from fabric.spf.actions.names import checked_name, unless_taken
from fabric.spf.models import DataCenter, ServerEntry, ServerType, Stamp
from fabric.vmm.actions.fields import named, require_unused
from fabric.vmm.models import Server


def create_stamp(name: str, id: UUID | None = None) -> Stamp:
    """Make a stamp; it means nothing until a VMM server is linked to it."""
    stamp = Stamp(id=id or uuid4(), name=checked_name(name))
    with unless_taken("There is a stamp with this name or ID already."):
        stamp.save(force_insert=True)
    return stamp


def rename_stamp(stamp: Stamp, name: str) -> Stamp:
    """Give a stamp another name."""
    stamp.name = checked_name(name)
    with unless_taken("There is a stamp with this name already."):
        stamp.save(update_fields=["name"])
    return stamp


def remove_stamp(stamp: Stamp) -> None:
    """Forget a stamp, not its VMM server; raises Conflict while tenants are on it."""
    with transaction.atomic():
        held = Stamp.objects.select_for_update(of=("self",)).get(pk=stamp.pk)
        require_unused(f"The stamp {held}", ("tenants", held.tenants.order_by("name")))
        held.delete()


def create_server(
    name: str, server_type: int = ServerType.VMM, id: UUID | None = None
) -> ServerEntry:
    """Make a server known; raises BadRequest for a VMM server that cannot be reached."""
    name = _name_of(server_type, name)
    entry = ServerEntry(id=id or uuid4(), name=name, server_type=server_type)
    with unless_taken("There is a server with this name or ID already."):
        entry.save(force_insert=True)
    return entry


def change_server(
    entry: ServerEntry, name: str | None = None, server_type: int | None = None
) -> ServerEntry:
    """Change what is given; raises Conflict where a stamp would come to mean another server."""
    with transaction.atomic():
        held = ServerEntry.objects.select_for_update().get(pk=entry.pk)
        kind = held.server_type if server_type is None else server_type
        called = _name_of(kind, held.name if name is None else name)
        means_vmm = ServerType.VMM in (kind, held.server_type)
        if means_vmm and (kind, called) != (held.server_type, held.name):
            require_unused(f"The server {held}", ("stamps", held.stamps.order_by("name")))
        held.name, held.server_type = called, kind
        with unless_taken(f"There is a server named {called} already."):
            held.save(update_fields=["name", "server_type"])
    return held


def remove_server(entry: ServerEntry) -> None:
    """Forget a server and its settings; raises Conflict while a stamp uses it."""
    with transaction.atomic():
        held = ServerEntry.objects.select_for_update().get(pk=entry.pk)
        require_unused(f"The server {held}", ("stamps", held.stamps.order_by("name")))
        held.delete()


def link_server(stamp: Stamp, entry: ServerEntry) -> None:
    """Assign a server to a stamp; a stamp and a VMM server belong to each other alone."""
    with transaction.atomic():
        # Always in this order, so that two links made at once wait for each other.
        held = ServerEntry.objects.select_for_update().get(pk=entry.pk)
        Stamp.objects.select_for_update().get(pk=stamp.pk)
        if held.server_type == ServerType.VMM:
            if others := list(held.stamps.exclude(pk=stamp.pk)):
                theirs = named([str(each) for each in others])
                raise Conflict(f"The VMM server {held} belongs to the stamp {theirs} already.")
            if (
                other := stamp.servers.filter(server_type=ServerType.VMM)
                .exclude(pk=held.pk)
                .first()
            ):
                raise Conflict(f"The stamp {stamp} means the VMM server {other} already.")
        held.stamps.add(stamp)


def unlink_server(stamp: Stamp, entry: ServerEntry) -> None:
    """Take a server from a stamp."""
    entry.stamps.remove(stamp)


def create_data_center(name: str, id: UUID | None = None) -> DataCenter:
    """Make a data center known; it has no stamps yet."""
    made = DataCenter(id=id or uuid4(), name=checked_name(name))
    with unless_taken("There is a data center with this name or ID already."):
        made.save(force_insert=True)
    return made


def rename_data_center(data_center: DataCenter, name: str) -> None:
    """Give a data center another name."""
    data_center.name = checked_name(name)
    with unless_taken("There is a data center with this name already."):
        data_center.save(update_fields=["name"])


def remove_data_center(data_center: DataCenter) -> None:
    """Forget a data center; raises Conflict while stamps are in it."""
    with transaction.atomic():
        held = DataCenter.objects.select_for_update().get(pk=data_center.pk)
        require_unused(f"The data center {held}", ("stamps", held.stamps.order_by("name")))
        held.delete()


def put_into(data_center: DataCenter, stamp: Stamp) -> None:
    """Say which data center a stamp is in."""
    Stamp.objects.filter(pk=stamp.pk).update(data_center=data_center)


def take_from(data_center: DataCenter, stamp: Stamp) -> None:
    """Say that a stamp is no longer in a data center."""
    Stamp.objects.filter(pk=stamp.pk, data_center=data_center).update(data_center=None)


def register_vmm_server(name: str) -> Stamp:
    """Stamp, server and link for one VMM server, whatever of them there is already."""
    with transaction.atomic():
        name = _reachable(checked_name(name))
        entry, _ = ServerEntry.objects.get_or_create(name=name, server_type=ServerType.VMM)
        found = entry.stamps.first()
        if found is not None:
            return found
        stamp = Stamp.objects.filter(name__iexact=name).first() or create_stamp(name)
        link_server(stamp, entry)
        return stamp


def _name_of(server_type: int, name: str) -> str:
    if server_type not in ServerType.values:
        raise BadRequest("The parameter ServerType is a number from 0 to 6.")
    name = checked_name(name)
    return _reachable(name) if server_type == ServerType.VMM else name


def _reachable(name: str) -> str:
    server = Server.objects.filter(name__iexact=name).first()
    if server is None:
        raise BadRequest(
            f"There is no VMM server named {name} that can be reached from here. "
            "Give the full name under which VMM knows itself."
        )
    return server.name
