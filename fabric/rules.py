"""May they, and can it be done now? Plain values in, a reason or None out."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from django.utils.translation import gettext as _

from fabric.states import BUSY, POSSIBLE, MachineState, Verb

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\Z")
WINDOWS_NAME_LENGTH = 15
NAME_LENGTH = 63
PASSWORD_LENGTH = (8, 123)
_NEEDS_STOP = (MachineState.RUNNING, MachineState.PAUSED)


def why_not(
    state: str,
    verb: str,
    granted: Collection[str],
    *,
    busy: bool = False,
    active: bool = True,
) -> str | None:
    """Return why a command is impossible now, None when it is possible."""
    states, permission = POSSIBLE[verb]
    if permission not in granted:
        return _("Your plan does not allow this.")
    if not active:
        return _("The subscription is not active.")
    if busy or state in BUSY:
        return _("Wait until the present work on this machine ends.")
    if state in states:
        if verb == Verb.DELETE and state in _NEEDS_STOP and "Stop" not in granted:
            return _("Shut it down first: your plan does not allow turning it off.")
        return None
    if state == MachineState.UNREACHABLE:
        return _("The machine's cloud cannot be reached at the moment.")
    if verb == Verb.START and state == MachineState.RUNNING:
        return _("It is running already.")
    if verb == Verb.START and state == MachineState.PAUSED:
        return _("It is paused: resume it instead.")
    if verb == Verb.RESUME:
        return _("It is not paused.")
    return _("It is not running.")


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
