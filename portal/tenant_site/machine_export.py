"""The list of machines as CSV: all that matches, streamed, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime, tzinfo

from django.utils import timezone
from django.utils.translation import gettext as _

from fabric.models import Machine
from fabric.states import MachineState
from portal.tenant_site.machine_list import MachineList

CHUNK = 500
# Spreadsheets take a cell that begins so for a formula, the wide forms of these signs too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BOM = "\ufeff"


def lines(listed: MachineList) -> Iterator[str]:
    """Return the lines of the file.

    Language and time zone are those of now: when the lines are read, the request is over.
    """
    zone = timezone.get_current_timezone()
    head = [
        _("Name"),
        _("State"),
        _("Subscription"),
        _("Plan"),
        _("System"),
        _("Template"),
        _("Cores"),
        _("Memory (MB)"),
        _("Storage (GB)"),
        _("Addresses"),
        _("Tags"),
        _("Protected"),
        _("Ends (%(zone)s)") % {"zone": zone},
        _("Created (%(zone)s)") % {"zone": zone},
        _("Description"),
        _("Id"),
    ]
    states = {value: _(title) for value, title in MachineState.choices}
    words = (_("no"), _("yes"))
    return _written(listed, head, states, words, zone)


def _written(
    listed: MachineList,
    head: list[str],
    states: dict[str, str],
    words: tuple[str, str],
    zone: tzinfo,
) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield BOM + writer.writerow(head)
    for machine in listed.everything().iterator(chunk_size=CHUNK):
        yield writer.writerow([safe(cell) for cell in _cells(machine, states, words, zone)])


def _cells(
    machine: Machine, states: dict[str, str], words: tuple[str, str], zone: tzinfo
) -> list[object]:
    return [
        machine.name,
        states.get(machine.state, machine.state),
        machine.subscription.name,
        machine.subscription.plan.name,
        machine.os_name,
        machine.template.name if machine.template else "",
        machine.cores,
        machine.memory_mb,
        machine.storage_gb,
        " ".join(machine.addresses),
        ", ".join(machine.tags),
        words[machine.is_protected],
        _moment(machine.ends_at, zone),
        _moment(machine.created_at, zone),
        machine.description,
        machine.pk,
    ]


def safe(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; numbers of ours stay numbers."""
    if isinstance(cell, int):
        return cell
    text = str(cell)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _moment(at: datetime | None, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}" if at else ""


class _Echo:
    """A file that gives back what is written into it."""

    def write(self, line: str) -> str:
        return line
