"""VMM's jobs: what it is doing, or did, to a machine."""

from __future__ import annotations

from typing import Any, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from fabric.durable.models import JobRow
from fabric.vmm.models.host import Host
from fabric.vmm.models.machine import VirtualMachine
from fabric.vmm.models.server import Server
from fabric.vmm.models.template import VMTemplate
from fabric.vmm.models.userrole import ResourceKind, RoleResource, UserRole, sight_of
from fabric.vmm.models.visible import ScopedQuerySet


class JobQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the jobs on the machines the role sees, those since removed included."""
        seen = Q(role__in=sight_of(role))
        if role.sees_chosen:
            granted = RoleResource.objects.filter(role=role.pk, kind=ResourceKind.MACHINE)
            seen |= Q(subject__in=granted.values("resource_id"))
        return self.filter(seen)

    def of_fabric(self, role: Any) -> Self:
        """Return all jobs, or of a role with host groups those of its part and its members' own.

        Its part are its hosts, the machines it sees, and templates, which every such role sees.
        """
        if not role.host_groups.exists():
            return self.all()
        members = [member.lower() for member in role.members if member]
        return self.alias(asked_by=Lower("owner_name")).filter(
            Q(host__group__in=role.group_ids())
            | Q(subject__in=VirtualMachine.objects.of_fabric(role).values("pk"))
            | Q(target_type="VMTemplate")
            | Q(asked_by__in=members)
        )


class Job(JobRow):
    """A durable job; `subject` is the machine it works on, which may be gone by now.

    `host` is where it works. A heavy job `holds_slot` of its host until it ends; one that waits
    for a slot stands in line since `queued_at`. The same `request_key` again is the same job.
    """

    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="jobs")
    role = models.ForeignKey(
        UserRole, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    host = models.ForeignKey(
        Host, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    template = models.ForeignKey(
        VMTemplate, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    holds_slot = models.BooleanField(default=False)
    queued_at = models.DateTimeField(null=True, blank=True)
    owner_name = models.CharField(max_length=320, blank=True, default="")
    cmdlet = models.CharField(max_length=60)
    target_type = models.CharField(max_length=30, default="VM")
    target_name = models.CharField(max_length=255)
    request_key = models.CharField(max_length=120, null=True, blank=True)

    objects = JobQuerySet.as_manager()

    class Meta(JobRow.Meta):
        indexes = [
            *JobRow.Meta.indexes,
            models.Index(fields=["role", "-created_at"], name="vmm_job_role"),
            models.Index(fields=["server", "-created_at"], name="vmm_job_latest"),
            models.Index(fields=["host", "-created_at"], name="vmm_job_host"),
            models.Index(
                fields=["turn"], condition=Q(queued_at__isnull=False), name="vmm_job_queue"
            ),
            models.Index(
                fields=["lane", "turn"],
                condition=Q(queued_at__isnull=False),
                name="vmm_job_queue_lane",
            ),
            models.Index(fields=["turn"], condition=Q(holds_slot=True), name="vmm_job_holding"),
            # Expected times are read from these alone.
            models.Index(
                fields=["template", "-ended_at"],
                include=["host", "started_at"],
                condition=Q(state="succeeded"),
                name="vmm_job_times",
            ),
        ]
        constraints = [
            *JobRow.Meta.constraints,
            models.UniqueConstraint(
                fields=["request_key"],
                condition=Q(request_key__isnull=False),
                name="vmm_job_request_key",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.target_name})"

    def own_lane(self) -> str:
        """Return the tenant's role it is for; the operators stand in one line."""
        return str(self.role.tenant_id) if self.role is not None else "operators"

    @property
    def target_id(self) -> Any:
        """Return the id of the machine (TargetObjectID)."""
        return self.subject
