"""Plans: what a tenant can subscribe to."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _


class Access(models.TextChoices):
    PRIVATE = "private", _("Private")
    PUBLIC = "public", _("Public")
    DECOMMISSIONED = "decommissioned", _("Decommissioned")


class PlanQuerySet(models.QuerySet["Plan"]):
    def configured(self) -> PlanQuerySet:
        """Return the plans of whose services every one has its quota set."""
        services = PlanService.objects.filter(plan=models.OuterRef("pk"))
        return self.filter(
            models.Exists(services), ~models.Exists(services.filter(is_configured=False))
        )

    def on_offer(self) -> PlanQuerySet:
        """Return the plans anybody may subscribe to."""
        return self.configured().filter(access=Access.PUBLIC)


class Plan(models.Model):
    """A named set of services with limits. New plans are private and not configured.

    `highlights` has a line each. Who subscribes to a plan with an `invitation_code` must know it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=80)
    description = models.TextField(blank=True, default="", max_length=2000)
    highlights = models.TextField(blank=True, default="", max_length=2000)
    price_text = models.CharField(max_length=80, blank=True, default="")
    invitation_code = models.CharField(max_length=80, blank=True, default="")
    access = models.CharField(max_length=15, choices=Access.choices, default=Access.PRIVATE)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PlanQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(Lower("name"), name="plan_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def highlight_lines(self) -> list[str]:
        """Return what speaks for the plan, one text each."""
        return [line.strip() for line in self.highlights.splitlines() if line.strip()]

    @property
    def is_configured(self) -> bool:
        """Tell whether every service has its quota. Uses prefetched services when there are any."""
        services = list(self.services.all())
        return bool(services) and all(service.is_configured for service in services)


class PlanService(models.Model):
    """A service in a plan; its quota is kept by the service's own application."""

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="services")
    key = models.CharField(max_length=40)
    is_configured = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "key"], name="plan_service_once"),
        ]

    def __str__(self) -> str:
        return self.key
