"""Forms that acted: each acts once, however often it is sent, whatever process dies."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import models
from django.utils import timezone

from tenants.models import User

KEPT_FOR = timedelta(days=1)


class SentFormQuerySet(models.QuerySet["SentForm"]):
    def forgotten(self, now: datetime) -> SentFormQuerySet:
        """Return those sent a day ago."""
        return self.filter(created_at__lt=now - KEPT_FOR)


class SentForm(models.Model):
    """`key` came with the form. `result` is what came of it, for the page that shows it; None while
    it goes on.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sent_forms")
    key = models.UUIDField()
    result = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = SentFormQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="form_sent_once")]

    def __str__(self) -> str:
        return f"form {self.key}"
