"""Names that guests call themselves: given, made of a machine's name, or counted by a pattern.

A pattern has one row of # for the digits: web-### makes web-001, web-002 and so on in each cloud.
"""

from __future__ import annotations

import re

from django.db.models import Max, QuerySet

from fabric.vmm.errors import Conflict, Invalid
from fabric.vmm.models import Cloud, OSType, VirtualMachine

LONGEST_WINDOWS_NAME = 15
LONGEST_NAME = 63
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_PATTERN = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)?(#+)((?:[A-Za-z0-9-]*[A-Za-z0-9])?)")


def longest(os_type: str) -> int:
    """Return how long the name of such a system may be."""
    return LONGEST_WINDOWS_NAME if os_type == OSType.WINDOWS else LONGEST_NAME


def require_name(value: str, os_type: str) -> str:
    """Return the name asked for; Invalid when no such system can have it."""
    asked, most = value.strip(), longest(os_type)
    if len(asked) > most or not _NAME.fullmatch(asked):
        raise Invalid(
            f"{asked!r} is no computer name: at most {most} letters, digits and hyphens.",
            field="computer_name",
        )
    return asked


def require_pattern(value: str, os_type: str, *, field: str = "computer_name_pattern") -> str:
    """Return the pattern, or "" for none; Invalid when the names it makes would not do."""
    pattern = value.strip()
    if not pattern:
        return ""
    most = longest(os_type)
    if len(pattern) > most or not _PATTERN.fullmatch(pattern):
        raise Invalid(
            f"{pattern!r} is no pattern of computer names: at most {most} letters, digits and "
            "hyphens around one row of #, such as web-###.",
            field=field,
        )
    return pattern


def made_of(machine: VirtualMachine) -> str:
    """Return a computer name made of the machine's name."""
    made = re.sub(r"[^A-Za-z0-9]+", "-", machine.name)[: longest(machine.os_type)].strip("-")
    return made or f"vm-{machine.pk.hex[:8]}"


def counted(cloud: Cloud, pattern: str) -> str:
    """Return the next name of a pattern in a cloud; Conflict when all its numbers are taken.

    Holds the cloud's row, so that two orders at once get two names. Numbers given back are taken
    only after the last one.
    """
    match = _PATTERN.fullmatch(pattern)
    assert match is not None
    before, hashes, after = match.group(1) or "", match.group(2), match.group(3)
    Cloud.objects.select_for_update(no_key=True).get(pk=cloud.pk)
    taken = VirtualMachine.objects.filter(
        cloud=cloud,
        computer_name__startswith=before,
        computer_name__regex=rf"^{before}[0-9]{{{len(hashes)}}}{after}$",
    )
    number = _next(taken, len(before), len(hashes))
    if number is None:
        raise Conflict(
            f"All computer names of the pattern {pattern} are taken in the cloud {cloud.name}.",
            advice="Give a computer name, or have the pattern made longer.",
            field="computer_name",
        )
    return f"{before}{number:0{len(hashes)}}{after}"


def _next(taken: QuerySet[VirtualMachine], start: int, digits: int) -> int | None:
    """The number after the greatest one, or, where that was the last, the first that is free."""
    greatest = taken.aggregate(greatest=Max("computer_name"))["greatest"]
    after = int(greatest[start : start + digits]) + 1 if greatest else 1
    if after < 10**digits:
        return after
    names = taken.values_list("computer_name", flat=True)
    used = {int(name[start : start + digits]) for name in names}
    return next((number for number in range(1, 10**digits) if number not in used), None)
