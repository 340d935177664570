"""Operations: the long work of the portal, a job each; resumed, cancelled, waited for."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import Http404
from rest_framework import serializers

from fabric.durable.states import JobState
from fabric.models import Job
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


class OneOperation(Endpoint):
    tag = "Operations"
    job: Job

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        found = self.caller.jobs().select_related("machine", "subscription__tenant").filter(pk=pk)
        job = found.first()
        if job is None:
            raise Http404
        self.job = job

    @answers("Show an operation", asks=waiting.Waited, gives=work.OperationShape, etag=True)
    def get(self) -> Answer:
        """With `wait` the answer comes when the work has ended, or the seconds are over."""
        wait = waiting.wanted(self.request, self.asked.get("wait"))
        headers = wait.for_job(self.job.pk) if wait else {}
        told = (work.told(self.caller, self.job.pk) if wait else None) or work.whole(self.job)
        return Answer(told, headers=headers, columns=told)
