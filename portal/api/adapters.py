"""Network adapters of a machine: attached, moved to another network, removed."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import adapters
from fabric.models import Adapter, Machine, Network
from fabric.states import Verb
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Id, Shape, Text, at
from portal.api.machines import OfMachine

COLUMNS = (
    "id",
    "machine_id",
    "slot",
    "network_id",
    "network_name",
    "mac",
    "is_static",
    "addresses",
)


class AdapterShape(Shape):
    """A network adapter; one without a network is not connected."""

    id = serializers.UUIDField()
    machine = serializers.UUIDField()
    slot = serializers.IntegerField()
    network = serializers.UUIDField(allow_null=True)
    network_name = serializers.CharField()
    mac = serializers.CharField()
    is_static = serializers.BooleanField(help_text="Its address is of a pool, or was named.")
    addresses = serializers.ListField(child=serializers.CharField())


class AdaptersShape(Shape):
    results = AdapterShape(many=True)


class NewAdapterGiven(Given):
    network = Id()
    address = Text(required=False, default="", allow_blank=True, max_length=45)


class AdapterChange(Given):
    network = Id(required=False)
    address = Text(
        required=False, allow_blank=True, max_length=45, help_text="Empty: one of the pool."
    )


def adapter(row: dict[str, Any]) -> dict[str, Any]:
    """Return an adapter of its columns."""
    return {
        "id": row["id"],
        "machine": row["machine_id"],
        "slot": row["slot"],
        "network": row["network_id"],
        **{name: row[name] for name in ("network_name", "mac", "is_static", "addresses")},
    }


def network_of(machine: Machine, pk: uuid.UUID) -> Network:
    """Return a network that the machine's plan holds."""
    offered = machine.subscription.plan.offering.networks.present()
    found: Network | None = offered.filter(pk=pk).first()
    if found is None:
        raise at("network", _("Your plan holds no such network."))
    return found


class Adapters(OfMachine):
    tag = "Network adapters"

    def columns(self) -> Any:
        return list(self.machine.adapters.values(*COLUMNS))

    @answers("List network adapters of a machine", gives=AdaptersShape, etag=True)
    def get(self) -> Answer:
        rows = self.columns()
        return Answer(lambda: {"results": [adapter(row) for row in rows]}, columns=rows)

    @answers(
        "Attach a network adapter",
        takes=NewAdapterGiven,
        gives=work.OperationShape,
        status=202,
        verb=Verb.ADAPTERS,
        example={"network": "7a1d0c7e-50a5-4c55-9d4b-63f0a0b1c2d3"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        return work.begun(
            adapters.attach(
                by=self.caller.user,
                machine=self.machine,
                network=network_of(self.machine, given["network"]),
                address=given["address"],
                request_key=str(uuid.uuid4()),
            )
        )


class OneAdapter(Endpoint):
    tag = "Network adapters"
    adapter: Adapter

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = Adapter.objects.filter(machine__in=self.caller.machines(), pk=pk)
        self.adapter = get_object_or_404(
            rows.select_related(
                "machine__subscription__tenant", "machine__subscription__plan__offering", "network"
            )
        )

    def held(self) -> Machine:
        return self.adapter.machine

    def columns(self) -> Any:
        return Adapter.objects.filter(pk=self.adapter.pk).values(*COLUMNS).first()

    @answers("Show a network adapter", gives=AdapterShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: adapter(row), columns=row)

    @answers(
        "Change a network adapter",
        takes=AdapterChange,
        gives=work.OperationShape,
        status=202,
        verb=Verb.ADAPTERS,
        example={"address": "10.20.0.17"},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        network = None
        if "network" in given:
            network = network_of(self.adapter.machine, given["network"])
        return work.begun(
            adapters.change(
                by=self.caller.user,
                adapter=self.adapter,
                network=network,
                address=given.get("address"),
            )
        )

    @answers(
        "Remove a network adapter",
        gives=work.OperationShape,
        status=202,
        verb=Verb.ADAPTERS,
    )
    def delete(self) -> Answer:
        return work.begun(adapters.remove(by=self.caller.user, adapter=self.adapter))
