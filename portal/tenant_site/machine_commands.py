"""The command bar of a machine: every command, and the reason where one is impossible."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import reverse
from django.utils.translation import gettext as _

from fabric import rules
from fabric.models import Machine
from fabric.states import Verb

ICONS = {
    Verb.START: "play",
    Verb.SHUTDOWN: "power",
    Verb.STOP: "square",
    Verb.PAUSE: "pause",
    Verb.RESUME: "circle-play",
}


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


def commands_for(machine: Machine) -> list[Command]:
    """Return the commands; the subscription's plan and offering must be loaded."""
    subscription = machine.subscription
    granted = subscription.plan.offering.granted

    def why_not(verb: str) -> str | None:
        return rules.why_not(
            machine.state,
            verb,
            granted,
            busy=machine.is_busy,
            active=subscription.is_active,
        )

    operate = reverse("machine-operate", args=[machine.pk])
    return [
        Command(
            _("Connect"),
            "monitor",
            reverse("machine-connect", args=[machine.pk]),
            rules.connect_why_not(machine.state, machine.addresses),
            method="get",
        ),
        *(
            Command(_(str(verb.label)), icon, operate, why_not(verb), name="verb", value=verb.value)
            for verb, icon in ICONS.items()
        ),
        Command(
            _("Delete"),
            "trash-2",
            reverse("machine-delete", args=[machine.pk]),
            why_not(Verb.DELETE),
            method="get",
            tone="danger",
            apart=True,
            dialog="delete-dialog",
        ),
    ]


def reasons(commands: list[Command]) -> list[tuple[str, str]]:
    """Return the reasons, each once, with the commands it keeps back."""
    grouped: dict[str, list[str]] = {}
    for command in commands:
        if command.reason:
            grouped.setdefault(command.reason, []).append(command.title)
    return [(", ".join(titles), reason) for reason, titles in grouped.items()]
