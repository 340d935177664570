"""VMM's jobs and, our own addition, their steps."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from fabric.durable.states import FINAL, JobState, StepState
from fabric.odata.literals import Value
from fabric.spf.schema import Column, Computed, Join, Resource, Row, Table, Update, Wanted, names
from fabric.spf.scope import Scope
from fabric.spf.sets.columns import guids, plain, stamp
from fabric.spf.sets.errorinfo import SUCCESS, error_info
from fabric.vmm.actions import jobs
from fabric.vmm.models import Job

# State of a job: Status and StatusString.
STATUS: dict[str, tuple[str, str]] = {
    JobState.WAITING: ("NotStarted", "Not Started"),
    JobState.RUNNING: ("Running", "Running"),
    JobState.SUCCEEDED: ("Completed", "Completed"),
    JobState.FAILED: ("Failed", "Failed"),
    JobState.CANCELLED: ("Canceled", "Canceled"),
}
STEP_STATUS: dict[str, tuple[str, str]] = {
    StepState.PENDING: ("NotStarted", "Not Started"),
    StepState.RUNNING: ("Running", "Running"),
    StepState.DONE: ("Completed", "Completed"),
    StepState.FAILED: ("Failed", "Failed"),
}
_KINDS = {
    "VM": "Virtual Machine",
    "VMNetwork": "VM Network",
    "VMSubnet": "VM Subnet",
    "AddressPool": "Static IP Address Pool",
    "VMTemplate": "VM Template",
    "HardwareProfile": "Hardware Profile",
    "RunAsAccount": "Run As Account",
}


def _jobs(scope: Scope) -> QuerySet[Any]:
    assert scope.caller is not None
    return Job.objects.visible_to(scope.caller).filter(server__in=scope.servers)


def _job(scope: Scope, job: Job) -> Row:
    status, words = STATUS[job.state]
    failed = job.state == JobState.FAILED
    return {
        "ID": job.pk,
        "StampId": scope.stamp_of(job.server_id),
        "Name": job.title,
        "AreAuditRecordsAvailable": False,
        "CmdletName": job.cmdlet,
        "Description": {
            "CanSkipLastFailedStep": False,
            "Code": job.recipe,
            "DescriptionCodeString": job.recipe,
            "IsRestartable": True,
            "IsStoppable": not job.is_final,
            "Name": job.title,
            "RequiresCredentialsForRestart": False,
        },
        "EndTime": job.ended_at,
        "ErrorInfo": error_info(job.fault or {"message": job.message}) if failed else SUCCESS,
        "IsCompleted": job.is_final,
        "IsRestartable": failed,
        "IsStoppable": not job.is_final,
        "IsVisible": True,
        "Owner": job.owner_name,
        "Progress": f"{job.percent} %",
        "ProgressValue": job.percent,
        "ResultName": job.target_name,
        "ResultObjectID": job.target_id,
        "ResultObjectType": job.target_type,
        "ResultObjectTypeName": _KINDS.get(job.target_type, job.target_type),
        "Source": "",
        "StartTime": job.started_at or job.created_at,
        "Status": status,
        "StatusString": words,
        "StepsLoaded": False,
        "Target": "",
        "TargetObjectID": job.target_id,
        "TargetObjectType": job.target_type,
        "WasNotifiedOfCancel": job.cancel_requested_at is not None,
    }


def _states(scope: Scope, value: Value) -> Iterable[str]:
    return [state for state, (status, _) in STATUS.items() if status == value]


def _ended(scope: Scope, value: Value) -> Iterable[str]:
    return [state for state in STATUS if (state in FINAL) is value]


def _steps(scope: Scope, wanted: Wanted) -> Iterable[Row]:
    assert scope.caller is not None
    for job in _jobs(scope).filter(pk__in=guids(wanted, "JobId") or ()):
        for number, step in enumerate(job.steps, start=1):
            status, words = STEP_STATUS[step["state"]]
            yield {
                "JobId": job.pk,
                "Number": number,
                "StampId": scope.stamp_of(job.server_id),
                "Name": step["title"],
                "Attempt": step.get("attempt") or 0,
                "EndTime": _moment(step.get("ended_at")),
                "HostName": (step.get("host") or None) if scope.caller.is_unbound else None,
                "Message": step.get("message") or "",
                "ProgressValue": 100 if step["state"] == StepState.DONE else step.get("percent", 0),
                "StartTime": _moment(step.get("started_at")),
                "Status": status,
                "StatusString": words,
            }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _restart(scope: Scope, job: Job, body: Row) -> UUID:
    """PUT restarts a failed job from the step it failed in; there is no other change of a job."""
    assert scope.caller is not None
    return jobs.restart(scope.caller, job).pk


SETS = (
    Resource(
        name="Jobs",
        sources=(
            Table(
                _jobs,
                _job,
                plain(
                    ID="pk",
                    Name="title",
                    CmdletName="cmdlet",
                    TargetObjectID="subject",
                    ResultObjectID="subject",
                    EndTime="ended_at",
                    Owner="owner_name",
                    ProgressValue="percent",
                    ResultName="target_name",
                    ResultObjectType="target_type",
                    TargetObjectType="target_type",
                )
                | {
                    "StampId": stamp(),
                    "Status": Column("state", _states),
                    "IsCompleted": Column("state", _ended),
                },
            ),
        ),
        joins={"Steps": Join("ID", "JobId")},
        only_sent=names("UserName Password SkipLastFailedStep"),
        update=Update(_restart, takes=names("UserName Password SkipLastFailedStep")),
    ),
    Resource(name="JobSteps", sources=(Computed(_steps),), needs=("JobId",)),
)
