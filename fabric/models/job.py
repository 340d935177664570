"""Jobs of the service plane: what the portal is doing about a machine or a subscription."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils.translation import gettext as _

from fabric.durable.models import JobRow
from fabric.models.machine import Machine
from fabric.models.schedule import Group
from fabric.models.stamp import Stamp
from plans.models import Subscription
from tenants.models import User


class JobQuerySet(models.QuerySet["Job"]):
    def visible_to(self, user: User) -> JobQuerySet:
        """Return the jobs of a person's tenants, those on machines they may not see excepted.

        A run of several machines names all of them: it is for whoever sees every one, or asked.
        """
        if user.whole_tenant_ids is not None:
            return self.filter(subscription__tenant__in=user.whole_tenant_ids)
        seen = Machine.objects.granted_to(user)
        all_theirs = user.memberships.filter(all_machines=True).values("tenant")
        run = (
            ~models.Q(recipe="group.run")
            | models.Q(subscription__tenant__in=all_theirs)
            | models.Q(actor_email=user.email)
            | models.Q(subject__in=Group.objects.visible_to(user).values("pk"))
        )
        return self.filter(subscription__tenant__memberships__user=user).filter(
            models.Q(machine__in=seen) | models.Q(machine=None) & run
        )


class Job(JobRow):
    """`remote` is what the stamp last told of its own job, written by the watch only:
    status, completed, succeeded, percent, steps (title, state, percent, times), problem, advice.
    `remote_ref` is the VMM job's id. `acts_as` is the VMM role its calls are made in when it is
    not the subscription's own. `parent` is the job that began it.
    """

    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE, related_name="jobs")
    machine = models.ForeignKey(
        Machine, null=True, blank=True, on_delete=models.CASCADE, related_name="jobs"
    )
    stamp = models.ForeignKey(Stamp, null=True, on_delete=models.SET_NULL, related_name="jobs")
    operation_id = models.UUIDField(default=uuid.uuid4)
    actor_email = models.CharField(max_length=254, blank=True, default="")
    request_key = models.CharField(max_length=64, null=True, blank=True, unique=True)
    remote = models.JSONField(default=dict)
    acts_as = models.UUIDField(null=True, blank=True)
    parent = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children"
    )

    objects = JobQuerySet.as_manager()

    class Meta(JobRow.Meta):
        indexes = [
            *JobRow.Meta.indexes,
            models.Index(
                fields=["stamp"],
                condition=models.Q(state__in=["waiting", "running"], remote_ref__isnull=False),
                name="job_watched",
            ),
            # How long the last ones took is asked by every page that shows one under way.
            models.Index(
                fields=["recipe", "-created_at"],
                condition=models.Q(state="succeeded"),
                name="job_history",
            ),
            # What ended lately is asked for by every pass over a stamp, and by who tells people.
            models.Index(fields=["ended_at"], name="job_ended"),
        ]

    def __str__(self) -> str:
        return self.title

    def own_lane(self) -> str:
        """Return the subscription it is for."""
        return str(self.subscription_id)

    @property
    def shown_title(self) -> str:
        """Return the title in the reader's language."""
        if "title" not in self.inputs:
            return _(self.title)
        text, name = self.inputs["title"]
        return _(text) % {"name": name}

    @property
    def shown_percent(self) -> int:
        """Return VMM's own percent while its job runs, ours otherwise."""
        if self.remote and not self.is_final:
            return int(self.remote.get("percent") or 0)
        return self.percent

    @property
    def shown_steps(self) -> list[dict]:
        """Return VMM's steps once it told them, the portal's own before that."""
        return list(self.remote.get("steps") or self.steps) if self.remote else list(self.steps)
