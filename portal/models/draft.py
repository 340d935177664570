"""Machines that are being thought about: what a person typed into custom create so far."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from fabric.vault import store
from fabric.vault.errors import BrokenSeal
from tenants.models import User

KEPT_FOR = timedelta(days=7)
MOST_OF_A_PERSON = 20


class DraftQuerySet(models.QuerySet["Draft"]):
    def visible_to(self, user: User) -> DraftQuerySet:
        """Return a person's own: a draft is nobody else's, not even their team's."""
        return self.filter(user=user)

    def unfinished(self) -> DraftQuerySet:
        """Return those of which nothing was made yet, the latest first."""
        return self.filter(used_at=None).order_by("-changed_at", "pk")

    def forgotten(self, now: datetime) -> DraftQuerySet:
        """Return those nobody went on with for a week, or that were used a week ago."""
        return self.filter(changed_at__lt=now - KEPT_FOR)


class Draft(models.Model):
    """Its id is the request key of the machines made from it, so it makes them once.

    `typed` holds the fields of each visited step as they were sent, `wrong` the visited steps that
    need another look. Secrets lie in `sealed` alone, and are erased when the draft is used; then
    `machines` holds the ids of what was made.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="drafts")
    typed = models.JSONField(default=dict)
    wrong = models.JSONField(default=list)
    sealed = models.TextField(blank=True, default="")
    machines = models.JSONField(default=list)
    used_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = DraftQuerySet.as_manager()

    def __str__(self) -> str:
        return f"draft {self.pk}"

    @property
    def secrets(self) -> dict[str, str]:
        """Return what is sealed, by field; nothing of a seal that the store does not open."""
        try:
            return store.unseal_json(self.sealed, self._place)
        except BrokenSeal:
            return {}

    def keep_secrets(self, secrets: Mapping[str, str]) -> None:
        """Seal these and nothing else; the caller saves."""
        held = {name: secret for name, secret in secrets.items() if secret}
        self.sealed = store.seal_json(held, self._place) if held else ""

    @property
    def _place(self) -> str:
        return f"draft {self.pk}"
