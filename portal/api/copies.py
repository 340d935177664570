"""A machine copied, stored, rebuilt, rescued; what lies in its DVD drive."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from fabric.actions import copies, media
from fabric.models import Job, Media
from fabric.states import Verb
from portal.api.checkpoints import CopyName
from portal.api.frame import work
from portal.api.frame.answer import Answer
from portal.api.frame.endpoint import answers
from portal.api.frame.fields import Given, Id, at
from portal.api.machine_orders import GuestGiven, guest_of, pointing
from portal.api.machines import OfMachine


class RebuildGiven(Given):
    template = Id()
    guest = GuestGiven(required=False)


class MediaGiven(Given):
    media = Id()


class OfCopies(OfMachine):
    tag = "Machine commands"

    def image(self, pk: uuid.UUID) -> Media:
        """Return an image that the machine's plan holds."""
        offered = self.machine.subscription.plan.offering.media.present()
        found: Media | None = offered.filter(pk=pk).first()
        if found is None:
            raise at("media", _("Your plan holds no such image."))
        return found


class Clone(OfCopies):
    @answers(
        "Clone a machine",
        takes=CopyName,
        gives=work.OperationShape,
        status=202,
        verb=Verb.CLONE,
        refuses=["quota_exceeded"],
        example={"name": "web-02"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """One that is stopped."""
        made = copies.clone(
            by=self.caller.user,
            machine=self.machine,
            name=given["name"],
            request_key=str(uuid.uuid4()),
        )
        return work.begun(Job.objects.filter(subject=made.pk).latest("created_at"))


class Store(OfCopies):
    @answers(
        "Store a machine in the library", gives=work.OperationShape, status=202, verb=Verb.STORE
    )
    def post(self) -> Answer:
        """One that is stopped: it leaves its host."""
        return work.begun(copies.store(by=self.caller.user, machine=self.machine))


class DeployStored(OfCopies):
    @answers(
        "Bring a machine back from the library",
        gives=work.OperationShape,
        status=202,
        verb=Verb.DEPLOY_STORED,
    )
    def post(self) -> Answer:
        return work.begun(copies.deploy_stored(by=self.caller.user, machine=self.machine))


class Rebuild(OfCopies):
    @answers(
        "Rebuild a machine",
        takes=RebuildGiven,
        gives=work.OperationShape,
        status=202,
        verb=Verb.REBUILD,
        refuses=["quota_exceeded"],
        example={"template": "0f2f6a7e-…", "guest": {"ssh_keys": ["ssh-ed25519 AAAA…"]}},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """Fresh disks of a template; name and addresses stay. What is on its disks is lost."""
        offered = self.machine.subscription.plan.offering.templates.present()
        template = offered.filter(pk=given["template"]).first()
        if template is None:
            raise at("template", _("Your plan holds no such template."))
        with pointing():
            job = copies.rebuild(
                by=self.caller.user,
                machine=self.machine,
                template=template,
                guest=guest_of(given.get("guest") or {}),
                request_key=str(uuid.uuid4()),
            )
        return work.begun(job)


class Rescue(OfCopies):
    @answers(
        "Rescue a machine",
        takes=MediaGiven,
        gives=work.OperationShape,
        status=202,
        verb=Verb.RESCUE,
        example={"media": "e1f0…"},
    )
    def post(self, given: dict[str, Any]) -> Answer:
        """It starts from an image; its disks stay as they are."""
        found = self.image(given["media"])
        return work.begun(copies.rescue(by=self.caller.user, machine=self.machine, media=found))


class EndRescue(OfCopies):
    @answers(
        "End the rescue of a machine",
        gives=work.OperationShape,
        status=202,
        verb=Verb.END_RESCUE,
    )
    def post(self) -> Answer:
        return work.begun(copies.end_rescue(by=self.caller.user, machine=self.machine))


class Drive(OfCopies):
    tag = "Machines"

    @answers(
        "Insert an image",
        takes=MediaGiven,
        gives=work.OperationShape,
        status=202,
        verb=Verb.MEDIA,
        example={"media": "e1f0…"},
    )
    def put(self, given: dict[str, Any]) -> Answer:
        """Into the DVD drive; one that is in is taken out."""
        found = self.image(given["media"])
        return work.begun(media.insert(by=self.caller.user, machine=self.machine, media=found))

    @answers("Eject the image", gives=work.OperationShape, status=202, verb=Verb.MEDIA)
    def delete(self) -> Answer:
        return work.begun(media.eject(by=self.caller.user, machine=self.machine))
