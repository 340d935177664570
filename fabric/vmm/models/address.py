"""Pools of addresses and MACs, and the addresses leased from them."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.host import HostGroup
from fabric.vmm.models.network import VMNetwork, VMSubnet
from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class AddressPoolQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the pools of the networks granted to the role."""
        return self.filter(network__in=VMNetwork.objects.of_role(role))


class AddressPool(models.Model):
    """A range of IPv4 or IPv6 addresses of a VM network. `size` is last - first + 1.

    `cursor` is the place after the last address given. An address given back rests for
    `quarantine_minutes`. `reserved` holds ranges [first, last] that are never leased.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="address_pools")
    network = models.ForeignKey(VMNetwork, on_delete=models.PROTECT, related_name="pools")
    subnet = models.ForeignKey(VMSubnet, on_delete=models.PROTECT, related_name="pools")
    name = models.CharField(max_length=64)
    cidr = models.CharField(max_length=43)
    first = models.GenericIPAddressField()
    last = models.GenericIPAddressField()
    size = models.PositiveIntegerField()
    gateway = models.GenericIPAddressField(null=True, blank=True)
    dns = models.JSONField(default=list)
    reserved = models.JSONField(default=list)
    quarantine_minutes = models.PositiveIntegerField(default=10)
    cursor = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AddressPoolQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "name"], name="vmm_addresspool_name"),
        ]

    def __str__(self) -> str:
        return self.name


class AddressLease(models.Model):
    """One address of a pool, held by one adapter; given back, it rests until `rests_until`."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pool = models.ForeignKey(AddressPool, on_delete=models.PROTECT, related_name="leases")
    adapter = models.ForeignKey(
        "vmm.NetworkAdapter",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="leases",
    )
    address = models.GenericIPAddressField()
    rests_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "address"], name="vmm_addresslease_once"),
        ]
        indexes = [
            models.Index(
                fields=["pool", "rests_until"],
                condition=models.Q(adapter=None),
                name="vmm_addresslease_resting",
            ),
        ]

    def __str__(self) -> str:
        return str(self.address)


class MACPool(models.Model):
    """A range of MACs, for the hosts of its groups (of all when it has none).

    `first` and `last` are whole numbers of 48 bits; `cursor` is the next to try.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="mac_pools")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    host_groups = models.ManyToManyField(HostGroup, blank=True, related_name="mac_pools")
    first = models.BigIntegerField()
    last = models.BigIntegerField()
    cursor = models.BigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_macpool_name"),
        ]

    def __str__(self) -> str:
        return self.name
