"""VMM servers."""

from __future__ import annotations

from fabric.vmm.actions import fields
from fabric.vmm.models import Server


def ensure(name: str) -> Server:
    """Return the VMM server of that name (its FQDN), made if it is new."""
    cleaned = fields.name(name, "VMM server", longest=255).lower()
    return Server.objects.get_or_create(name=cleaned)[0]
