"""Start, shut down, stop, restart, reset, pause, resume, save."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from fabric.actions import held
from fabric.jobs.operate import OPERATE
from fabric.jobs.restart import RESTART
from fabric.models import Job, Machine
from fabric.states import POWER, Verb
from tenants.errors import Refused
from tenants.models import User

# verb: (what the job is called, what the machine shows meanwhile)
WORDS = {
    Verb.START: (gettext_noop("Start %(name)s"), gettext_noop("Starting…")),
    Verb.SHUTDOWN: (gettext_noop("Shut down %(name)s"), gettext_noop("Shutting down…")),
    Verb.STOP: (gettext_noop("Stop %(name)s"), gettext_noop("Stopping…")),
    Verb.RESTART: (gettext_noop("Restart %(name)s"), gettext_noop("Restarting…")),
    Verb.RESET: (gettext_noop("Reset %(name)s"), gettext_noop("Resetting…")),
    Verb.PAUSE: (gettext_noop("Pause %(name)s"), gettext_noop("Pausing…")),
    Verb.RESUME: (gettext_noop("Resume %(name)s"), gettext_noop("Resuming…")),
    Verb.SAVE: (gettext_noop("Save %(name)s"), gettext_noop("Saving…")),
}


@transaction.atomic
def operate(*, by: User | None, machine: Machine, verb: str, parent: Job | None = None) -> Job:
    """Ask for one of the power commands. Locks the machine.

    Restart shuts the guest down and starts it again; reset pulls the plug for a moment.
    """
    if verb not in POWER:
        raise Refused(_("There is no such command."))
    verb = Verb(verb)
    machine = held.held(machine, verb, by)
    title, doing = WORDS[verb]
    return held.begin(
        machine,
        by=by,
        recipe=RESTART if verb == Verb.RESTART else OPERATE,
        action=f"machine.{verb}",
        title=title,
        inputs={"verb": verb.value},
        doing=doing,
        parent=parent,
    )
