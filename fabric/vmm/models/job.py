"""VMM's jobs: what it is doing, or did, to a machine."""

from __future__ import annotations

from typing import Any, Self

from django.db import models

from fabric.durable.models import JobRow
from fabric.vmm.models.server import Server
from fabric.vmm.models.userrole import UserRole
from fabric.vmm.models.visible import ScopedQuerySet


class JobQuerySet(ScopedQuerySet):
    def of_role(self, role: Any) -> Self:
        """Return the jobs on the role's machines, those since removed included."""
        return self.filter(role=role)


class Job(JobRow):
    """A durable job; `subject` is the machine it works on, which may be gone by now."""

    server = models.ForeignKey(Server, on_delete=models.PROTECT, related_name="jobs")
    role = models.ForeignKey(
        UserRole, null=True, blank=True, on_delete=models.SET_NULL, related_name="jobs"
    )
    owner_name = models.CharField(max_length=320, blank=True, default="")
    cmdlet = models.CharField(max_length=60)
    target_type = models.CharField(max_length=30, default="VM")
    target_name = models.CharField(max_length=100)

    objects = JobQuerySet.as_manager()

    class Meta(JobRow.Meta):
        indexes = [
            *JobRow.Meta.indexes,
            models.Index(fields=["role", "-created_at"], name="vmm_job_role"),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.target_name})"

    @property
    def target_id(self) -> Any:
        """Return the id of the machine (TargetObjectID)."""
        return self.subject
