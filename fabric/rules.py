"""May they, and can it be done now? Plain values in, a reason or None out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from django.utils.translation import gettext as _

from fabric.states import BUSY, POSSIBLE, POWER, MachineState, Verb, missing_for

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\Z")
_PLACES = re.compile(r"#+")
MOST_AT_ONCE = 50
WINDOWS_NAME_LENGTH = 15
NAME_LENGTH = 63
PASSWORD_LENGTH = (8, 123)
_NEEDS_STOP = (MachineState.RUNNING, MachineState.PAUSED)
_LOSES_IT = (Verb.DELETE, Verb.REBUILD)
TAG_LENGTH = 40
MOST_TAGS = 20
_TAG = re.compile(r"[\w][\w.:/ -]*\Z")


def why_not(
    state: str,
    verb: str,
    granted: Collection[str],
    *,
    active: bool = True,
    protected: bool = False,
    in_rescue: bool = False,
) -> str | None:
    """Return why a command is impossible now, None when it is possible."""
    if missing_for(verb, granted):
        return _("Your plan does not allow this.")
    if not active:
        return _("The subscription is not active.")
    if state in BUSY:
        return _("Wait until the present work on this machine ends.")
    if protected and verb in _LOSES_IT:
        return _("It is protected: take the protection off first.")
    if in_rescue and verb == Verb.RESCUE:
        return _("It is in rescue already.")
    if not in_rescue and verb == Verb.END_RESCUE:
        return _("It is not in rescue.")
    if state in POSSIBLE[verb][0]:
        if verb == Verb.DELETE and state in _NEEDS_STOP and "Stop" not in granted:
            return _("Shut it down first: your plan does not allow turning it off.")
        return None
    return _why_not_in(state, verb)


def _why_not_in(state: str, verb: str) -> str:
    """Return why a command does not fit a state."""
    if state == MachineState.UNREACHABLE:
        return _("The machine's cloud cannot be reached at the moment.")
    if verb == Verb.START and state == MachineState.RUNNING:
        return _("It is running already.")
    if verb == Verb.START and state == MachineState.PAUSED:
        return _("It is paused: resume it instead.")
    if verb == Verb.RESUME:
        return _("It is not paused.")
    if verb == Verb.DEPLOY_STORED:
        return _("It is not in the library.")
    if state == MachineState.STORED:
        return _("It is in the library: bring it back first.")
    if state in (MachineState.FAILED, MachineState.MISSING):
        return _("It has to be repaired or deleted first.")
    if verb in (Verb.CLONE, Verb.STORE):
        return _("Shut it down first.")
    if verb in POWER:
        return _("It is not running.")
    if state == MachineState.PAUSED:
        return _("Resume it or turn it off first.")
    return _("Start it or discard what was saved first.")


def resize_why_not(state: str) -> str | None:
    """Return why processors and memory cannot be changed now, None when they can."""
    if state == MachineState.STOPPED:
        return None
    return _("Shut it down first: processors and memory change while it is off.")


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Return tags in one spelling: small letters, one space at most, each once, in order.

    Raises ValueError that says what is wrong.
    """
    found = dict.fromkeys(" ".join(tag.split()).lower() for tag in tags)
    cleaned = sorted(tag for tag in found if tag)
    if len(cleaned) > MOST_TAGS:
        raise ValueError(_("At most %(n)d tags.") % {"n": MOST_TAGS})
    for tag in cleaned:
        if len(tag) > TAG_LENGTH:
            raise ValueError(_("A tag has at most %(n)d characters.") % {"n": TAG_LENGTH})
        if not _TAG.match(tag):
            raise ValueError(
                _("A tag holds letters, digits and . : / - _ and begins with a letter or digit.")
            )
    return cleaned


def pattern_names(pattern: str, count: int, first: int = 1) -> list[str]:
    """Return the names that a pattern stands for: `web##` is web01, web02 and so on.

    The last row of # takes the number, as many digits as it has places. Raises ValueError that
    says what is wrong.
    """
    places = _PLACES.findall(pattern)
    if not places:
        raise ValueError(_("Put # where the number goes, as in web##."))
    if not 1 <= count <= MOST_AT_ONCE:
        raise ValueError(_("Between 1 and %(n)d machines at once.") % {"n": MOST_AT_ONCE})
    if first < 0 or len(str(first + count - 1)) > len(places[-1]):
        raise ValueError(
            _("The numbers %(first)d to %(last)d do not fit into %(places)s.")
            % {"first": first, "last": first + count - 1, "places": places[-1]}
        )
    before, _mark, after = pattern.rpartition(places[-1])
    width = len(places[-1])
    return [f"{before}{number:0{width}}{after}" for number in range(first, first + count)]


def size_problem(
    cores: int,
    memory_mb: int,
    *,
    least: tuple[int | None, int | None] = (None, None),
    most: tuple[int | None, int | None] = (None, None),
) -> tuple[str, str] | None:
    """Return the field and what is wrong with a size that a template allows so much of."""
    checked = (("cores", cores, 1024), ("memory_mb", memory_mb, 16 * 1024 * 1024))
    for (field, value, limit), low, high in zip(checked, least, most, strict=True):
        lowest = low or (1 if field == "cores" else 32)
        highest = min(high or limit, limit)
        if not lowest <= value <= highest:
            unit = "" if field == "cores" else " MB"
            return field, _("The template allows %(lowest)s to %(highest)s.") % {
                "lowest": f"{lowest}{unit}",
                "highest": f"{highest}{unit}",
            }
    return None


def connect_why_not(state: str, addresses: Sequence[str]) -> str | None:
    """Return why no remote desktop file can be made, None when it can."""
    if state != MachineState.RUNNING:
        return _("The machine must be running.")
    if not addresses:
        return _("The machine has no address yet.")
    return None


def name_problem(name: str, os_type: str) -> str | None:
    """Return what is wrong with a machine's name, None when it is fine."""
    longest = WINDOWS_NAME_LENGTH if os_type.lower() == "windows" else NAME_LENGTH
    if len(name) > longest:
        return _("At most %(longest)d characters for this system.") % {"longest": longest}
    if not _NAME.match(name):
        return _("Letters, digits and hyphens only, not beginning or ending with a hyphen.")
    if name.isdigit():
        return _("The name needs at least one letter.")
    return None


def password_problem(password: str) -> str | None:
    """Return what is wrong with a guest's password, None when it is fine."""
    shortest, longest = PASSWORD_LENGTH
    if not shortest <= len(password) <= longest:
        return _("Between %(shortest)d and %(longest)d characters.") % {
            "shortest": shortest,
            "longest": longest,
        }
    kinds = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    if sum(any(kind(c) for c in password) for kind in kinds) < 3:
        return _("Use three of: small letters, capitals, digits, other characters.")
    if not password.isprintable():
        return _("Use printable characters only.")
    return None
