"""The command bar of a machine: what is wanted often, and all else behind one button.

An impossible command stays, with the reason beside it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.vmm.jobs import OPERATIONS
from fabric.vmm.models import Job, VirtualMachine
from fabric.vmm.states import REMOVABLE, MachineStatus
from portal.admin_site.fabric.noun import Command

# Operations as buttons: what VMM calls them, the word, the icon.
POWER = (
    ("Start", gettext_lazy("Start"), "play"),
    ("Shutdown", gettext_lazy("Shut down"), "power"),
    ("Stop", gettext_lazy("Turn off"), "square"),
    ("Suspend", gettext_lazy("Pause"), "pause"),
    ("Resume", gettext_lazy("Resume"), "circle-play"),
    ("Reset", gettext_lazy("Reset"), "rotate-cw"),
    ("SaveState", gettext_lazy("Save state"), "download"),
    ("DiscardSavedState", gettext_lazy("Discard state"), "x"),
    ("Refresh", gettext_lazy("Refresh"), "refresh-cw"),
)
REPAIRS = (
    ("retry", gettext_lazy("Repair: retry"), "rotate-cw"),
    ("undo", gettext_lazy("Repair: undo"), "undo-2"),
    ("dismiss", gettext_lazy("Repair: dismiss"), "check"),
)
FRONT = ("Start", "Shutdown", "Stop", "Reset", "Refresh")
VERBS = frozenset(verb for verb, _title, _icon in (*POWER, *REPAIRS)) | {"Store"}
AMISS = frozenset(
    {
        MachineStatus.UPDATE_FAILED,
        MachineStatus.CREATION_FAILED,
        MachineStatus.HOST_NOT_RESPONDING,
        MachineStatus.MISSING,
    }
)


@dataclass(frozen=True)
class Bar:
    """The commands in the order they stand in; `more` is behind a button of its own."""

    front: list[Command]
    more: list[Command]


def bar(machine: VirtualMachine, live: Job | None) -> Bar:
    """Return every command; `live` is the job that works on the machine now."""
    paused = machine.status in OPERATIONS["Resume"].allowed
    often = {*FRONT, "Resume" if paused else "Suspend"}
    power = [(verb, operation(machine, verb, title, icon, live)) for verb, title, icon in POWER]
    front = [command for verb, command in power if verb in often]
    front += [
        operation(machine, verb, title, icon, live)
        for verb, title, icon in REPAIRS
        if not no_repair(machine, verb)
    ]
    remove = page(
        machine, live, "remove", _("Remove"), "trash-2", REMOVABLE, tone="danger", apart=True
    )
    more = [command for verb, command in power if verb not in often]
    more += [
        operation(machine, "Store", _("Store"), "library", live),
        page(machine, live, "deploy", _("Deploy"), "zap", {MachineStatus.STORED}),
        page(machine, live, "clone", _("Clone"), "copy", {MachineStatus.POWER_OFF}),
    ]
    return Bar([*front, remove], more)


def operation(
    machine: VirtualMachine, verb: str, title: Any, icon: str, live: Job | None
) -> Command:
    """Return a command that begins at once."""
    url = reverse("fabric-machine-operate", args=[machine.pk])
    reason = why_not(machine, live, verb)
    return Command(str(title), icon, url, "post", reason=reason, name="verb", value=verb)


def page(
    machine: VirtualMachine,
    live: Job | None,
    act: str,
    title: str,
    icon: str,
    allowed: Collection[str],
    **look: Any,
) -> Command:
    """Return a command that asks more on a page of its own."""
    url = reverse("fabric-machine-act", args=[machine.pk, act])
    reason = busy(live) or ("" if machine.status in allowed else where(machine))
    return Command(title, icon, url, reason=reason, **look)


def why_not(machine: VirtualMachine, live: Job | None, verb: str) -> str:
    """Return why an operation cannot be begun now, "" when it can."""
    against = busy(live)
    if against:
        return against
    if verb == "Store":
        return no_store(machine)
    if verb not in OPERATIONS:
        return no_repair(machine, verb)
    if machine.host_id is None:
        return _("the machine is on no host")
    return "" if machine.status in OPERATIONS[verb].allowed else where(machine)


def busy(live: Job | None) -> str:
    return _("“%(job)s” is under way") % {"job": live.title} if live else ""


def where(machine: VirtualMachine) -> str:
    """Return where the machine stands, as a reason."""
    words = _(machine.status_string).rstrip(".… ")
    return _("the machine is “%(status)s”") % {"status": words}


def no_store(machine: VirtualMachine) -> str:
    """Return why a machine cannot be stored; its cloud must be loaded."""
    if machine.status != MachineStatus.POWER_OFF:
        return where(machine)
    if machine.cloud.store_id is None:
        return _("its cloud has no library share to store machines on")
    return ""


def no_repair(machine: VirtualMachine, verb: str) -> str:
    """Return why there is nothing to repair in this way."""
    has_failed = machine.failed_job_id is not None
    if has_failed or (verb == "dismiss" and machine.status in AMISS):
        return ""
    return _("no job of the machine has failed")


def reasons(found: list[Command]) -> list[tuple[str, str]]:
    """Return the reasons, each once, with the commands it keeps back."""
    grouped: dict[str, list[str]] = {}
    for command in found:
        if command.reason:
            grouped.setdefault(str(command.reason), []).append(str(command.title))
    return [(", ".join(titles), reason) for reason, titles in grouped.items()]
