"""Run-as accounts: credentials that VMM uses on somebody's behalf."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models

from fabric.vmm.models.server import Server
from fabric.vmm.models.visible import ScopedQuerySet


class RunAsAccountQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the accounts granted to the role."""
        return self.granted_to(role, "RunAsAccount")


class RunAsAccount(models.Model):
    """An account by name. The password is in `sealed`, encrypted, and is never read back."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="run_as_accounts")
    name = models.CharField(max_length=64)
    description = models.TextField(blank=True, default="")
    domain = models.CharField(max_length=255, blank=True, default="")
    username = models.CharField(max_length=104)
    sealed = models.TextField()
    is_enabled = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(auto_now=True)

    objects = RunAsAccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["server", "name"], name="vmm_runasaccount_name"),
        ]

    def __str__(self) -> str:
        return self.name
