"""Schedules: acts on machines, groups or tags at times as cron writes them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import schedules
from fabric.actions.schedules import Target
from fabric.models import RunOutcome, Schedule, ScheduledAction, ScheduleRun
from plans.models import Subscription
from portal.api.frame import paging
from portal.api.frame.answer import Answer, gone
from portal.api.frame.caller import Caller
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Flag, Given, Id, OneOf, Shape, Text, at
from portal.api.frame.formats import moment
from portal.api.groups import groups_of
from portal.api.machine_orders import subscription_of

COLUMNS = (
    "id",
    "subscription_id",
    "name",
    "action",
    "machine_id",
    "group_id",
    "tag",
    "cron",
    "time_zone",
    "is_enabled",
    "off_reason",
    "next_at",
    "last_at",
    "created_by__email",
    "created_at",
)
RUN_COLUMNS = ("id", "due_at", "at", "outcome", "text", "results")


class ScheduleShape(Shape):
    """A schedule. Of machine, group and tag one is set; it acts as who changed it last."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    subscription = serializers.UUIDField()
    name = serializers.CharField()
    action = serializers.ChoiceField(choices=list(ScheduledAction.values))
    machine = serializers.UUIDField(allow_null=True)
    group = serializers.UUIDField(allow_null=True)
    tag = serializers.CharField()
    cron = serializers.CharField()
    time_zone = serializers.CharField()
    is_enabled = serializers.BooleanField()
    off_reason = serializers.CharField(help_text="Why it switched itself off.")
    next_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    created_by = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()


class RunResultShape(Shape):
    """What came of one machine or group."""

    name = serializers.CharField()
    operation = serializers.UUIDField(allow_null=True)
    refused = serializers.CharField()


class RunShape(Shape):
    """What became of one time a schedule was due."""

    id = serializers.IntegerField()
    due_at = serializers.DateTimeField()
    at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(choices=list(RunOutcome.values))
    text = serializers.CharField()
    results = RunResultShape(many=True)


class ScheduleFilter(paging.Listed):
    subscription = serializers.UUIDField(required=False)
    machine = serializers.UUIDField(required=False)
    group = serializers.UUIDField(required=False)


class ScheduleGiven(Given):
    """One of machine, group and tag."""

    subscription = Id()
    name = Text(max_length=80)
    action = OneOf(choices=list(ScheduledAction.values))
    machine = Id(required=False, allow_null=True)
    group = Id(required=False, allow_null=True)
    tag = Text(required=False, allow_blank=True, max_length=40)
    cron = Text(max_length=100, help_text="Five fields: minute, hour, day, month, weekday.")
    time_zone = Text(required=False, default="UTC", max_length=64)


class ScheduleChange(Given):
    name = Text(required=False, max_length=80)
    action = OneOf(required=False, choices=list(ScheduledAction.values))
    machine = Id(required=False, allow_null=True)
    group = Id(required=False, allow_null=True)
    tag = Text(required=False, allow_blank=True, max_length=40)
    cron = Text(required=False, max_length=100)
    time_zone = Text(required=False, max_length=64)
    is_enabled = Flag(required=False)


