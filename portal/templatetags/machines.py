"""A machine's state in words: what it does while busy, what was last known when unreachable.

Rows of the list are put together here: drawn by the template engine, each would cost ten times as
much, and a page of fifty is asked for every few seconds by everybody who looks at one.
"""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fabric.models import Machine
from plans.rules import amount
from portal.templatetags.moments import age
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


ROW = """<tr>
<td><a class="name" id="m-{pk}" href="{url}">{name}</a>\
<span class="under only-narrow">{facts}</span></td>
<td>{state}</td><td class="p3 break">{subscription}</td><td class="p2">{os}</td>\
<td class="p3 number">{cores}</td><td class="p3 number nowrap">{memory}</td>\
<td class="p2 nowrap">{address}</td><td class="p2 nowrap">{age}</td></tr>
"""


@register.simple_tag
def machine_rows(machines: Iterable[Machine]) -> SafeString:
    """Draw the rows of the list; the machines' subscriptions must be loaded."""
    return mark_safe("".join(_row(machine) for machine in machines))  # noqa: S308 - format_html


def _row(machine: Machine) -> SafeString:
    memory = amount("memory_mb", machine.memory_mb)
    cores = ngettext("%(n)d core", "%(n)d cores", machine.cores) % {"n": machine.cores}
    return format_html(
        ROW,
        pk=machine.pk,
        url=reverse("machine", args=[machine.pk]),
        name=machine.name,
        facts=" · ".join(filter(None, (machine.address, cores, memory))),
        state=machine_state(machine),
        subscription=machine.subscription.name,
        os=machine.os_name or "–",
        cores=machine.cores,
        memory=memory,
        address=machine.address or "–",
        age=age(machine.created_at),
    )
