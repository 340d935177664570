"""Add-ons: what raises the limits of a subscription."""

from __future__ import annotations

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower

from plans.models.plan import Access, Plan
from plans.models.subscription import Subscription
from plans.rules import RESOURCES


class AddOnQuerySet(models.QuerySet["AddOn"]):
    def on_offer(self, plan: Plan) -> AddOnQuerySet:
        """Return the add-ons a subscription of this plan may have more of."""
        return self.filter(access=Access.PUBLIC, plans=plan)


class AddOn(models.Model):
    """More of what plans limit. New ones are private; `most` times at once in a subscription."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="", max_length=2000)
    price_text = models.CharField(max_length=80, blank=True, default="")
    access = models.CharField(max_length=15, choices=Access.choices, default=Access.PRIVATE)
    plans = models.ManyToManyField(Plan, related_name="add_ons", blank=True)
    most = models.PositiveSmallIntegerField(
        default=10, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    machines = models.PositiveIntegerField(default=0)
    cores = models.PositiveIntegerField(default=0)
    memory_mb = models.PositiveIntegerField(default=0)
    storage_gb = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = AddOnQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="add_on_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def amounts(self) -> dict[str, int]:
        """Return what it adds, by the ledger's resource names."""
        return {resource.name: getattr(self, resource.name) for resource in RESOURCES}


class SubscriptionAddOn(models.Model):
    """One add-on had by a subscription: a row for each time it was taken."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="taken")
    add_on = models.ForeignKey(AddOn, on_delete=models.PROTECT, related_name="takers")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["added_at", "id"]

    def __str__(self) -> str:
        return f"{self.add_on} in {self.subscription}"
