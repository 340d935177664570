"""Machines: list, show, make, change, delete."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework import serializers

from fabric.actions import configuring, machines
from fabric.models import Job, Machine
from fabric.models.machine import EndAction
from fabric.states import MachineState, Verb
from portal.api import machine_orders as orders
from portal.api.frame import paging, work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Flag, Given, Many, Moment, OneOf, Shape, Text, Whole
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


class MachineChange(Given):
    """What is not given stays."""

    name = Text(required=False, max_length=63)
    description = Text(required=False, allow_blank=True, max_length=2000)
    cores = Whole(required=False, min_value=1)
    memory_mb = Whole(required=False, min_value=1)
    tags = Many(required=False, child=Text(max_length=40), max_length=20)
    is_protected = Flag(required=False)
    ends_at = Moment(required=False, allow_null=True)
    end_action = OneOf(required=False, choices=list(EndAction.values))


class MachinesMadeShape(Shape):
    """The operations that make several machines, in the order of their names."""

    operations = work.WorkShape(many=True)


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
        order = paging.ordered(self.asked["sort"], ORDERS, turned=("age",))
        rows = matching(self.caller.machines(), self.asked)
        found = paging.page(rows, COLUMNS, self.asked, order=order)
        return self.listed(found, machine, etag_columns)

    @answers(
        "Create a machine",
        tag="New machines",
        takes=orders.NewMachineGiven,
        gives=work.OperationShape,
        status=202,
        scope="Create",
        refuses=["quota_exceeded"],
        example={"name": "web-01", **orders.EXAMPLE},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """The operation's `machine` is the new one; it is listed at once, in the state creating."""
        subscription = orders.subscription_of(self.caller, given)
        order = orders.order_of(subscription, given, given["name"])
        with orders.pointing():
            made = machines.deploy(
                by=self.caller.user,
                subscription=subscription,
                order=order,
                request_key=str(uuid.uuid4()),
            )
        return work.begun(Job.objects.filter(subject=made.pk).latest("created_at"))


class ManyMachines(Endpoint):
    tag = "New machines"

    @answers(
        "Make several machines",
        takes=orders.NewMachinesGiven,
        gives=MachinesMadeShape,
        status=202,
        waits=False,
        scope="Create",
        refuses=["quota_exceeded"],
        example={"pattern": "web##", "count": 3, **orders.EXAMPLE},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """All of them or none."""
        subscription = orders.subscription_of(self.caller, given)
        order = orders.order_of(subscription, given, given["pattern"])
        with orders.pointing(name="pattern"):
            made = machines.deploy_many(
                by=self.caller.user,
                subscription=subscription,
                order=order,
                pattern=given["pattern"],
                count=given["count"],
                first=given["first"],
                request_key=str(uuid.uuid4()),
            )
        rows = Job.objects.filter(subject__in=[one.pk for one in made]).values(*work.COLUMNS)
        by_machine = {row["machine_id"]: row for row in rows}
        told = [work.row(by_machine[one.pk]) for one in made]
        return Answer({"operations": told}, 202)


class OfMachine(Endpoint):
    """An address below a machine's."""

    tag = "Machines"
    machine: Machine

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = (
            self.caller.machines()
            .select_related("subscription__tenant", "subscription__plan__offering", "template")
            .select_related("stamp__provider", "cloud")
        )
        self.machine = get_object_or_404(rows, pk=pk)

    def held(self) -> Machine:
        return self.machine

    def rows(self) -> list[dict[str, Any]]:
        return list(Machine.objects.filter(pk=self.machine.pk).values(*COLUMNS))

    def columns(self) -> Any:
        return etag_columns(self.rows())

    def shown_machine(self) -> Answer:
        """Return the machine as it is now."""
        rows = self.rows()
        return Answer(lambda: machine(rows[0]), columns=etag_columns(rows))


class OneMachine(OfMachine):
    @answers("Show a machine", gives=MachineShape, etag=True)
    def get(self) -> Answer:
        return self.shown_machine()

    @answers(
        "Change a machine",
        takes=MachineChange,
        gives=MachineShape,
        also={202: work.OperationShape},
        waits=True,
        verb=Verb.CONFIGURE,
        refuses=["quota_exceeded"],
        example={"memory_mb": 8192, "tags": ["shop", "live"]},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        """Tags, protection and end date are kept at once: 200 with the machine. What its cloud has
        to do is an operation: 202. All of it is accepted, or none.
        """
        by, job = self.caller.user, None
        if "tags" in given:
            configuring.tag(by=by, machine=self.machine, tags=given["tags"])
        if "is_protected" in given:
            configuring.protect(by=by, machine=self.machine, on=given["is_protected"])
        if "ends_at" in given or "end_action" in given:
            configuring.lease(
                by=by,
                machine=self.machine,
                ends_at=given.get("ends_at", self.machine.ends_at),
                action=given.get("end_action", self.machine.end_action),
            )
        wanted = {n: given[n] for n in ("name", "description", "cores", "memory_mb") if n in given}
        if wanted:
            job = configuring.configure(by=by, machine=self.machine, **wanted)
        if job is not None:
            return work.begun(job)
        return Answer(self.shown_machine().data)

    @answers("Delete a machine", gives=work.OperationShape, status=202, verb=Verb.DELETE)
    def delete(self) -> Answer:
        """With its disks, for good. What it held of the quota is free when nothing is left."""
        return work.begun(machines.delete(by=self.caller.user, machine=self.machine))
