"""A machine's state in words: what it does while busy, what was last known when unreachable.

Rows of the list are put together here: drawn by the template engine, each would cost ten times as
much, and a page of a hundred is asked for every few seconds by everybody who looks at one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from fabric.models import Machine
from plans.rules import amount
from portal.templatetags.moments import exact_text, span
from portal.templatetags.parts import state

register = template.Library()

SHOWN_TAGS = 3
# Stands in an address where a machine's id goes.
NOBODY = uuid.UUID(int=0)


@register.simple_tag
def machine_state(machine: Machine, shape: str = "") -> SafeString:
    """Show the machine's state; `shape` "badge" for titles."""
    label = _(machine.get_state_display())
    if machine.unreachable_since:
        return state(machine.state, _("%(state)s, unreachable") % {"state": label}, shape, "warn")
    if machine.is_busy and machine.status_text:
        label = _(machine.status_text).rstrip("…")
    return state(machine.state, label, shape)


@register.simple_tag
def machine_rows(
    machines: Iterable[Machine],
    percents: Mapping[uuid.UUID, int],
    choosable: bool = False,
    with_subscription: bool = True,
) -> SafeString:
    """Draw the rows of the list; the machines' subscriptions must be loaded.

    `percents` says how far the work on a machine is. `choosable` gives each a box to choose it by.
    """
    rows = _Rows(percents, choosable, with_subscription)
    return mark_safe("".join(rows.row(machine) for machine in machines))  # noqa: S308 - escaped


class _Rows:
    """Draws rows; what is the same in all of them is looked up once.

    HTML lets the end tags of cells be left out: in a page of a hundred they would weigh 5 kB.
    """

    def __init__(
        self, percents: Mapping[uuid.UUID, int], choosable: bool, with_subscription: bool
    ) -> None:
        self.percents = percents
        self.choosable = choosable
        self.with_subscription = with_subscription
        self.now = timezone.now()
        self.before, self.after = reverse("machine", args=[NOBODY]).split(str(NOBODY))
        self.states: dict[tuple[object, ...], SafeString] = {}

    def row(self, machine: Machine) -> str:
        pk, name = machine.pk, conditional_escape(machine.name)
        box = (
            f'<input type="checkbox" name="pk" value="{pk}" aria-label="{name}">'
            if self.choosable
            else ""
        )
        share = (
            f"<td>{conditional_escape(machine.subscription.name)}" if self.with_subscription else ""
        )
        return (
            f'<tr><td>{box}<td><a class="name" href="{self.before}{pk}{self.after}">{name}</a>'
            f"{self._marks(machine)}<td>{self._state(machine)}{share}"
            f"<td>{conditional_escape(machine.os_name) or '–'}<td>{machine.cores}"
            f"<td>{amount('memory_mb', machine.memory_mb)}"
            f"<td>{conditional_escape(machine.address) or '–'}"
            f"<td>{self._age(machine.created_at)}<td>\n"
        )

    def _state(self, machine: Machine) -> str:
        known = (machine.state, machine.status_text, machine.unreachable_since is None)
        if known not in self.states:
            self.states[known] = machine_state(machine)
        percent = self.percents.get(machine.pk)
        return self.states[known] + ("" if percent is None else f" <small>{percent} %</small>")

    def _age(self, born: datetime) -> str:
        old = span((self.now - born).total_seconds())
        return f'<span title="{exact_text(born)}">{conditional_escape(old)}</span>'

    def _marks(self, machine: Machine) -> SafeString | str:
        """Say what stands out: protection, an end that was set, tags."""
        if not (machine.is_protected or machine.ends_at or machine.tags):
            return ""
        said: list[tuple[str, object]] = []
        if machine.is_protected:
            said.append((' class="kept"', _("protected")))
        if machine.ends_at:
            said.append((' class="ends"', ends(machine.ends_at, self.now)))
        said += [("", tag) for tag in machine.tags[:SHOWN_TAGS]]
        if len(machine.tags) > SHOWN_TAGS:
            said.append(("", f"+{len(machine.tags) - SHOWN_TAGS}"))
        chips = format_html_join("", "<li{}>{}</li>", ((mark_safe(c), t) for c, t in said))  # noqa: S308 - our own classes
        return format_html('<ul class="tags">{}</ul>', chips)


def ends(at: datetime, now: datetime | None = None) -> str:
    """Say when a machine's end date comes."""
    left = (at - (now or timezone.now())).total_seconds()
    if left <= 0:
        return _("at its end")
    return _("ends in %(span)s") % {"span": span(left)}


@register.simple_tag
def machine_end(machine: Machine) -> SafeString | str:
    """Show a machine's end date, in words, with the exact time on hover."""
    if machine.ends_at is None:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        machine.ends_at.isoformat(),
        exact_text(machine.ends_at),
        ends(machine.ends_at),
    )
