"""The VMM server: what SPF registers as a stamp."""

from __future__ import annotations

import uuid

from django.db import models

from fabric.vmm.models.visible import ScopedQuerySet


class Server(models.Model):
    """One VMM server, known by its FQDN. Everything else belongs to one."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=255, unique=True)
    description = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    compared_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name
