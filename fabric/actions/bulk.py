"""One command for many machines: each in its own transaction, each with its own answer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from fabric.actions import configuring, machines, power
from fabric.models import Job, Machine
from fabric.states import Verb
from tenants.errors import Refused
from tenants.models import User

VERBS = (Verb.START, Verb.STOP, Verb.SHUTDOWN, Verb.RESTART, Verb.DELETE)
MOST = 200


@dataclass(frozen=True)
class Outcome:
    """What came of one machine: a job (none where it was over at once), or why it was refused."""

    machine: Machine
    job: Job | None = None
    refused: str = ""


Note = Callable[[Outcome], None]


def many(
    *,
    by: User,
    machines: Collection[Machine],
    verb: str,
    parent: Job | None = None,
    note: Note | None = None,
) -> list[Outcome]:
    """Ask for a command on each machine. `note` hears of each in the transaction of its act."""
    if verb not in VERBS:
        raise Refused(_("There is no such command."))
    return _each(machines, lambda machine: _ask(by, machine, verb, parent), note)


def tag_many(
    *,
    by: User,
    machines: Collection[Machine],
    add: Iterable[str] = (),
    remove: Iterable[str] = (),
    note: Note | None = None,
) -> list[Outcome]:
    """Add tags to each machine, and take others off."""
    more, less = list(add), list(remove)

    def change(machine: Machine) -> None:
        configuring.retag(by=by, machine=machine, add=more, remove=less)

    return _each(machines, change, note)


def _ask(by: User, machine: Machine, verb: str, parent: Job | None) -> Job:
    if verb == Verb.DELETE:
        return machines.delete(by=by, machine=machine, parent=parent)
    return power.operate(by=by, machine=machine, verb=verb, parent=parent)


def _each(
    found: Collection[Machine], act: Callable[[Machine], Job | None], note: Note | None
) -> list[Outcome]:
    if len(found) > MOST:
        raise Refused(_("At most %(n)d machines at once.") % {"n": MOST})
    outcomes = {}
    # In the order in which everybody locks several: all this may be in one transaction.
    for machine in sorted(found, key=lambda each: each.pk):
        with transaction.atomic():
            outcomes[machine.pk] = outcome = _tried(machine, act)
            if note is not None:
                note(outcome)
    return [outcomes[machine.pk] for machine in found]


def _tried(machine: Machine, act: Callable[[Machine], Job | None]) -> Outcome:
    try:
        return Outcome(machine, job=act(machine))
    except Refused as refusal:
        return Outcome(machine, refused=refusal.message)
