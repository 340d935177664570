"""The DVD drive: insert an image of the library, eject it."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.actions import changing, held
from fabric.errors import NotPossible
from fabric.models import Job, Machine, Media
from fabric.providers.changes import EjectMedia, InsertMedia
from fabric.states import Verb
from tenants.errors import NotPermitted
from tenants.models import User


@transaction.atomic
def insert(*, by: User, machine: Machine, media: Media) -> Job:
    """Put an image into the drive; one that is in is taken out."""
    row = held.held(machine, Verb.MEDIA, by)
    _require_no_rescue(row)
    require_held(row, media)
    return changing.begin(
        row,
        InsertMedia,
        by=by,
        verb=Verb.MEDIA,
        action="machine.media.insert",
        title=gettext_noop("Insert an image into %(name)s"),
        doing=gettext_noop("Inserting an image…"),
        values={"media_id": str(media.pk)},
        told={"media": media.name},
    )


@transaction.atomic
def eject(*, by: User, machine: Machine) -> Job:
    """Take out what is in the drive."""
    row = held.held(machine, Verb.MEDIA, by)
    _require_no_rescue(row)
    if row.devices_synced_at is not None and row.media_id is None:
        raise NotPossible(_("Its drive is empty."))
    return changing.begin(
        row,
        EjectMedia,
        by=by,
        verb=Verb.MEDIA,
        action="machine.media.eject",
        title=gettext_noop("Eject the image from %(name)s"),
        doing=gettext_noop("Ejecting the image…"),
        values={},
        told={"media": row.media.name if row.media else ""},
    )


def require_held(machine: Machine, media: Media) -> None:
    """Raise NotPermitted unless the plan holds the image and it is there."""
    if not machine.subscription.plan.offering.media.present().filter(pk=media.pk).exists():
        raise NotPermitted(_("Your plan does not hold this image."), field="media")


def _require_no_rescue(machine: Machine) -> None:
    if machine.rescued_at is not None:
        raise NotPossible(_("It is in rescue: end that first."))
