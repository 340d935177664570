"""Public SSH keys of a person, to be given to machines they make."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from tenants.models import User


class SshKey(models.Model):
    """One key; a person has each only once."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="ssh_keys")
    name = models.CharField(max_length=80)
    text = models.TextField()
    kind = models.CharField(max_length=60)
    fingerprint = models.CharField(max_length=60)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["name", "created_at"]
        constraints = [
            models.UniqueConstraint(fields=["user", "fingerprint"], name="ssh_key_once"),
        ]

    def __str__(self) -> str:
        return self.name
