"""Disks of a machine: attached, enlarged, removed."""

from __future__ import annotations

import uuid
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from rest_framework import serializers

from fabric.actions import disks
from fabric.models import Disk, Machine
from fabric.states import Verb
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import Endpoint, answers
from portal.api.frame.fields import Given, Id, Shape, Text, Whole, at
from portal.api.machines import OfMachine

COLUMNS = ("id", "machine_id", "name", "size_gb", "bus_type", "bus", "lun", "is_boot")


class DiskShape(Shape):
    """A disk of a machine, and where it is attached."""

    id = serializers.UUIDField()
    machine = serializers.UUIDField()
    name = serializers.CharField()
    size_gb = serializers.IntegerField()
    bus_type = serializers.CharField()
    bus = serializers.IntegerField()
    lun = serializers.IntegerField()
    is_boot = serializers.BooleanField()


class DisksShape(Shape):
    results = DiskShape(many=True)


class NewDiskGiven(Given):
    """An empty disk of a size, or a copy of a library disk."""

    size_gb = Whole(required=False, min_value=1)
    library_disk = Id(required=False)
    name = Text(required=False, default="", allow_blank=True, max_length=64)


class DiskChange(Given):
    size_gb = Whole(min_value=1, help_text="Disks grow, they never shrink.")


def disk(row: dict[str, Any]) -> dict[str, Any]:
    """Return a disk of its columns."""
    told = {name: value for name, value in row.items() if name != "machine_id"}
    return {"id": told.pop("id"), "machine": row["machine_id"], **told}


class Disks(OfMachine):
    tag = "Disks"

    def columns(self) -> Any:
        return list(self.machine.disks.values(*COLUMNS))

    @answers("List disks of a machine", gives=DisksShape, etag=True)
    def get(self) -> Answer:
        rows = self.columns()
        return Answer(lambda: {"results": [disk(row) for row in rows]}, columns=rows)

    @answers(
        "Attach a disk",
        takes=NewDiskGiven,
        gives=work.OperationShape,
        status=202,
        verb=Verb.DISKS,
        refuses=["quota_exceeded"],
        example={"size_gb": 40, "name": "data"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        found = None
        if "library_disk" in given:
            offered = self.machine.subscription.plan.offering.library_disks.present()
            found = offered.filter(pk=given["library_disk"]).first()
            if found is None:
                raise at("library_disk", _("Your plan holds no such disk."))
        return work.begun(
            disks.attach(
                by=self.caller.user,
                machine=self.machine,
                size_gb=given.get("size_gb"),
                library_disk=found,
                name=given["name"],
                request_key=str(uuid.uuid4()),
            )
        )


class OneDisk(Endpoint):
    tag = "Disks"
    disk: Disk

    def load(self, pk: uuid.UUID, **more: Any) -> None:
        rows = Disk.objects.filter(machine__in=self.caller.machines(), pk=pk)
        self.disk = get_object_or_404(
            rows.select_related(
                "machine__subscription__tenant", "machine__subscription__plan__offering"
            )
        )

    def held(self) -> Machine:
        return self.disk.machine

    def columns(self) -> Any:
        return Disk.objects.filter(pk=self.disk.pk).values(*COLUMNS).first()

    @answers("Show a disk", gives=DiskShape, etag=True)
    def get(self) -> Answer:
        row = self.columns()
        return Answer(lambda: disk(row), columns=row)

    @answers(
        "Enlarge a disk",
        takes=DiskChange,
        gives=work.OperationShape,
        status=202,
        verb=Verb.DISKS,
        refuses=["quota_exceeded"],
        example={"size_gb": 80},
    )
    def patch(self, given: dict[str, Any]) -> Answer:
        return work.begun(disks.grow(by=self.caller.user, disk=self.disk, size_gb=given["size_gb"]))

    @answers("Remove a disk", gives=work.OperationShape, status=202, verb=Verb.DISKS)
    def delete(self) -> Answer:
        """With what is on it, for good."""
        return work.begun(disks.remove(by=self.caller.user, disk=self.disk))
