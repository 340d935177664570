"""Checkpoints of machines: made, renamed, brought back to, removed."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.utils import timezone

from fabric.odata.errors import BadRequest
from fabric.spf.schema import Create, Join, Resource, Row, Table, Update, Written, names
from fabric.spf.scope import Scope
from fabric.spf.sets import named
from fabric.spf.sets.columns import plain, stamp
from fabric.spf.sets.recording import record
from fabric.spf.sets.repeats import Made, once
from fabric.vmm.actions import checkpoints
from fabric.vmm.models import Checkpoint, Job
from fabric.vmm.roles import Caller

# One page of the documentation has the second name.
_RESTORE = ("restore", "set")


def _checkpoints(scope: Scope) -> QuerySet[Any]:
    """Also those still being made: the answer that announces one says where it is."""
    assert scope.caller is not None
    return (
        Checkpoint.objects.visible_to(scope.caller)
        .filter(machine__server__in=scope.servers)
        .annotate(of_server=F("machine__server"))
        .order_by("machine", "created_at")
    )


def _checkpoint(scope: Scope, checkpoint: Any) -> Row:
    return {
        "ID": checkpoint.pk,
        "StampId": scope.stamp_of(checkpoint.of_server),
        "VMId": checkpoint.machine_id,
        "ParentCheckpointID": checkpoint.parent_id,
        "Name": checkpoint.name,
        "Description": checkpoint.description,
        "Accessibility": "Public",
        "AddedTime": checkpoint.created_at,
        "Enabled": True,
        "ModifiedTime": checkpoint.created_at,
    }


def _create(scope: Scope, body: Row) -> Written:
    machine = named.machine(scope, body)
    name = body.get("Name") or f"{machine.name[:70]} - ({timezone.now():%Y-%m-%d %H.%M.%S})"

    def act(caller: Caller) -> Made:
        made, job = checkpoints.create(
            caller, machine, name=name, description=body.get("Description") or ""
        )
        return _checkpoints(scope).get(pk=made.pk), job

    return once(scope, "VMCheckPoints", body, act, lambda job: _of_job(scope, job))


def _of_job(scope: Scope, job: Job) -> Any:
    return _checkpoints(scope).filter(pk=job.inputs["checkpoint"]).first()


def _update(scope: Scope, checkpoint: Any, body: Row) -> UUID | None:
    """Bring the machine back to it, else call it something else."""
    assert scope.caller is not None
    action = body.get("VMCheckPointAction")
    if action:
        if action.lower() not in _RESTORE:
            raise BadRequest(f"There is no VMCheckPointAction {action!r}: it is Restore.")
        return checkpoints.restore(scope.caller, checkpoint).pk
    changes = {
        keyword: body[name]
        for name, keyword in (("Name", "name"), ("Description", "description"))
        if name in body and body[name] != getattr(checkpoint, keyword)
    }
    if not changes:
        return None
    checkpoints.rename(scope.caller, checkpoint, **changes)
    return record(scope, checkpoint.machine, "Set-SCVMCheckpoint", "Change checkpoint")


def _delete(scope: Scope, checkpoint: Any) -> UUID:
    assert scope.caller is not None
    return checkpoints.remove(scope.caller, checkpoint).pk


SETS = (
    Resource(
        name="VMCheckPoints",
        sources=(
            Table(
                _checkpoints,
                _checkpoint,
                plain(
                    ID="pk",
                    VMId="machine",
                    Name="name",
                    Description="description",
                    ParentCheckpointID="parent",
                    AddedTime="created_at",
                    ModifiedTime="created_at",
                )
                | {"StampId": stamp("machine__server")},
            ),
        ),
        joins={"ParentCheckPoint": Join("ParentCheckpointID", "ID")},
        only_sent=names("Confirm RunAsynchronously VMCheckPointAction"),
        create=Create(
            _create,
            takes=names("StampId VMId Name Description"),
            requires=("StampId", "VMId"),
        ),
        update=Update(_update, takes=names("Name Description VMCheckPointAction")),
        delete=_delete,
    ),
)
