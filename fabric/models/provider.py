"""A registered SPF endpoint."""

from __future__ import annotations

import uuid

from django.db import models

from fabric.vault import store

REACHED_BY = ("url", "username", "password_sealed", "authority_pem")


class Provider(models.Model):
    """Where an SPF answers, and the account the portal uses there; the password is sealed.

    `capabilities` is what was read of the endpoint at `abilities_read_at`; `account_check` holds
    what the account was told by each service at `checked_at` (service, group, ok, problem, advice).
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    url = models.URLField(max_length=300, unique=True)
    username = models.CharField(max_length=120)
    password_sealed = models.TextField()
    authority_pem = models.TextField(blank=True, default="")
    capabilities = models.JSONField(default=dict)
    abilities_read_at = models.DateTimeField(null=True, blank=True)
    account_check = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True, default="")
    seen_at = models.DateTimeField(null=True, blank=True)
    away_since = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def as_read(self, prefix: str = "") -> dict[str, str]:
        """The filter for its row as long as it is reached where, and by whom, it was when read."""
        return {prefix + name: getattr(self, name) for name in REACHED_BY}

    def seal_password(self, password: str) -> None:
        """Keep the password, encrypted for this row."""
        self.password_sealed = store.seal(password, f"provider:{self.pk}")

    def open_password(self) -> str:
        """Return the password, for the one who talks to the endpoint."""
        return store.unseal(self.password_sealed, f"provider:{self.pk}")
