"""Logical networks, VM networks, their address pools, and the addresses leased from them."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class Isolation(models.TextChoices):
    NONE = "NoIsolation", "None"
    VIRTUALIZED = "WindowsNetworkVirtualization", "Network virtualization"
    VLAN = "VLANNetwork", "VLAN"
    EXTERNAL = "External", "External"


class LogicalNetworkQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the logical networks of the clouds in the role's scope."""
        return self.filter(clouds__scopes__role=role).distinct()


class LogicalNetwork(models.Model):
    """A network of the fabric that VM networks are made on."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="logical_networks")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    is_virtualized = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LogicalNetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_logicalnetwork_name"),
        ]

    def __str__(self) -> str:
        return self.name


class VMNetworkQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the VM networks granted to the role."""
        return self.granted_to(role, "VMNetwork")


class VMNetwork(models.Model):
    """A network that machines' adapters are attached to."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="vm_networks")
    logical_network = models.ForeignKey(
        LogicalNetwork, on_delete=models.PROTECT, related_name="vm_networks"
    )
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    isolation = models.CharField(max_length=40, choices=Isolation.choices, default=Isolation.NONE)
    vlan = models.PositiveSmallIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = VMNetworkQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_vmnetwork_name"),
        ]

    def __str__(self) -> str:
        return self.name


class AddressPoolQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the pools of the networks granted to the role."""
        return self.filter(network__in=VMNetwork.objects.of_role(role))


class AddressPool(models.Model):
    """A range of IPv4 addresses of a VM network. `size` is last - first + 1.

    `cursor` is the place after the last address given, so that one just freed rests a while.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="address_pools")
    network = models.ForeignKey(VMNetwork, on_delete=models.PROTECT, related_name="pools")
    name = models.CharField(max_length=64)
    cidr = models.CharField(max_length=18)
    first = models.GenericIPAddressField(protocol="IPv4")
    last = models.GenericIPAddressField(protocol="IPv4")
    size = models.PositiveIntegerField()
    gateway = models.GenericIPAddressField(protocol="IPv4", null=True, blank=True)
    dns = models.JSONField(default=list)
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
    """One address of a pool, held by one adapter."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    pool = models.ForeignKey(AddressPool, on_delete=models.PROTECT, related_name="leases")
    adapter = models.ForeignKey(
        "vmm.NetworkAdapter", on_delete=models.CASCADE, related_name="leases"
    )
    address = models.GenericIPAddressField(protocol="IPv4")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["pool", "address"], name="vmm_addresslease_once"),
        ]

    def __str__(self) -> str:
        return str(self.address)
