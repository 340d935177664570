"""Machines: list, show, make, change, delete."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404
from rest_framework import serializers

from fabric.models import Machine
from fabric.states import MachineState
from portal.api.frame import paging
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.machine_shapes import COLUMNS, MachineShape, etag_columns, machine

# What the list page sorts by, by the same names.
ORDERS = {
    "name": "name",
    "state": "state",
    "subscription": "subscription__name",
    "os": "os_name",
    "cores": "cores",
    "memory": "memory_mb",
    "age": "created_at",
}


class MachineFilter(paging.Listed):
    q = serializers.CharField(
        required=False, max_length=100, help_text="In name, system, addresses or tags."
    )
    state = serializers.ChoiceField(required=False, choices=list(MachineState.values))
    subscription = serializers.UUIDField(required=False)
    plan = serializers.UUIDField(required=False)
    tenant = serializers.UUIDField(required=False)
    template = serializers.UUIDField(required=False)
    tag = serializers.CharField(required=False, max_length=40)
    sort = serializers.ChoiceField(
        default="name", choices=[*ORDERS, *(f"-{name}" for name in ORDERS)]
    )


def matching(rows: QuerySet[Machine], asked: dict[str, Any]) -> QuerySet[Machine]:
    """Return the machines that a query asks for."""
    if text := asked.get("q"):
        rows = rows.filter(
            Q(name__icontains=text)
            | Q(os_name__icontains=text)
            | Q(addresses__icontains=text)
            | Q(tags__icontains=text)
        )
    if "tag" in asked:
        rows = rows.filter(tags__contains=[asked["tag"]])
    paths = {
        "state": "state",
        "subscription": "subscription",
        "plan": "subscription__plan",
        "tenant": "subscription__tenant",
        "template": "template",
    }
    return rows.filter(**{path: asked[name] for name, path in paths.items() if name in asked})


class Machines(Endpoint):
    tag = "Machines"

    @answers("List machines", asks=MachineFilter, gives=MachineShape, many=True, etag=True)
    def get(self) -> Answer:
        name = self.asked["sort"]
        order = paging.ordered(name, ORDERS, turned=("age",))
        found = paging.page(
            matching(self.caller.machines(), self.asked), COLUMNS, self.asked, order=order
        )
        return self.listed(found, machine, etag_columns)


class OfMachine(Endpoint):
    """An address below a machine's."""

    tag = "Machines"
    machine: Machine

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        found = (
            self.caller.machines()
            .select_related("subscription__tenant", "subscription__plan__offering", "template")
            .filter(pk=pk)
            .first()
        )
        if found is None:
            raise Http404
        self.machine = found

    def rows(self) -> list[dict[str, Any]]:
        return list(Machine.objects.filter(pk=self.machine.pk).values(*COLUMNS))

    def columns(self) -> Any:
        return etag_columns(self.rows())

    def hold(self) -> None:
        Machine.objects.select_for_update(of=("self",)).get(pk=self.machine.pk)

    def shown_machine(self) -> Answer:
        """Return the machine as it is now."""
        rows = self.rows()
        return Answer(lambda: machine(rows[0]), columns=etag_columns(rows))


class OneMachine(OfMachine):
    @answers("Show a machine", gives=MachineShape, etag=True)
    def get(self) -> Answer:
        return self.shown_machine()
