"""Storage classifications: what volumes are labelled with and disks ask for."""

from __future__ import annotations

from typing import Unpack

from django.db import transaction

from fabric.vmm import roles
from fabric.vmm.actions import rows
from fabric.vmm.actions.rows import Named
from fabric.vmm.models import Server, StorageClassification
from fabric.vmm.roles import Caller

_CLASSIFICATION = {"name": rows.name("storage classification"), "description": rows.prose}


@transaction.atomic
def add(
    caller: Caller, server: Server, *, name: str, description: str = ""
) -> StorageClassification:
    """Add a classification."""
    roles.require_fabric(caller)
    row = StorageClassification(server=server)
    values = {"name": name, "description": description}
    return rows.save(rows.assign(row, values, _CLASSIFICATION))


@transaction.atomic
def change(
    caller: Caller, classification: StorageClassification, **values: Unpack[Named]
) -> StorageClassification:
    """Change the name or description of a classification."""
    roles.require_fabric(caller)
    return rows.save(rows.assign(rows.held(classification), values, _CLASSIFICATION))


@transaction.atomic
def remove(caller: Caller, classification: StorageClassification) -> None:
    """Remove a classification that no volume has and nothing asks for."""
    roles.require_fabric(caller)
    rows.remove(
        classification,
        "storage classification",
        ("volumes", classification.volumes.order_by("name")),
        ("disks", classification.drives.order_by("name")),
        ("clouds", classification.clouds.order_by("name")),
        ("templates", classification.templates.order_by("name")),
        ("template disks", classification.template_disks.order_by("name")),
    )
