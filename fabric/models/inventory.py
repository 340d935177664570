"""The projection of what a stamp offers: clouds, templates, sizes, networks, media, disks.

Rows are written by sync only, keyed by the far side's id; a row not seen any more is marked
`missing_at`, never deleted, so plans and machines that name it still show it.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy

from fabric.models.stamp import Stamp

ISOLATION = {
    "NoIsolation": gettext_lazy("Not isolated"),
    "VLAN": gettext_lazy("VLAN"),
    "WindowsNetworkVirtualization": gettext_lazy("Network virtualization"),
}


class InventoryQuerySet(models.QuerySet):
    def present(self) -> InventoryQuerySet:
        """Return what the last sync still saw."""
        return self.filter(missing_at=None)


class Inventory(models.Model):
    """Common to every projected object. Its id is VMM's."""

    id = models.UUIDField(primary_key=True, editable=False)
    stamp = models.ForeignKey(Stamp, on_delete=models.CASCADE, related_name="%(class)ss")
    name = models.CharField(max_length=200)
    description = models.TextField(blank=True, default="")
    synced_at = models.DateTimeField()
    missing_at = models.DateTimeField(null=True, blank=True)

    objects = InventoryQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Cloud(Inventory):
    """A VMM cloud. Capacity figures are its own limits; None means no limit.

    `logical_network_ids` holds the ids (as text) of the logical networks attached to it.
    """

    cores = models.BigIntegerField(null=True, blank=True)
    memory_mb = models.BigIntegerField(null=True, blank=True)
    storage_gb = models.BigIntegerField(null=True, blank=True)
    machines = models.BigIntegerField(null=True, blank=True)
    used = models.JSONField(default=dict)
    logical_network_ids = models.JSONField(default=list)


class Template(Inventory):
    """A VM template. `only_cloud` binds it to one cloud; empty means every cloud.

    Least and most cores and memory are what its capability profile leaves; None is any.
    """

    os_name = models.CharField(max_length=200, blank=True, default="")
    os_type = models.CharField(max_length=20, blank=True, default="")
    cores = models.PositiveIntegerField(default=1)
    memory_mb = models.PositiveIntegerField(default=512)
    storage_gb = models.PositiveIntegerField(default=0)
    generation = models.PositiveSmallIntegerField(null=True, blank=True)
    adapters = models.PositiveSmallIntegerField(default=1)
    only_cloud = models.UUIDField(null=True, blank=True)
    min_cores = models.PositiveIntegerField(null=True, blank=True)
    max_cores = models.PositiveIntegerField(null=True, blank=True)
    min_memory_mb = models.PositiveIntegerField(null=True, blank=True)
    max_memory_mb = models.PositiveIntegerField(null=True, blank=True)

    @property
    def is_windows(self) -> bool:
        return self.os_type.lower() == "windows"


class HardwareProfile(Inventory):
    """A size: cores and memory."""

    cores = models.PositiveIntegerField(default=1)
    memory_mb = models.PositiveIntegerField(default=512)


class Network(Inventory):
    """A VM network; it belongs to the clouds that have its logical network.

    `subnets` are its prefixes such as 10.20.0.0/24, lowest first; none: they are not known.
    `pools` are its static address pools, lowest first, each with first, last, and what it keeps:
    reserved (pairs), gateways, dns_servers. None: they are not known; []: it has none.
    """

    logical_network_id = models.UUIDField(null=True, blank=True)
    isolation = models.CharField(max_length=60, blank=True, default="")
    subnets = models.JSONField(default=list)
    pools = models.JSONField(null=True, default=None)

    @property
    def isolation_words(self) -> str:
        """Return VMM's IsolationType as people say it; an unknown one as VMM spells it."""
        return str(ISOLATION.get(self.isolation, self.isolation))


class Media(Inventory):
    """An ISO image of the library, for the DVD drive."""

    size_mb = models.PositiveIntegerField(default=0)

    class Meta(Inventory.Meta):
        verbose_name_plural = "media"


class LibraryDisk(Inventory):
    """A virtual disk of the library, to be copied into a machine."""

    size_gb = models.PositiveIntegerField(default=0)
    os_name = models.CharField(max_length=200, blank=True, default="")
