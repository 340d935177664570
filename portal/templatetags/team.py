"""Members' parts of a quota in words."""

from __future__ import annotations

from django import template
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from plans import rules
from plans.models import MemberLimit

register = template.Library()


@register.filter
def part_words(part: MemberLimit) -> str:
    """Return what somebody has at most: 3 machines, 8 GB memory."""
    told = []
    for name, value in part.limits.items():
        if value is None:
            continue
        if name == "machines":
            told.append(ngettext("%(n)d machine", "%(n)d machines", value) % {"n": value})
        elif name == "cores":
            told.append(ngettext("%(n)d core", "%(n)d cores", value) % {"n": value})
        else:
            words = _("%(amount)s memory") if name == "memory_mb" else _("%(amount)s storage")
            told.append(words % {"amount": rules.amount(name, value)})
    return ", ".join(told)
