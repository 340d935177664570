"""Subscriptions: a tenant's share of a plan."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from plans.models.plan import Plan
from tenants.models import Tenant, User


class SubscriptionState(models.TextChoices):
    ACTIVE = "active", _("Active")
    SUSPENDED = "suspended", _("Suspended")
    DELETING = "deleting", _("Deleting")
    DELETED = "deleted", _("Deleted")


class Provisioning(models.TextChoices):
    IN_SYNC = "in_sync", _("In sync")
    SYNCING = "syncing", _("Syncing")
    OUT_OF_SYNC = "out_of_sync", _("Out of sync")


class SubscriptionQuerySet(models.QuerySet["Subscription"]):
    def visible_to(self, user: User) -> SubscriptionQuerySet:
        """Return the subscriptions of the tenants a person belongs to, those gone excepted."""
        if user.tenant_ids is not None:
            return self.present().filter(tenant__in=user.tenant_ids)
        return self.present().filter(tenant__memberships__user=user)

    def present(self) -> SubscriptionQuerySet:
        """Return those that were not left; a subscription that was left stays as a row only."""
        return self.exclude(state=SubscriptionState.DELETED)

    def usable(self) -> SubscriptionQuerySet:
        """Return those in which machines can be made."""
        return self.filter(state=SubscriptionState.ACTIVE, provisioning=Provisioning.IN_SYNC)


class Subscription(models.Model):
    """Its id is the SPF tenant's and the VMM user role's id as well."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, on_delete=models.PROTECT, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    name = models.CharField(max_length=80)
    owner_email = models.EmailField(max_length=254)
    state = models.CharField(
        max_length=10, choices=SubscriptionState.choices, default=SubscriptionState.ACTIVE
    )
    provisioning = models.CharField(
        max_length=12, choices=Provisioning.choices, default=Provisioning.SYNCING
    )
    problem = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = SubscriptionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.name

    @property
    def role_name(self) -> str:
        """The name of the SPF tenant and VMM user role: name_GUID (features A037)."""
        return f"{self.owner_email}_{self.pk}"

    @property
    def is_active(self) -> bool:
        """Tell whether its machines may be worked on."""
        return self.state == SubscriptionState.ACTIVE

    @property
    def is_usable(self) -> bool:
        """Tell whether machines can be made in it."""
        return self.is_active and self.provisioning == Provisioning.IN_SYNC
