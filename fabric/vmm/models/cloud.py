"""Clouds: parts of the fabric behind one name, with limits."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.balancer import LoadBalancer, VIPTemplate
from fabric.vmm.models.capability import CapabilityProfile
from fabric.vmm.models.host import HostGroup
from fabric.vmm.models.library import LibraryShare
from fabric.vmm.models.network import LogicalNetwork
from fabric.vmm.models.server import Server
from fabric.vmm.models.storage import StorageClassification
from fabric.vmm.models.visible import ScopedQuerySet


class CloudQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the clouds in the role's scope."""
        return self.filter(scopes__role=role)

    def of_fabric(self, role: Any) -> Self:
        """Return the clouds made of host groups in a fabric role's scope."""
        parts = Cloud.host_groups.through.objects.filter(hostgroup__in=role.group_ids())
        return self.filter(pk__in=parts.values("cloud"))


class Strategy(models.TextChoices):
    MOST_FREE = "most_free", "Most free memory"
    BALANCED = "balanced", "Balanced"
    PACKED = "packed", "Packed"


class Cloud(models.Model):
    """One cloud. A limit that is null is no limit.

    Its VM networks are those of its logical networks. Without capability profiles, or storage
    classifications, anything goes; without a library share nothing can be stored. Stored machines
    go to `store`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="clouds")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    host_groups = models.ManyToManyField(HostGroup, related_name="clouds")
    logical_networks = models.ManyToManyField(LogicalNetwork, related_name="clouds")
    load_balancers = models.ManyToManyField(LoadBalancer, blank=True, related_name="clouds")
    vip_templates = models.ManyToManyField(VIPTemplate, blank=True, related_name="clouds")
    classifications = models.ManyToManyField(
        StorageClassification, blank=True, related_name="clouds"
    )
    library_shares = models.ManyToManyField(LibraryShare, blank=True, related_name="clouds")
    capability_profiles = models.ManyToManyField(
        CapabilityProfile, blank=True, related_name="clouds"
    )
    store = models.ForeignKey(
        LibraryShare,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="clouds_storing",
    )
    strategy = models.CharField(max_length=10, choices=Strategy.choices, default=Strategy.MOST_FREE)
    machines = models.PositiveIntegerField(null=True, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    storage_gb = models.PositiveIntegerField(null=True, blank=True)
    points = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = CloudQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_cloud_name"),
        ]

    def __str__(self) -> str:
        return self.name
