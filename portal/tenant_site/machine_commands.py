"""The commands of a machine: every one the person's role allows, and why one is impossible now."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities, rules
from fabric.actions import held
from fabric.models import Machine
from fabric.providers.abilities import CHECKPOINTS, CLONE, REBUILD
from fabric.states import POWER, MachineState, Verb, missing_for
from tenants.rights import Right

NEEDS_ABILITY = {
    Verb.CLONE: CLONE,
    Verb.REBUILD: REBUILD,
    Verb.CHECKPOINT: CHECKPOINTS,
    Verb.RESTORE: CHECKPOINTS,
}
# Verb: its icon, and the name of the page that asks more, "" for those that act at once.
LOOKS: dict[str, tuple[str, str]] = {
    Verb.START: ("play", ""),
    Verb.SHUTDOWN: ("power", ""),
    Verb.RESTART: ("rotate-cw", ""),
    Verb.STOP: ("square", ""),
    Verb.RESET: ("zap", ""),
    Verb.PAUSE: ("pause", ""),
    Verb.RESUME: ("circle-play", ""),
    Verb.SAVE: ("download", ""),
    Verb.CHECKPOINT: ("layers", "machine-checkpoint"),
    Verb.CLONE: ("copy", "machine-clone"),
    Verb.STORE: ("library", "machine-store"),
    Verb.DEPLOY_STORED: ("undo-2", "machine-bring-back"),
    Verb.REBUILD: ("refresh-cw", "machine-rebuild"),
    Verb.RESCUE: ("shield", "machine-rescue"),
    Verb.END_RESCUE: ("shield", "machine-rescue-end"),
    Verb.DELETE: ("trash-2", "machine-delete"),
}
TITLES = {
    Verb.CHECKPOINT: gettext_lazy("Create checkpoint"),
    Verb.STORE: gettext_lazy("Store in library"),
    Verb.DEPLOY_STORED: gettext_lazy("Bring back"),
    Verb.RESCUE: gettext_lazy("Rescue"),
}
# What is wanted often stands in the bar; of the others each is there when it is what comes next.
OFTEN = (Verb.START, Verb.SHUTDOWN, Verb.RESTART)
NEXT = {
    MachineState.PAUSED: Verb.RESUME,
    MachineState.STORED: Verb.DEPLOY_STORED,
}
ONLY_IN_RESCUE = (Verb.END_RESCUE,)
POSTED = (Verb.END_RESCUE,)


@dataclass(frozen=True)
class Command:
    """What components/commands.html shows. `reason` None means possible."""

    title: str
    icon: str
    url: str
    reason: str | None = None
    method: str = "post"
    tone: str = ""
    name: str = ""
    value: str = ""
    apart: bool = False
    dialog: str = ""


@dataclass(frozen=True)
class Bar:
    """`front` is in sight, `more` behind a button, each with its own reason below it."""

    front: list[Command] = field(default_factory=list)
    more: list[Command] = field(default_factory=list)

    @property
    def reasons(self) -> list[tuple[str, str]]:
        return reasons(self.front)

    @property
    def possible(self) -> list[Command]:
        """Return what can be done now, for a menu that is short; what deletes comes last."""
        found = [command for command in (*self.front, *self.more) if not command.reason]
        return sorted(found, key=lambda command: command.apart)


def forbidden(verb: str, mine: Collection[str]) -> bool:
    """Tell whether a person's role never lets them: what it would need is not shown at all."""
    return missing_for(verb, mine) is not None


def why_not(machine: Machine, verb: str, mine: Collection[str]) -> str | None:
    """Return why a person with these rights in its tenant cannot do this now, None when they can.

    The machine's `subscription__plan__offering` and `stamp__provider` are read.
    """
    lacking = missing_for(verb, mine)
    if lacking:
        return _("Your role does not allow this: %(right)s.") % {"right": Right(lacking).label}
    if verb in NEEDS_ABILITY:
        absent = abilities.why_not(machine.stamp.provider, NEEDS_ABILITY[Verb(verb)])
        if absent:
            return absent
    return held.why_not(machine, verb)


def bar_for(machine: Machine, mine: Collection[str]) -> Bar:
    """Return the commands a person with these rights has."""
    allowed = [verb for verb in LOOKS if not forbidden(verb, mine) and _fits(machine, verb)]
    front = [verb for verb in (*OFTEN, NEXT.get(MachineState(machine.state))) if verb in allowed]
    more = [verb for verb in allowed if verb not in front and verb != Verb.DELETE]
    connect = [_connect(machine)] if Right.REMOTE_CONNECT in mine else []
    last = [_command(machine, Verb.DELETE, mine)] if Verb.DELETE in allowed else []
    return Bar(
        [*connect, *(_command(machine, verb, mine) for verb in front), *last],
        [_command(machine, verb, mine) for verb in more],
    )


def reasons(commands: Iterable[Command]) -> list[tuple[str, str]]:
    """Return the reasons, each once, with the commands it keeps back."""
    grouped: dict[str, list[str]] = {}
    for command in commands:
        if command.reason:
            grouped.setdefault(command.reason, []).append(command.title)
    return [(", ".join(titles), reason) for reason, titles in grouped.items()]


def connect_why_not(machine: Machine) -> str | None:
    """Return why nobody can connect to the machine over the network now."""
    if Right.REMOTE_CONNECT not in machine.subscription.plan.offering.granted:
        return _("Your plan does not allow this.")
    return rules.connect_why_not(machine.state, machine.addresses)


def runs_windows(machine: Machine) -> bool:
    """Tell whether people connect by remote desktop; of older machines only a name is known."""
    return "windows" in (machine.os_type or machine.os_name).lower()


def _connect(machine: Machine) -> Command:
    return Command(
        _("Connect"),
        "monitor" if runs_windows(machine) else "terminal",
        reverse("machine-connect", args=[machine.pk]),
        connect_why_not(machine),
        method="get",
        dialog="" if runs_windows(machine) else "connect-dialog",
    )


def _fits(machine: Machine, verb: str) -> bool:
    """Tell whether a command is worth a place: the end of a rescue is, once there is one."""
    if verb in ONLY_IN_RESCUE:
        return machine.rescued_at is not None
    if verb == Verb.RESCUE:
        return machine.rescued_at is None
    if verb == Verb.DEPLOY_STORED:
        return machine.state == MachineState.STORED
    return True


def _command(machine: Machine, verb: str, mine: Collection[str]) -> Command:
    icon, page = LOOKS[verb]
    title = str(TITLES.get(Verb(verb)) or Verb(verb).label)
    reason = why_not(machine, verb, mine)
    if verb in POWER:
        operate = reverse("machine-operate", args=[machine.pk])
        return Command(title, icon, operate, reason, name="verb", value=str(verb))
    deletes = verb == Verb.DELETE
    return Command(
        title,
        icon,
        reverse(page, args=[machine.pk]),
        reason,
        method="post" if verb in POSTED else "get",
        tone="danger" if deletes else "",
        apart=deletes,
        dialog="delete-dialog" if deletes else "",
    )
