"""Load balancers and VIP templates: declared elements of the fabric that clouds may hold."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.host import HostGroup
from fabric.vmm.models.network import LogicalNetwork
from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class CloudElementQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the elements of the clouds in the role's scope."""
        return self.filter(clouds__scopes__role=role).distinct()


class LoadBalancer(models.Model):
    """A load balancer that is there, and which hosts and networks it serves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="load_balancers")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    address = models.CharField(max_length=255)
    manufacturer = models.CharField(max_length=64, blank=True, default="")
    model = models.CharField(max_length=64, blank=True, default="")
    host_groups = models.ManyToManyField(HostGroup, blank=True, related_name="load_balancers")
    logical_networks = models.ManyToManyField(
        LogicalNetwork, blank=True, related_name="load_balancers"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CloudElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_loadbalancer_name"),
        ]

    def __str__(self) -> str:
        return self.name


class Protocol(models.TextChoices):
    TCP = "TCP", "TCP"
    UDP = "UDP", "UDP"
    HTTP = "HTTP", "HTTP"
    HTTPS = "HTTPS", "HTTPS"


class BalancingMethod(models.TextChoices):
    ROUND_ROBIN = "RoundRobin", "Round robin"
    LEAST_CONNECTIONS = "LeastConnections", "Least connections"
    FASTEST_RESPONSE = "FastestResponseTime", "Fastest response"


class VIPTemplate(models.Model):
    """How a virtual address is balanced: protocol, port, method."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="vip_templates")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    protocol = models.CharField(max_length=5, choices=Protocol.choices, default=Protocol.TCP)
    port = models.PositiveIntegerField()
    method = models.CharField(
        max_length=20, choices=BalancingMethod.choices, default=BalancingMethod.ROUND_ROBIN
    )
    is_persistent = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = CloudElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_viptemplate_name"),
        ]

    def __str__(self) -> str:
        return self.name
