"""Logical networks and their sites, VM networks and their subnets. Addresses are in address.py."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.db.models import Q

from fabric.vmm.models.host import HostGroup
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


class NetworkSiteQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the sites of the logical networks of the clouds in the role's scope."""
        return self.filter(logical_network__clouds__scopes__role=role).distinct()


class NetworkSite(models.Model):
    """Where a logical network is there: host groups (and those below), with VLANs and subnets.

    `vlans`: dicts of vlan (0 is none) and cidr (may be ""). A logical network without any site is
    there on every host.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    logical_network = models.ForeignKey(
        LogicalNetwork, on_delete=models.CASCADE, related_name="sites"
    )
    name = models.CharField(max_length=64)
    host_groups = models.ManyToManyField(HostGroup, related_name="network_sites")
    vlans = models.JSONField(default=list)

    objects = NetworkSiteQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["logical_network", "name"], name="vmm_networksite_name"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class VMNetworkQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the VM networks granted to the role, and those of the roles in its sight."""
        from fabric.vmm.models.userrole import sight_of

        return self.granted_to(role, "VMNetwork", Q(owner__in=sight_of(role)))


class VMNetwork(models.Model):
    """A network that machines' adapters are attached to; with an owner it is that role's alone."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="vm_networks")
    logical_network = models.ForeignKey(
        LogicalNetwork, on_delete=models.PROTECT, related_name="vm_networks"
    )
    owner = models.ForeignKey(
        "vmm.UserRole", null=True, blank=True, on_delete=models.PROTECT, related_name="own_networks"
    )
    owner_name = models.CharField(max_length=320, blank=True, default="")
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


class VMSubnetQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the subnets of the networks the role may use."""
        return self.filter(network__in=VMNetwork.objects.of_role(role))


class VMSubnet(models.Model):
    """A range of a VM network. Virtualized networks may use the same ranges side by side."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    network = models.ForeignKey(VMNetwork, on_delete=models.CASCADE, related_name="subnets")
    name = models.CharField(max_length=64)
    cidr = models.CharField(max_length=43)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VMSubnetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["network", "name"], name="vmm_vmsubnet_name"),
            models.UniqueConstraint(fields=["network", "cidr"], name="vmm_vmsubnet_range"),
        ]

    def __str__(self) -> str:
        return self.name
