"""Long work as the interface tells of it: one operation a job."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.urls import reverse
from rest_framework import serializers

from fabric.durable.states import JobState
from fabric.models import Job
from portal.api.frame.answer import Answer
from portal.api.frame.caller import Caller
from portal.api.frame.fields import Shape
from portal.api.frame.formats import moment

COLUMNS = (
    "id",
    "recipe",
    "title",
    "state",
    "percent",
    "remote__percent",
    "message",
    "fault",
    "machine_id",
    "subscription_id",
    "parent_id",
    "actor_email",
    "cancel_requested_at",
    "created_at",
    "started_at",
    "ended_at",
)


class StepShape(Shape):
    """A step of an operation."""

    title = serializers.CharField()
    state = serializers.CharField(help_text="pending, running, done, failed; or VMM's own word.")
    percent = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class FailureShape(Shape):
    """Why an operation failed."""

    code = serializers.CharField()
    message = serializers.CharField()
    advice = serializers.CharField()


class WorkShape(Shape):
    """Long work, as lists show it."""

    id = serializers.UUIDField()
    url = serializers.CharField()
    kind = serializers.CharField(help_text="machine.deploy, machine.operate, …")
    title = serializers.CharField()
    state = serializers.ChoiceField(choices=list(JobState.values))
    percent = serializers.IntegerField()
    message = serializers.CharField()
    failure = FailureShape(allow_null=True)
    machine = serializers.UUIDField(allow_null=True)
    subscription = serializers.UUIDField()
    parent = serializers.UUIDField(allow_null=True, help_text="The operation that began it.")
    by = serializers.CharField()
    cancel_requested = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class OperationShape(WorkShape):
    """Long work: where it stands, step by step."""

    place = serializers.IntegerField(
        allow_null=True, help_text="Its place in the line; null once it has begun."
    )
    steps = StepShape(many=True)


def url_of(job_id: object) -> str:
    return reverse("api-operation", args=[job_id])


def row(job: Mapping[str, Any]) -> dict[str, Any]:
    """Return the operation of a job's columns."""
    percent = job["percent"]
    if job["state"] in (JobState.WAITING, JobState.RUNNING):
        percent = int(job["remote__percent"] or 0) or percent
    fault = job["fault"]
    return {
        "id": job["id"],
        "url": url_of(job["id"]),
        "kind": job["recipe"],
        "title": job["title"],
        "state": job["state"],
        "percent": percent,
        "message": job["message"],
        "failure": {name: str(fault.get(name, "")) for name in ("code", "message", "advice")}
        if fault
        else None,
        "machine": job["machine_id"],
        "subscription": job["subscription_id"],
        "parent": job["parent_id"],
        "by": job["actor_email"],
        "cancel_requested": job["cancel_requested_at"] is not None,
        "created_at": moment(job["created_at"]),
        "started_at": moment(job["started_at"]),
        "ended_at": moment(job["ended_at"]),
    }


def whole(job: Job) -> dict[str, Any]:
    """Return the operation of a job with its steps. One query while it stands in the line."""
    columns = {name: getattr(job, name) for name in COLUMNS if name != "remote__percent"}
    columns["remote__percent"] = (job.remote or {}).get("percent")
    return row(columns) | {"place": job.place, "steps": [_step(step) for step in job.shown_steps]}


def told(caller: Caller, job_id: uuid.UUID | str) -> dict[str, Any] | None:
    """Return an operation as it stands now, None when it is gone with what it was about."""
    job = caller.jobs().filter(pk=job_id).first()
    return whole(job) if job else None


def begun(job: Job, **more: Any) -> Answer:
    """Return the answer to an act that began long work."""
    return Answer(lambda: whole(job) | more, 202, {"Location": url_of(job.pk)}, job=job.pk)


def _step(step: Mapping[str, Any]) -> dict[str, Any]:
    percent = step.get("percent")
    return {
        "title": str(step.get("title", "")),
        "state": str(step.get("state", "")),
        "percent": int(percent) if percent is not None else None,
        "message": str(step.get("message") or ""),
        "started_at": step.get("started_at"),
        "ended_at": step.get("ended_at"),
    }
