"""What plans hold to make machines of: templates, sizes, networks, library disks, media."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from fabric.actions import ordering
from fabric.models import HardwareProfile, LibraryDisk, Media, Network, Offering, Template
from portal.api.frame import paging
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Asked, Shape
from tenants.errors import Refused


class CatalogueFilter(paging.Listed):
    q = serializers.CharField(required=False, max_length=100, help_text="In the name.")
    subscription = serializers.UUIDField(
        required=False, help_text="Only what its plan holds; all of one's plans else."
    )
    plan = serializers.UUIDField(required=False)


class ThingShape(Shape):
    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()


class TemplateShape(ThingShape):
    """A template of the cloud's library. Limits of null are none."""

    os_name = serializers.CharField()
    os_type = serializers.CharField(help_text="Windows or Linux, or what VMM says.")
    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()
    storage_gb = serializers.IntegerField()
    generation = serializers.IntegerField(allow_null=True)
    adapters = serializers.IntegerField()
    min_cores = serializers.IntegerField(allow_null=True)
    max_cores = serializers.IntegerField(allow_null=True)
    min_memory_mb = serializers.IntegerField(allow_null=True)
    max_memory_mb = serializers.IntegerField(allow_null=True)


class HardwareProfileShape(ThingShape):
    """A size."""

    cores = serializers.IntegerField()
    memory_mb = serializers.IntegerField()


class PoolShape(Shape):
    """Addresses that a network gives, first to last, but for those of the other fields."""

    first = serializers.CharField()
    last = serializers.CharField()
    reserved = serializers.ListField(
        child=serializers.ListField(child=serializers.CharField(), min_length=2, max_length=2),
        help_text="Ranges: the first and the last address of each.",
    )
    gateways = serializers.ListField(child=serializers.CharField())
    dns_servers = serializers.ListField(child=serializers.CharField())


class NetworkShape(ThingShape):
    """A VM network. A fixed address is one of its pools; null: they are not known."""

    isolation = serializers.CharField()
    subnets = serializers.ListField(
        child=serializers.CharField(), help_text="Such as 10.20.0.0/24; none: they are not known."
    )
    pools = PoolShape(many=True, allow_null=True)


class LibraryDiskShape(ThingShape):
    """A disk of the library, to be copied into a machine."""

    size_gb = serializers.IntegerField()
    os_name = serializers.CharField()


class MediaShape(ThingShape):
    """An ISO image, for the DVD drive."""

    size_mb = serializers.IntegerField()


class Catalogue(Endpoint):
    """A list of one kind of thing that the plans of one's subscriptions hold."""

    tag = "Catalogue"
    model: type[Any]
    held_by = ""
    shape: type[Shape]

    def rows(self) -> QuerySet[Any]:
        plans = self.caller.subscriptions().values("plan")
        if "subscription" in self.asked:
            plans = plans.filter(pk=self.asked["subscription"])
        if "plan" in self.asked:
            plans = plans.filter(plan=self.asked["plan"])
        holds = Offering.objects.filter(plan__in=plans, **{self.held_by: OuterRef("pk")})
        rows = self.model.objects.present().filter(Exists(holds))
        return rows.filter(name__icontains=self.asked["q"]) if self.asked.get("q") else rows

    def page(self) -> Answer:
        columns = tuple(self.shape().fields)
        found = paging.page(self.rows(), columns, self.asked, order="name")
        return self.listed(found, dict)


class Templates(Catalogue):
    model, held_by, shape = Template, "templates", TemplateShape

    @answers("List templates", asks=CatalogueFilter, gives=TemplateShape, many=True, etag=True)
    def get(self) -> Answer:
        return self.page()


class HardwareProfiles(Catalogue):
    model, held_by, shape = HardwareProfile, "hardware_profiles", HardwareProfileShape

    @answers(
        "List hardware profiles",
        asks=CatalogueFilter,
        gives=HardwareProfileShape,
        many=True,
        etag=True,
    )
    def get(self) -> Answer:
        return self.page()


class Networks(Catalogue):
    model, held_by, shape = Network, "networks", NetworkShape

    @answers("List networks", asks=CatalogueFilter, gives=NetworkShape, many=True, etag=True)
    def get(self) -> Answer:
        return self.page()


class AddressQuestion(Asked):
    address = serializers.CharField(max_length=45, help_text="An IPv4 address.")


class AddressShape(Shape):
    """Whether a machine could be given an address; `text` says why not."""

    address = serializers.CharField()
    is_free = serializers.BooleanField()
    text = serializers.CharField()


class NetworkAddress(Catalogue):
    model, held_by, shape = Network, "networks", NetworkShape

    @answers("Tell whether an address is free", asks=AddressQuestion, gives=AddressShape)
    def get(self) -> Answer:
        """As far as is known: the fabric has the last word when the address is given."""
        told = {"address": self.asked["address"], "is_free": True, "text": ""}
        try:
            ordering.require_address(self.network, told["address"])
        except Refused as refused:
            told |= {"is_free": False, "text": refused.message}
        return Answer(told)

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        self.asked = {}  # the list's filters are none of it
        self.network = get_object_or_404(self.rows(), pk=pk)


class LibraryDisks(Catalogue):
    model, held_by, shape = LibraryDisk, "library_disks", LibraryDiskShape

    @answers(
        "List library disks", asks=CatalogueFilter, gives=LibraryDiskShape, many=True, etag=True
    )
    def get(self) -> Answer:
        return self.page()


class AllMedia(Catalogue):
    model, held_by, shape = Media, "media", MediaShape

    @answers("List media", asks=CatalogueFilter, gives=MediaShape, many=True, etag=True)
    def get(self) -> Answer:
        return self.page()
