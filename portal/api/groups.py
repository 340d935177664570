"""Ordered groups of machines: made, put in order, started and stopped."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import groups
from fabric.models import Group, GroupMember, Machine, OnFailure
from fabric.states import GONE, Verb
from portal.api.frame import paging, work
from portal.api.frame.answer import Answer, gone, shown
from portal.api.frame.caller import Caller
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Flag, Given, Id, Many, OneOf, Shape, Text, at, invalid
from portal.api.frame.formats import moment
from portal.api.machine_orders import subscription_of

COLUMNS = ("id", "subscription_id", "name", "on_failure", "created_by__email", "created_at")
RUNS = [Verb.START.value, Verb.SHUTDOWN.value, Verb.STOP.value]


class PlaceShape(Shape):
    """A machine's place in a group."""

    machine = serializers.UUIDField()
    name = serializers.CharField()


class GroupShape(Shape):
    """Machines in an order: started from the first, stopped from the last."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    subscription = serializers.UUIDField()
    name = serializers.CharField()
    on_failure = serializers.ChoiceField(choices=list(OnFailure.values))
    machines = PlaceShape(many=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class GroupsMadeShape(Shape):
    results = GroupShape(many=True)


class GroupFilter(paging.Listed):
    subscription = serializers.UUIDField(required=False)


class NewGroup(Given):
    subscription = Id()
    name = Text(max_length=80)
    on_failure = OneOf(required=False, default="stop", choices=list(OnFailure.values))
    machines = Many(required=False, default=list, child=Id(), max_length=groups.LARGEST)


class GroupChange(Given):
    name = Text(required=False, max_length=80)
    on_failure = OneOf(required=False, choices=list(OnFailure.values))


class GroupFile(Given):
    """A file of lines `<group>;<machine>`, in order, without a header."""

    subscription = Id()
    text = Text(max_length=200_000, trim_whitespace=False)
    replace = Flag(required=False, default=False, help_text="Groups there are get the new order.")


class PlaceGiven(Given):
    machine = Id()


class MoveGiven(Given):
    up = Flag(help_text="true: one place towards the first; false: towards the last.")


class RunGiven(Given):
    command = OneOf(choices=RUNS)


def group(row: Mapping[str, Any], places: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a group of its columns and its places."""
    return {
        "id": row["id"],
        "url": reverse("api-group", args=[row["id"]]),
        "subscription": row["subscription_id"],
        "name": row["name"],
        "on_failure": row["on_failure"],
        "machines": places,
        "created_by": row["created_by__email"],
        "created_at": moment(row["created_at"]),
    }


