"""Virtual machines, as the portal knows them."""

from __future__ import annotations

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy

from fabric.models.inventory import Cloud, HardwareProfile, Media, Network, Template
from fabric.models.stamp import Stamp
from fabric.states import BUSY, GONE, MachineState
from plans.models import Subscription
from tenants.models import User


class MachineQuerySet(models.QuerySet["Machine"]):
    def visible_to(self, user: User) -> MachineQuerySet:
        """Return the machines a person may see, those gone excepted."""
        return self.granted_to(user).exclude(state__in=GONE)

    def granted_to(self, user: User) -> MachineQuerySet:
        """Return the machines of a person's tenants, also those that are gone: all of them, or the
        chosen ones and those they made themselves."""
        if user.whole_tenant_ids is not None:
            return self.filter(subscription__tenant__in=user.whole_tenant_ids)
        return self.filter(
            models.Q(subscription__tenant__memberships__all_machines=True)
            | models.Q(created_by=user)
            | models.Q(pk__in=user.memberships.values("grants__machine")),
            subscription__tenant__memberships__user=user,
        )


class EndAction(models.TextChoices):
    """What becomes of a machine on its end date."""

    STOP = "stop", gettext_lazy("Turn it off")
    DELETE = "delete", gettext_lazy("Delete it")


class Machine(models.Model):
    """One virtual machine. `id` is ours and travels as its tag; `remote_id` is VMM's.

    `state` is what people see; a machine that cannot be asked keeps its last state and carries
    `unreachable_since`. `addresses` is a list of texts, the first one is used to connect. `media`
    is what lies in its DVD drive; it is in rescue, off that image, since `rescued_at`. What came of
    its last change is not known since `unsettled_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subscription = models.ForeignKey(
        Subscription, on_delete=models.PROTECT, related_name="machines"
    )
    stamp = models.ForeignKey(Stamp, on_delete=models.PROTECT, related_name="machines")
    cloud = models.ForeignKey(Cloud, on_delete=models.PROTECT, related_name="machines_here")
    template = models.ForeignKey(
        Template, null=True, on_delete=models.PROTECT, related_name="machines"
    )
    hardware_profile = models.ForeignKey(
        HardwareProfile, null=True, on_delete=models.PROTECT, related_name="machines"
    )
    network = models.ForeignKey(
        Network, null=True, on_delete=models.PROTECT, related_name="machines"
    )
    remote_id = models.UUIDField(null=True, blank=True, db_index=True)
    name = models.CharField(max_length=63)
    description = models.TextField(blank=True, default="", max_length=2000)
    state = models.CharField(
        max_length=12, choices=MachineState.choices, default=MachineState.CREATING
    )
    status_text = models.CharField(max_length=200, blank=True, default="")
    os_name = models.CharField(max_length=200, blank=True, default="")
    cores = models.PositiveIntegerField()
    memory_mb = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    addresses = models.JSONField(default=list)
    host_name = models.CharField(max_length=200, blank=True, default="")
    computer_name = models.CharField(max_length=63, blank=True, default="")
    os_type = models.CharField(max_length=20, blank=True, default="")
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    media = models.ForeignKey(
        Media, null=True, blank=True, on_delete=models.SET_NULL, related_name="machines"
    )
    rescued_at = models.DateTimeField(null=True, blank=True)
    is_protected = models.BooleanField(default=False)
    ends_at = models.DateTimeField(null=True, blank=True)
    end_action = models.CharField(max_length=6, choices=EndAction.choices, default=EndAction.STOP)
    end_warned_at = models.DateTimeField(null=True, blank=True)
    devices_synced_at = models.DateTimeField(null=True, blank=True)
    unsettled_at = models.DateTimeField(null=True, blank=True)
    unreachable_since = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    synced_at = models.DateTimeField(null=True, blank=True)

    objects = MachineQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                models.F("subscription"),
                Lower("name"),
                condition=~models.Q(state="deleted"),
                name="machine_name_once",
            ),
        ]
        indexes = [
            models.Index(fields=["subscription", "name", "id"], name="machine_list"),
            models.Index(fields=["stamp", "remote_id"], name="machine_by_remote"),
            GinIndex(fields=["tags"], name="machine_tags"),
            models.Index(
                fields=["ends_at"],
                condition=models.Q(ends_at__isnull=False),
                name="machine_ends",
            ),
            models.Index(
                fields=["unsettled_at"],
                condition=models.Q(unsettled_at__isnull=False),
                name="machine_unsettled",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_busy(self) -> bool:
        return self.state in BUSY

    @property
    def address(self) -> str:
        return self.addresses[0] if self.addresses else ""
