"""Operations: the long work of the portal, a job each; resumed, cancelled and waited for."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import cancelling, groups, machines, subscriptions
from fabric.durable.states import JobState
from fabric.errors import NotPossible
from fabric.jobs.group import GROUP_RUN
from fabric.jobs.leave import LEAVE
from fabric.jobs.provision import PROVISION
from fabric.models import Group, Job
from portal.api.frame import paging, waiting, work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers


class OperationFilter(paging.Listed):
    state = serializers.ChoiceField(required=False, choices=list(JobState.values))
    kind = serializers.CharField(required=False, max_length=60)
    machine = serializers.UUIDField(required=False)
    subscription = serializers.UUIDField(required=False)
    parent = serializers.UUIDField(required=False)


class Operations(Endpoint):
    tag = "Operations"

    @answers("List operations", asks=OperationFilter, gives=work.WorkShape, many=True, etag=True)
    def get(self) -> Answer:
        """The newest first."""
        paths = {"kind": "recipe"}
        wanted = {
            paths.get(name, name): value
            for name, value in self.asked.items()
            if name not in ("limit", "cursor")
        }
        rows = self.caller.jobs().filter(**wanted)
        return self.listed(
            paging.page(rows, work.COLUMNS, self.asked, order="-created_at"), work.row
        )


class OfOperation(Endpoint):
    tag = "Operations"
    job: Job

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = self.caller.jobs().select_related("machine", "subscription__tenant")
        self.job = get_object_or_404(rows, pk=pk)

    def columns(self) -> Any:
        return work.told(self.caller, self.job.pk)


class OneOperation(OfOperation):
    @answers("Show an operation", asks=waiting.Waited, gives=work.OperationShape, etag=True)
    def get(self) -> Answer:
        """With `wait` the answer comes when the work has ended, or the seconds are over."""
        wait = waiting.wanted(self.request, self.asked.get("wait"))
        headers = wait.for_job(self.job.pk) if wait else {}
        told = (work.told(self.caller, self.job.pk) if wait else None) or work.whole(self.job)
        return Answer(told, headers=headers, columns=told)


class ResumeOperation(OfOperation):
    @answers("Resume an operation", gives=work.OperationShape, status=202)
    def post(self) -> Answer:
        """One that failed goes on from there. It needs the right that the work itself needs."""
        return work.begun(self._resumed())

    def _resumed(self) -> Job:
        by, job = self.caller.user, self.job
        last = Job.objects.filter(subject=job.subject).order_by("-created_at").first()
        if job.state != JobState.FAILED or last is None or last.pk != job.pk:
            raise NotPossible(_("Only the last work on something can go on, once it has failed."))
        if job.machine is not None:
            return machines.resume(by=by, machine=job.machine)
        if job.recipe == GROUP_RUN.name:
            group = Group.objects.visible_to(by).filter(pk=job.subject).first()
            if group is not None:
                return groups.resume(by=by, group=group)
        elif job.recipe == LEAVE.name:
            return subscriptions.leave(by=by, subscription=job.subscription)
        elif job.recipe == PROVISION.name:
            subscriptions.retry(by=by, subscription=job.subscription)
            return Job.objects.filter(subject=job.subject).latest("created_at")
        raise NotPossible(_("This work cannot go on: ask for it anew."))


class CancelOperation(OfOperation):
    @answers("Cancel an operation", gives=work.OperationShape)
    def post(self) -> Answer:
        """Only one that has not begun: it leaves nothing. What has begun goes on to its end."""
        cancelling.cancel(by=self.caller.user, job=self.job)
        self.load(self.job.pk)
        return Answer(work.whole(self.job))
