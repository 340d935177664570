"""What a plan holds of the virtual machine service: one cloud, its content and the limits."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping

from django.db import models
from django.utils.functional import cached_property

from fabric.models.inventory import (
    Cloud,
    HardwareProfile,
    LibraryDisk,
    Media,
    Network,
    Template,
)
from fabric.states import ALWAYS_GRANTED
from plans.models import Plan
from plans.rules import RESOURCES


class Offering(models.Model):
    """A plan maps one-to-one to a cloud (features A049). A limit of None is no limit.

    Of the templates, those that are fixed come in the size they have: tenants do not change it.
    `told` are the ids of what it holds that is there, by relation, where somebody has read them.
    """

    told: Mapping[str, Collection[uuid.UUID]] = {}

    plan = models.OneToOneField(Plan, on_delete=models.CASCADE, related_name="offering")
    cloud = models.ForeignKey(Cloud, on_delete=models.PROTECT, related_name="offerings")
    templates = models.ManyToManyField(Template, related_name="offerings")
    hardware_profiles = models.ManyToManyField(HardwareProfile, related_name="offerings")
    networks = models.ManyToManyField(Network, related_name="offerings")
    media = models.ManyToManyField(Media, related_name="offerings", blank=True)
    library_disks = models.ManyToManyField(LibraryDisk, related_name="offerings", blank=True)
    fixed_templates = models.ManyToManyField(Template, related_name="fixed_in", blank=True)
    permissions = models.JSONField(default=list)
    machines = models.PositiveIntegerField(null=True, blank=True)
    cores = models.PositiveIntegerField(null=True, blank=True)
    memory_mb = models.PositiveIntegerField(null=True, blank=True)
    storage_gb = models.PositiveIntegerField(null=True, blank=True)
    changed_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.plan} in {self.cloud}"

    @cached_property
    def first_network(self) -> Network | None:
        """Return the network of machines for which none is named: the first by name."""
        return self.networks.present().order_by("name").first()

    def holds(self, relation: str, row: models.Model) -> bool:
        """Tell whether a template, size or network is in the plan and there. At most one query."""
        if relation in self.told:
            return row.pk in self.told[relation]
        return bool(getattr(self, relation).present().filter(pk=row.pk).exists())

    def fixes(self, template: Template) -> bool:
        """Tell whether machines of the template come in one size. At most one query."""
        if "fixed_templates" in self.told:
            return template.pk in self.told["fixed_templates"]
        return self.fixed_templates.filter(pk=template.pk).exists()

    @property
    def limits(self) -> dict[str, int | None]:
        """Return the limits by the ledger's resource names."""
        return {resource.name: getattr(self, resource.name) for resource in RESOURCES}

    @property
    def granted(self) -> frozenset[str]:
        """Return every permission verb a subscription of this plan holds."""
        return frozenset(ALWAYS_GRANTED) | frozenset(self.permissions)
