"""Checkpoints of a machine: made, restored, renamed, removed; machines made from them."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from rest_framework import serializers

from fabric.actions import checkpoints, copies
from fabric.models import Checkpoint, Job, Machine
from fabric.states import Verb
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Shape, Text
from portal.api.frame.formats import moment
from portal.api.machines import OfMachine

COLUMNS = ("id", "machine_id", "parent_id", "name", "description", "created_at", "is_current")


class CheckpointShape(Shape):
    """A checkpoint in its machine's tree. The current one is where the machine was last."""

    id = serializers.UUIDField()
    machine = serializers.UUIDField()
    parent = serializers.UUIDField(allow_null=True)
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField(allow_null=True)
    is_current = serializers.BooleanField()


class CheckpointsShape(Shape):
    results = CheckpointShape(many=True)


class NewCheckpoint(Given):
    name = Text(required=False, default="", allow_blank=True, max_length=64)
    description = Text(required=False, default="", allow_blank=True, max_length=2000)


class CheckpointChange(Given):
    name = Text(required=False, max_length=64)
    description = Text(required=False, allow_blank=True, max_length=2000)


class CopyName(Given):
    name = Text(max_length=63, help_text="The new machine's.")


def checkpoint(row: dict[str, Any]) -> dict[str, Any]:
    """Return a checkpoint of its columns."""
    return {
        "id": row["id"],
        "machine": row["machine_id"],
        "parent": row["parent_id"],
        "name": row["name"],
        "description": row["description"],
        "created_at": moment(row["created_at"]),
        "is_current": row["is_current"],
    }


class Checkpoints(OfMachine):
    tag = "Checkpoints"

    def columns(self) -> Any:
        return list(self.machine.checkpoints.values(*COLUMNS))

    @answers("List checkpoints of a machine", gives=CheckpointsShape, etag=True)
    def get(self) -> Answer:
        rows = self.columns()
        return Answer(lambda: {"results": [checkpoint(row) for row in rows]}, columns=rows)

    @answers(
        "Create a checkpoint",
        takes=NewCheckpoint,
        gives=work.OperationShape,
        status=202,
        verb=Verb.CHECKPOINT,
        example={"name": "before the upgrade"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        return work.begun(
            checkpoints.create(
                by=self.caller.user,
                machine=self.machine,
                name=given["name"],
                description=given["description"],
                request_key=str(uuid.uuid4()),
            )
        )


class OfCheckpoint(Endpoint):
    tag = "Checkpoints"
    checkpoint: Checkpoint

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = Checkpoint.objects.filter(machine__in=self.caller.machines(), pk=pk)
        self.checkpoint = get_object_or_404(
            rows.select_related(
                "machine__subscription__tenant", "machine__subscription__plan__offering"
            )
        )

    def held(self) -> Machine:
        return self.checkpoint.machine

    def columns(self) -> Any:
        return Checkpoint.objects.filter(pk=self.checkpoint.pk).values(*COLUMNS).first()


class OneCheckpoint(OfCheckpoint):
    @answers("Show a checkpoint", gives=CheckpointShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: checkpoint(row), columns=row)

    @answers(
        "Rename a checkpoint",
        takes=CheckpointChange,
        gives=work.OperationShape,
        status=202,
        verb=Verb.CHECKPOINT,
        example={"name": "before version 3"},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        return work.begun(
            checkpoints.rename(
                by=self.caller.user,
                checkpoint=self.checkpoint,
                name=given.get("name", self.checkpoint.name),
                description=given.get("description", self.checkpoint.description),
            )
        )

    @answers(
        "Remove a checkpoint",
        gives=work.OperationShape,
        status=202,
        verb=Verb.CHECKPOINT,
    )
    def delete(self) -> Answer:
        """Its children become its parent's."""
        return work.begun(checkpoints.remove(by=self.caller.user, checkpoint=self.checkpoint))


class RestoreCheckpoint(OfCheckpoint):
    @answers("Restore a checkpoint", gives=work.OperationShape, status=202, verb=Verb.RESTORE)
    def post(self) -> Answer:
        """What the machine became since is lost unless another checkpoint holds it."""
        return work.begun(checkpoints.restore(by=self.caller.user, checkpoint=self.checkpoint))


class CopyCheckpoint(OfCheckpoint):
    @answers(
        "Create a machine from a checkpoint",
        takes=CopyName,
        gives=work.OperationShape,
        status=202,
        scope="Create",
        refuses=["quota_exceeded"],
        example={"name": "web-01-copy"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        made = copies.from_checkpoint(
            by=self.caller.user,
            checkpoint=self.checkpoint,
            name=given["name"],
            request_key=str(uuid.uuid4()),
        )
        return work.begun(Job.objects.filter(subject=made.pk).latest("created_at"))
