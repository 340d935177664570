"""What people are told by mail: one row for each thing told to each person."""

from __future__ import annotations

from django.db import models

from tenants.models import User


class Notice(models.Model):
    """`about` tells apart what happens to one object more than once. `path` is a page of the tenant
    site. Until `sent_at` is set it is to be sent, not before `due_at`.
    """

    kind = models.CharField(max_length=12)
    object_id = models.UUIDField()
    about = models.CharField(max_length=40, blank=True, default="")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices")
    text = models.TextField()
    detail = models.TextField(blank=True, default="")
    path = models.CharField(max_length=200)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["object_id", "about", "kind", "user"], name="notice_once"
            )
        ]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(sent_at=None), name="notice_to_send")
        ]

    def __str__(self) -> str:
        return self.text
