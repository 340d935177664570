"""Storage classifications: kinds of storage by name, such as Fast or Archive."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class StorageClassificationQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the classifications of the clouds in the role's scope."""
        return self.filter(clouds__scopes__role=role).distinct()

    def of_fabric(self, role: Any) -> Self:
        """Return all: they are names, and every fabric role may read them."""
        return self.all()


class StorageClassification(models.Model):
    """What volumes are labelled with, and disks ask for."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(
        Server, on_delete=models.PROTECT, related_name="storage_classifications"
    )
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StorageClassificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["server", "name"], name="vmm_storageclassification_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name
