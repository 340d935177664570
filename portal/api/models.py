"""Answers kept for requests that come again under the same Idempotency-Key."""

from __future__ import annotations

from django.db import models

from tenants.models import ApiKey, User


class KeptAnswer(models.Model):
    """What a POST was answered. Secrets are taken out of `body`; `digest` is keyed (HMAC), so that
    nothing of the request can be guessed from it.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    api_key = models.ForeignKey(ApiKey, null=True, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "api_key", "key"],
                name="kept_answer_once",
                nulls_distinct=False,
            )
        ]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
