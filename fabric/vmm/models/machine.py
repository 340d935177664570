"""Virtual machines."""

from __future__ import annotations

import uuid
from typing import Any, Self

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from fabric.vmm.models.cloud import Cloud
from fabric.vmm.models.host import Host
from fabric.vmm.models.library import LibraryShare, OSType
from fabric.vmm.models.server import Server
from fabric.vmm.models.template import VMTemplate
from fabric.vmm.models.userrole import ResourceKind, RoleResource, UserRole, sight_of
from fabric.vmm.models.visible import ScopedQuerySet
from fabric.vmm.states import MachineStatus, machine_state, status_string


class StartAction(models.TextChoices):
    NEVER = "NeverAutoTurnOnVM", "Never turn on"
    IF_RUNNING = "TurnOnVMIfRunningWhenVSStopped", "Turn on if it was running"
    ALWAYS = "AlwaysAutoTurnOnVM", "Always turn on"


class StopAction(models.TextChoices):
    SAVE = "SaveVM", "Save state"
    TURN_OFF = "TurnOffVM", "Turn off"
    SHUT_DOWN = "ShutdownGuestOS", "Shut down"


class AffinityKind(models.TextChoices):
    APART = "apart", "Keep apart"
    TOGETHER = "together", "Keep together"


class AffinitySetQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the role's own sets."""
        return self.filter(role=role)


class AffinitySet(models.Model):
    """Machines that belong on different hosts, or on one. What is strict is never broken.

    Its row is the lock under which hosts for its machines are chosen.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="affinity_sets")
    role = models.ForeignKey(
        UserRole, null=True, blank=True, on_delete=models.CASCADE, related_name="affinity_sets"
    )
    name = models.CharField(max_length=64)
    kind = models.CharField(max_length=8, choices=AffinityKind.choices, default=AffinityKind.APART)
    is_strict = models.BooleanField(default=True)

    objects = AffinitySetQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["server", "role", "name"],
                nulls_distinct=False,
                name="vmm_affinityset_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name


def in_sight_of(role: Any, machine: str = "") -> models.Q:
    """Return what holds of machines that a tenant's role sees; `machine` is the way to one."""
    if not role.sees_chosen:
        return models.Q(**{f"{machine}role__in": sight_of(role)})
    granted = RoleResource.objects.filter(role=role.pk, kind=ResourceKind.MACHINE)
    return models.Q(**{f"{machine}role": role.pk}) | models.Q(
        **{f"{machine}pk__in": granted.values("resource_id")}
    )


class VirtualMachineQuerySet(ScopedQuerySet):
    def update(self, **values: Any) -> int:
        """Write, and say when: who asks only for what changed must not miss a thing."""
        return super().update(**({"modified_at": Now()} | values))

    def of_role(self, role: Any) -> Self:
        """Return the machines of the role's tenant, or of these its own and those granted to it."""
        return self.filter(in_sight_of(role))

    def of_fabric(self, role: Any) -> Self:
        """Return the machines in the clouds made of a fabric role's host groups."""
        return self.filter(
            cloud__in=Cloud.host_groups.through.objects.filter(
                hostgroup__in=role.group_ids()
            ).values("cloud")
        )


class VirtualMachine(models.Model):
    """One machine. Its row counts against quota as long as it is there.

    `hypervisor_id` is the host's own id for it (VMId on the wire), null until deployed.
    `request_key` is the caller's: the same key again is the same machine. `deployment_error` is
    {code, message, advice, step} after a failed deployment. One that is stored has no host; its
    disks are images on `stored_on`. One that moves holds room on `moving_to` as well.
    `last_restored_id` is the checkpoint it was brought back to last, which may be gone by now.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="machines")
    cloud = models.ForeignKey(Cloud, on_delete=models.PROTECT, related_name="machines_here")
    role = models.ForeignKey(
        UserRole, null=True, blank=True, on_delete=models.PROTECT, related_name="machines"
    )
    host = models.ForeignKey(
        Host, null=True, blank=True, on_delete=models.PROTECT, related_name="machines"
    )
    moving_to = models.ForeignKey(
        Host, null=True, blank=True, on_delete=models.PROTECT, related_name="arrivals"
    )
    template = models.ForeignKey(
        VMTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="machines"
    )
    affinity = models.ForeignKey(
        AffinitySet, null=True, blank=True, on_delete=models.SET_NULL, related_name="machines"
    )
    stored_on = models.ForeignKey(
        LibraryShare,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="stored_machines",
    )
    owner_name = models.CharField(max_length=320, blank=True, default="")
    name = models.CharField(max_length=64)
    computer_name = models.CharField(max_length=63)
    description = models.TextField(blank=True, default="")
    tag = models.CharField(max_length=255, blank=True, default="")
    cost_center = models.CharField(max_length=64, blank=True, default="")
    request_key = models.CharField(max_length=100, null=True, blank=True, unique=True)
    cores = models.PositiveSmallIntegerField()
    memory_mb = models.PositiveIntegerField()
    storage_gb = models.PositiveIntegerField()
    points = models.PositiveIntegerField(default=1)
    is_dynamic_memory = models.BooleanField(default=False)
    is_highly_available = models.BooleanField(default=False)
    os_name = models.CharField(max_length=200, blank=True, default="")
    os_type = models.CharField(max_length=10, choices=OSType.choices, default=OSType.OTHER)
    generation = models.PositiveSmallIntegerField(default=2)
    status = models.CharField(
        max_length=24, choices=MachineStatus.choices, default=MachineStatus.UNDER_CREATION
    )
    start_action = models.CharField(
        max_length=40, choices=StartAction.choices, default=StartAction.NEVER
    )
    stop_action = models.CharField(
        max_length=40, choices=StopAction.choices, default=StopAction.SAVE
    )
    hypervisor_id = models.UUIDField(null=True, blank=True)
    most_recent_job_id = models.UUIDField(null=True, blank=True)
    failed_job_id = models.UUIDField(null=True, blank=True)
    last_restored_id = models.UUIDField(null=True, blank=True)
    deployment_error = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    modified_at = models.DateTimeField(default=timezone.now)

    objects = VirtualMachineQuerySet.as_manager()

    class Meta:
        indexes = [
            # Usage is summed from these alone.
            models.Index(
                fields=["role", "cloud"],
                include=["owner_name", "cores", "memory_mb", "storage_gb", "points"],
                name="vmm_vm_role_usage",
            ),
            models.Index(
                fields=["cloud"],
                include=["cores", "memory_mb", "storage_gb", "points"],
                name="vmm_vm_cloud_usage",
            ),
            # Names of a pattern are counted by what they begin with, in any collation.
            models.Index(
                fields=["cloud", "computer_name"],
                opclasses=["uuid_ops", "varchar_pattern_ops"],
                name="vmm_vm_computer_name",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def status_string(self) -> str:
        """Return the status in words (StatusString)."""
        return status_string(self.status)

    @property
    def machine_state(self) -> str:
        """Return the power alone (VirtualMachineState)."""
        return machine_state(self.status)