def places_of(ids: list[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    """Return the machines of groups in their order. One query."""
    found: dict[uuid.UUID, list[dict[str, Any]]] = {pk: [] for pk in ids}
    rows = GroupMember.objects.filter(group__in=ids).exclude(machine__state__in=GONE)
    told = rows.order_by("position").values_list("group_id", "machine_id", "machine__name")
    for group_id, machine_id, name in told:
        found[group_id].append({"machine": machine_id, "name": name})
    return found


def groups_of(caller: Caller) -> QuerySet[Group]:
    rows: QuerySet[Group] = caller.within(
        Group.objects.visible_to(caller.user), "subscription__tenant"
    )
    return rows


def whole(pk: uuid.UUID) -> dict[str, Any]:
    """Return a group as it stands. Two queries."""
    row = get_object_or_404(Group.objects.values(*COLUMNS), pk=pk)
    return group(row, places_of([pk])[pk])


class Groups(Endpoint):
    tag = "Groups"

    @answers("List groups", asks=GroupFilter, gives=GroupShape, many=True, etag=True)
    def get(self) -> Answer:
        rows = groups_of(self.caller)
        if "subscription" in self.asked:
            rows = rows.filter(subscription=self.asked["subscription"])
        page = paging.page(rows, COLUMNS, self.asked, order="name")
        places = places_of([row["id"] for row in page.rows])
        return self.listed(
            page,
            lambda row: group(row, places[row["id"]]),
            lambda rows: [rows, list(places.values())],
        )

    @answers(
        "Create a group",
        takes=NewGroup,
        gives=GroupShape,
        status=201,
        scope="Schedules",
        example={"subscription": "5b6f…", "name": "Shop", "machines": ["3f2a…", "91bc…"]},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        subscription = subscription_of(self.caller, given)
        wanted = given["machines"]
        mine = self.caller.machines().filter(subscription=subscription, pk__in=wanted)
        found: dict[uuid.UUID, Machine] = {row.pk: row for row in mine}
        missing = [index for index, pk in enumerate(wanted) if pk not in found]
        if missing:
            detail = _("The subscription has no such machine.")
            raise invalid([{"pointer": f"#/machines/{n}", "detail": detail} for n in missing])
        made = groups.create(
            by=self.caller.user,
            subscription=subscription,
            name=given["name"],
            on_failure=given["on_failure"],
            machines=[found[pk] for pk in wanted],
        )
        return Answer(whole(made.pk), 201, {"Location": reverse("api-group", args=[made.pk])})


class ImportGroups(Endpoint):
    tag = "Groups"

    @answers(
        "Import groups",
        takes=GroupFile,
        gives=GroupsMadeShape,
        scope="Schedules",
        example={"subscription": "5b6f…", "text": "Shop;db-01\nShop;web-01\n"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """All of a file or nothing; what is wrong in it is told line by line."""
        subscription = subscription_of(self.caller, given)
        try:
            made = groups.import_file(
                by=self.caller.user,
                subscription=subscription,
                text=given["text"],
                replace=given["replace"],
            )
        except groups.FileRefused as refused:
            raise invalid([{"pointer": "#/text", "detail": line} for line in refused.problems])
        return Answer({"results": [whole(one.pk) for one in made]})


class OfGroup(Endpoint):
    tag = "Groups"
    group: Group

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = groups_of(self.caller).select_related("subscription__tenant")
        self.group = get_object_or_404(rows, pk=pk)

    def held(self) -> Group:
        return self.group

    def columns(self) -> Any:
        return whole(self.group.pk)


class OneGroup(OfGroup):
    @answers("Show a group", gives=GroupShape, etag=True)
    def get(self) -> Answer:
        return shown(whole(self.group.pk))

    @answers("Change a group", takes=GroupChange, gives=GroupShape, scope="Schedules")
    def patch(self, given: dict[str, Any]) -> Answer:
        groups.change(
            by=self.caller.user,
            group=self.group,
            name=given.get("name", self.group.name),
            on_failure=given.get("on_failure", self.group.on_failure),
        )
        return Answer(whole(self.group.pk))

    @answers("Delete a group", status=204, scope="Schedules")
    def delete(self) -> Answer:
        """With its schedules; its machines stay."""
        groups.delete(by=self.caller.user, group=self.group)
        return gone()


class Places(OfGroup):
    @answers(
        "Add a machine to a group",
        takes=PlaceGiven,
        gives=GroupShape,
        status=201,
        scope="Schedules",
        example={"machine": "3f2a…"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """At its end."""
        mine = self.caller.machines().filter(subscription=self.group.subscription_id)
        found = mine.filter(pk=given["machine"]).first()
        if found is None:
            raise at("machine", _("The subscription has no such machine."))
        groups.add(by=self.caller.user, group=self.group, machine=found)
        where = reverse("api-group", args=[self.group.pk])
        return Answer(whole(self.group.pk), 201, {"Location": where})


class OfPlace(OfGroup):
    machine: Machine

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        super().load(pk)
        self.machine = get_object_or_404(Machine, places__group=pk, pk=more["machine"])


class OnePlace(OfPlace):
    @answers("Take a machine out of a group", status=204, scope="Schedules")
    def delete(self) -> Answer:
        groups.remove(by=self.caller.user, group=self.group, machine=self.machine)
        return gone()


class MovePlace(OfPlace):
    @answers(
        "Move a machine within a group",
        takes=MoveGiven,
        gives=GroupShape,
        scope="Schedules",
        example={"up": True},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        groups.move(by=self.caller.user, group=self.group, machine=self.machine, up=given["up"])
        return Answer(whole(self.group.pk))


class RunGroup(OfGroup):
    @answers(
        "Run a group",
        takes=RunGiven,
        gives=work.OperationShape,
        status=202,
        example={"command": "start"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Each machine waits for the one before it. An API key needs the command's scope."""
        self.caller.require_verb(given["command"])
        return work.begun(groups.run(by=self.caller.user, group=self.group, verb=given["command"]))
