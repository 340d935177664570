"""Groups: machines started and stopped in order. Schedules: when that, or one machine, is due."""

from __future__ import annotations

import datetime as dt
import uuid

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy

from fabric.models.machine import Machine
from fabric.states import GONE
from plans.models import Subscription, SubscriptionState
from tenants.models import User


class OnFailure(models.TextChoices):
    """What becomes of a run when a machine fails."""

    STOP = "stop", gettext_lazy("Stop the run there")
    SKIP = "skip", gettext_lazy("Skip it and go on")


class GroupQuerySet(models.QuerySet["Group"]):
    def visible_to(self, user: User) -> GroupQuerySet:
        """Return the groups of a person's tenants of whose machines they may see every one."""
        there = self.exclude(subscription__state=SubscriptionState.DELETED)
        if user.whole_tenant_ids is not None:
            return there.filter(subscription__tenant__in=user.whole_tenant_ids)
        mine = there.filter(subscription__tenant__memberships__user=user)
        hidden = GroupMember.objects.filter(group=models.OuterRef("pk")).exclude(
            machine__in=Machine.objects.granted_to(user)
        )
        return mine.exclude(models.Exists(hidden))


class Group(models.Model):
    """Machines of a subscription in an order: started from the first, stopped from the last."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="groups")
    name = models.CharField(max_length=80)
    on_failure = models.CharField(max_length=4, choices=OnFailure.choices, default=OnFailure.STOP)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = GroupQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(models.F("subscription"), Lower("name"), name="group_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    def in_order(self) -> models.QuerySet[GroupMember]:
        """Return its places with their machines, those gone excepted."""
        return self.places.exclude(machine__state__in=GONE).select_related("machine")


class GroupMember(models.Model):
    """A machine's place in a group."""

    group = models.ForeignKey(Group, on_delete=models.CASCADE, related_name="places")
    machine = models.ForeignKey(Machine, on_delete=models.CASCADE, related_name="places")
    position = models.PositiveIntegerField()

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["group", "machine"], name="group_machine_once"),
            # Checked at the end of the transaction, so that two can change places.
            models.UniqueConstraint(
                fields=["group", "position"],
                name="group_position_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.machine}"


class ScheduledAction(models.TextChoices):
    START = "start", gettext_lazy("Start")
    SHUTDOWN = "shutdown", gettext_lazy("Shut down")
    STOP = "stop", gettext_lazy("Stop (power off)")
    RESTART = "restart", gettext_lazy("Restart")


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def visible_to(self, user: User) -> ScheduleQuerySet:
        """Return the schedules of a person's tenants whose machine or group they may see.

        One by a tag is for whoever sees all machines, and for who made it.
        """
        there = self.exclude(subscription__state=SubscriptionState.DELETED)
        if user.whole_tenant_ids is not None:
            return there.filter(subscription__tenant__in=user.whole_tenant_ids)
        all_theirs = user.memberships.filter(all_machines=True).values("tenant")
        return there.filter(subscription__tenant__memberships__user=user).filter(
            models.Q(machine=None) | models.Q(machine__in=Machine.objects.granted_to(user)),
            models.Q(group=None) | models.Q(group__in=Group.objects.visible_to(user)),
            models.Q(tag="")
            | models.Q(created_by=user)
            | models.Q(subscription__tenant__in=all_theirs),
        )

    def due(self, now: dt.datetime) -> ScheduleQuerySet:
        """Return those whose time has come, the longest waiting first."""
        return self.filter(is_enabled=True, next_at__lte=now).order_by("next_at", "pk")


class Schedule(models.Model):
    """An act on a machine, a group or all machines with a tag, at times as cron writes them.

    The times are those of `time_zone`. It acts with the rights of `created_by`; when it switched
    itself off, `off_reason` says why.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.CASCADE, related_name="schedules"
    )
    name = models.CharField(max_length=80)
    action = models.CharField(max_length=8, choices=ScheduledAction.choices)
    machine = models.ForeignKey(
        Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="schedules"
    )
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.CASCADE, related_name="schedules"
    )
    tag = models.CharField(max_length=40, blank=True, default="")
    cron = models.CharField(max_length=100)
    time_zone = models.CharField(max_length=64)
    is_enabled = models.BooleanField(default=True)
    off_reason = models.TextField(blank=True, default="")
    next_at = models.DateTimeField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ScheduleQuerySet.as_manager()

    class Meta:
        ordering = ["name", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(machine__isnull=False, group=None, tag="")
                | models.Q(machine=None, group__isnull=False, tag="")
                | (models.Q(machine=None, group=None) & ~models.Q(tag="")),
                name="schedule_one_target",
            )
        ]
        indexes = [
            models.Index(
                fields=["next_at"], condition=models.Q(is_enabled=True), name="schedule_due"
            )
        ]

    def __str__(self) -> str:
        return self.name


class RunOutcome(models.TextChoices):
    STARTED = "started", gettext_lazy("Started")
    SKIPPED = "skipped", gettext_lazy("Skipped")
    REFUSED = "refused", gettext_lazy("Refused")


class ScheduleRun(models.Model):
    """What became of one time a schedule was due.

    `results` holds one dict a machine or group: name, job (its id or ""), refused (why, or "").
    """

    schedule = models.ForeignKey(Schedule, on_delete=models.CASCADE, related_name="runs")
    due_at = models.DateTimeField()
    at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=8, choices=RunOutcome.choices)
    text = models.TextField(blank=True, default="")
    results = models.JSONField(default=list)

    class Meta:
        ordering = ["-due_at"]
        constraints = [
            models.UniqueConstraint(fields=["schedule", "due_at"], name="schedule_run_once")
        ]

    def __str__(self) -> str:
        return f"{self.schedule} {self.due_at}"