def schedule(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schedule of its columns."""
    same = ("name", "action", "tag", "cron", "time_zone", "is_enabled")
    return {
        "id": row["id"],
        "url": reverse("api-schedule", args=[row["id"]]),
        "subscription": row["subscription_id"],
        "machine": row["machine_id"],
        "group": row["group_id"],
        **{name: row[name] for name in same},
        "off_reason": _(row["off_reason"]) if row["off_reason"] else "",
        "next_at": moment(row["next_at"]),
        "last_at": moment(row["last_at"]),
        "created_by": row["created_by__email"],
        "created_at": moment(row["created_at"]),
    }


def run(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what became of one time."""
    return {
        "id": row["id"],
        "due_at": moment(row["due_at"]),
        "at": moment(row["at"]),
        "outcome": row["outcome"],
        "text": _(row["text"]) if row["text"] else "",
        "results": [
            {
                "name": one.get("name", ""),
                "operation": one.get("job") or None,
                "refused": one.get("refused", ""),
            }
            for one in row["results"]
        ],
    }


def schedules_of(caller: Caller) -> QuerySet[Schedule]:
    rows: QuerySet[Schedule] = caller.within(
        Schedule.objects.visible_to(caller.user), "subscription__tenant"
    )
    return rows


def target_of(
    caller: Caller, subscription: Subscription, given: Mapping[str, Any], known: Target
) -> Target:
    """Return what a body aims at; `known` where it names none of the three."""
    if not any(name in given for name in ("machine", "group", "tag")):
        return known
    machine = group = None
    if given.get("machine"):
        mine = caller.machines().filter(subscription=subscription)
        machine = mine.filter(pk=given["machine"]).first()
        if machine is None:
            raise at("machine", _("The subscription has no such machine."))
    if given.get("group"):
        mine = groups_of(caller).filter(subscription=subscription)
        group = mine.filter(pk=given["group"]).first()
        if group is None:
            raise at("group", _("The subscription has no such group."))
    return Target(machine, group, given.get("tag", ""))


class Schedules(Endpoint):
    tag = "Schedules"

    @answers("List schedules", asks=ScheduleFilter, gives=ScheduleShape, many=True, etag=True)
    def get(self) -> Answer:
        wanted = {n: v for n, v in self.asked.items() if n in ("subscription", "machine", "group")}
        rows = schedules_of(self.caller).filter(**wanted)
        return self.listed(paging.page(rows, COLUMNS, self.asked, order="name"), schedule)

    @answers(
        "Create a schedule",
        takes=ScheduleGiven,
        gives=ScheduleShape,
        status=201,
        scope="Schedules",
        example={
            "subscription": "5b6f…",
            "name": "Evenings off",
            "action": "shutdown",
            "tag": "office",
            "cron": "0 19 * * 1-5",
            "time_zone": "Europe/Berlin",
        },
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Switched on. An API key needs the scope of the action as well."""
        self.caller.require_verb(given["action"])
        subscription = subscription_of(self.caller, given)
        made = schedules.create(
            by=self.caller.user,
            subscription=subscription,
            name=given["name"],
            action=given["action"],
            target=target_of(self.caller, subscription, given, Target()),
            cron=given["cron"],
            time_zone=given["time_zone"],
        )
        where = reverse("api-schedule", args=[made.pk])
        return Answer(found_schedule(made.pk), 201, {"Location": where})


def found_schedule(pk: uuid.UUID) -> dict[str, Any]:
    return schedule(get_object_or_404(Schedule.objects.values(*COLUMNS), pk=pk))


class OfSchedule(Endpoint):
    tag = "Schedules"
    schedule: Schedule

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = schedules_of(self.caller).select_related("subscription__tenant", "machine", "group")
        self.schedule = get_object_or_404(rows, pk=pk)

    def held(self) -> Schedule:
        return self.schedule

    def columns(self) -> Any:
        return Schedule.objects.filter(pk=self.schedule.pk).values(*COLUMNS).first()


class OneSchedule(OfSchedule):
    @answers("Show a schedule", gives=ScheduleShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: schedule(row), columns=row)

    @answers(
        "Change a schedule",
        takes=ScheduleChange,
        gives=ScheduleShape,
        scope="Schedules",
        example={"cron": "30 18 * * 1-5", "is_enabled": True},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        """From then on it acts with your rights. `is_enabled` switches it on and off."""
        by, one = self.caller.user, self.schedule
        self.caller.require_verb(given.get("action", one.action))
        on = given.pop("is_enabled", None)
        if given:
            known = Target(one.machine, one.group, one.tag)
            schedules.change(
                by=by,
                schedule=one,
                target=target_of(self.caller, one.subscription, given, known),
                **{n: given.get(n, getattr(one, n)) for n in ("name", "action", "cron")},
                time_zone=given.get("time_zone", one.time_zone),
            )
        if on is not None:
            (schedules.resume if on else schedules.pause)(by=by, schedule=one)
        return Answer(found_schedule(one.pk))

    @answers("Delete a schedule", status=204, scope="Schedules")
    def delete(self) -> Answer:
        schedules.delete(by=self.caller.user, schedule=self.schedule)
        return gone()


class Runs(OfSchedule):
    @answers("List runs of a schedule", asks=paging.Listed, gives=RunShape, many=True, etag=True)
    def get(self) -> Answer:
        """The newest first; kept for 90 days."""
        rows = ScheduleRun.objects.filter(schedule=self.schedule)
        return self.listed(paging.page(rows, RUN_COLUMNS, self.asked, order="-due_at"), run)
