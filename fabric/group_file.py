"""The file of groups: a line a machine, `<group>;<machine>`, no header (features D039).

Bytes and texts in, lines and problems out; every problem names its line.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

LARGEST = 262_144
MOST_LINES = 2000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What people write into a header, small and without what is between the letters.
_HEADS = {"group", "service", "cloudservice", "cloudservicename", "servicename", "groupname"}
_HEADS |= {"machine", "vm", "vmname", "name", "machinename", "virtualmachine", "host", "server"}
NAME_LENGTH = 80


@dataclass(frozen=True)
class Line:
    number: int
    group: str
    machine: str


@dataclass(frozen=True)
class Parsed:
    """Lines in the file's order. With problems, nothing of it is used."""

    lines: tuple[Line, ...]
    problems: tuple[str, ...]


def text_of(data: bytes) -> str | None:
    """Return the text of a file, None when it is none: UTF-8, or UTF-16 with its mark."""
    encoding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def parse(text: str) -> Parsed:
    """Read the lines of a file; empty ones are passed over."""
    lines: list[Line] = []
    problems: list[str] = []
    found = text.splitlines()
    if len(found) > MOST_LINES:
        return Parsed((), (_("At most %(n)d lines at once.") % {"n": MOST_LINES},))
    for number, raw in enumerate(found, start=1):
        if not raw.strip():
            continue
        told = _problem(raw, is_first=not lines and not problems)
        if told:
            problems.append(at(number, told))
            continue
        group, machine = (part.strip() for part in raw.split(";"))
        lines.append(Line(number, group, machine))
    problems += list(_repeated(lines))
    if not lines and not problems:
        problems.append(_("There is no line in it."))
    return Parsed(tuple(lines), tuple(problems))


def at(number: int, told: str) -> str:
    """Return what is wrong in a line, with its number."""
    return _("Line %(number)d: %(told)s") % {"number": number, "told": told}


def written(lines: Iterable[tuple[str, str]]) -> str:
    """Return the file that holds these groups and machines."""
    return "".join(f"{group};{machine}\n" for group, machine in lines)


def _problem(raw: str, *, is_first: bool) -> str | None:
    parts = [part.strip() for part in raw.split(";")]
    if is_first and all(_letters(part) in _HEADS for part in parts):
        return _("this is a header. Leave it out.")
    if len(parts) < 2:
        return _("there is no semicolon. Write group;machine.")
    if len(parts) > 2:
        return _("there is more than one semicolon. Write group;machine.")
    if not all(parts):
        return _("the group or the machine is missing. Write group;machine.")
    if len(parts[0]) > NAME_LENGTH or not raw.strip().isprintable():
        return _("the name cannot be used.")
    return None


def _letters(part: str) -> str:
    return "".join(each for each in part.casefold() if each.isalpha())


def _repeated(lines: Iterable[Line]) -> Iterable[str]:
    seen: dict[tuple[str, str], int] = {}
    for line in lines:
        key = (line.group.casefold(), line.machine.casefold())
        if key in seen:
            yield at(
                line.number,
                _("%(machine)s is in %(group)s already, in line %(earlier)d.")
                % {"machine": line.machine, "group": line.group, "earlier": seen[key]},
            )
        seen.setdefault(key, line.number)
