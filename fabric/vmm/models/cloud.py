"""Clouds: host groups and networks behind one name, with limits."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.host import HostGroup
from fabric.vmm.models.network import LogicalNetwork
from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class CloudQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the clouds in the role's scope."""
        return self.filter(scopes__role=role)


class Cloud(models.Model):
    """One cloud. A limit that is null is no limit."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="clouds")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    host_groups = models.ManyToManyField(HostGroup, related_name="clouds")
    logical_networks = models.ManyToManyField(LogicalNetwork, related_name="clouds")
    machines = models.PositiveIntegerField(null=True, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    storage_gb = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = CloudQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_cloud_name"),
        ]

    def __str__(self) -> str:
        return self.name
