"""API keys: a program's way in, in a person's name, for one tenant."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone

from tenants.models.tenant import Tenant
from tenants.models.user import User

READ = "read"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self) -> ApiKeyQuerySet:
        """Return those that open the API now."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class ApiKey(models.Model):
    """`prefix` is shown to tell keys apart; of the key itself only a digest is kept.

    `scopes` holds rights (`tenants.rights.Right`), or only READ.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=60)
    prefix = models.CharField(max_length=16)
    digest = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        indexes = [models.Index(fields=["user", "-created_at"], name="api_key_of_user")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_live(self) -> bool:
        """Tell whether it opens the API now."""
        return self.revoked_at is None and self.expires_at > timezone.now()

    @property
    def is_read_only(self) -> bool:
        return self.scopes == [READ]
