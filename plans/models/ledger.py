"""The quota ledger: insert-only entries, summed under a lock. See plans/actions/quota.py."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from plans.models.subscription import Subscription
from tenants.models import User


class EntryKind(models.TextChoices):
    RESERVED = "reserved", _("Reserved")
    COMMITTED = "committed", _("Committed")
    RELEASED = "released", _("Released")


class Entry(models.Model):
    """`amount` is what the entry adds to use: reserved +n, committed 0, released −n.

    A holding (one machine, or one growth of it) has at most one entry of a kind for a resource,
    so writing an entry twice changes nothing. `subject` is the machine the holding is for, `member`
    who it counts for: all entries of a subject count for the same person.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.PROTECT, related_name="entries")
    holding = models.UUIDField()
    subject = models.UUIDField()
    member = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    resource = models.CharField(max_length=20)
    kind = models.CharField(max_length=10, choices=EntryKind.choices)
    amount = models.BigIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["holding", "resource", "kind"], name="ledger_entry_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind="reserved", amount__gte=0)
                | models.Q(kind="committed", amount=0)
                | models.Q(kind="released", amount__lte=0),
                name="ledger_amount_fits_kind",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subscription", "resource"], include=["amount"], name="ledger_sum"
            ),
            models.Index(fields=["subject"], name="ledger_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.resource}"
