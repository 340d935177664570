"""VMM servers: each a name, under which SPF knows all that belongs to it."""

from __future__ import annotations

import re

from django.db import transaction
from django.db.models.functions import Lower

from fabric.durable.states import LIVE
from fabric.vmm import roles
from fabric.vmm.actions import fields, rows
from fabric.vmm.errors import Invalid
from fabric.vmm.models import Server
from fabric.vmm.roles import Caller

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(\.{_LABEL})*")


def ensure(name: str) -> Server:
    """Return the VMM server of that name (its FQDN), made if it is new."""
    cleaned = fields.name(name, "VMM server", longest=255).lower()
    return Server.objects.get_or_create(name=cleaned)[0]


@transaction.atomic
def add(caller: Caller, *, name: str, description: str = "") -> Server:
    """Add a VMM server with nothing in it; the name is the one that it is registered by in SPF."""
    roles.require_fabric(caller)
    return rows.save(rows.assign(Server(), {"name": name, "description": description}, _SERVER))


@transaction.atomic
def change(caller: Caller, row: Server, *, description: str = fields.UNCHANGED) -> Server:
    """Change what is said of a VMM server; its name stays, since SPF goes by it."""
    roles.require_fabric(caller)
    return rows.save(rows.assign(rows.held(row), {"description": description}, _SERVER))


@transaction.atomic
def remove(caller: Caller, row: Server) -> None:
    """Remove a VMM server that nothing is left of but the history of its jobs, which goes too."""
    roles.require_fabric(caller)
    server = rows.held(row)
    uses = (
        ("virtual machines", server.machines.order_by("name")),
        ("hosts", server.hosts.order_by("name")),
        ("clouds", server.clouds.order_by("name")),
        ("host groups", server.host_groups.order_by("name")),
        ("VM networks", server.vm_networks.order_by("name")),
        ("logical networks", server.logical_networks.order_by("name")),
        ("templates", server.templates.order_by("name")),
        ("virtual hard disks", server.library_disks.order_by("name")),
        ("library servers", server.library_servers.order_by("name")),
        ("jobs", server.jobs.filter(state__in=LIVE).order_by("created_at")),
    )
    fields.require_unused(f"The VMM server {server}", *uses)
    server.jobs.all().delete()
    server.drifts.all().delete()
    rows.remove(server, "VMM server")


def _name(row: Server, keyword: str, value: str) -> str:
    cleaned = fields.name(value, "VMM server", longest=255, field=keyword).lower()
    if not _NAME.fullmatch(cleaned):
        raise Invalid(
            f"{value!r} is no host name, such as vmm01.example.net, which SPF could know the VMM "
            "server by.",
            field=keyword,
        )
    others = Server.objects.alias(known=Lower("name")).filter(known=cleaned)
    fields.require_free(others.exclude(pk=row.pk), "VMM server", cleaned, field=keyword)
    return cleaned


_SERVER: dict[str, rows.Cleaner] = {"name": _name, "description": rows.prose}
