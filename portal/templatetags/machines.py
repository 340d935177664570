"""A machine's state in words: what it does while busy, what was last known when unreachable."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from fabric.models import Machine
from portal.templatetags.parts import state

register = template.Library()


@register.simple_tag
def machine_state(machine: Machine, shape: str = "") -> SafeString:
    """Show the machine's state; `shape` "badge" for titles."""
    label = _(machine.get_state_display())
    if machine.unreachable_since:
        return state(machine.state, _("%(state)s, unreachable") % {"state": label}, shape, "warn")
    if machine.is_busy and machine.status_text:
        label = machine.status_text.rstrip("…")
    return state(machine.state, label, shape)
