"""Parts of pages that need a little Python: states, quota bars, sizes, sort headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django import template
from django.http import QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from plans import rules
from portal.templatetags.icons import icon

register = template.Library()

# Every state word of the product, by the colour that goes with it.
TONES = {
    "ok": "running succeeded done active in_sync public configured ready ok",
    "busy": "creating updating deleting syncing waiting started cancelling working registering",
    "warn": "paused saved unreachable suspended missing stale not_configured",
    "bad": "failed out_of_sync problem",
}
_TONE_OF = {word: tone for tone, words in TONES.items() for word in words.split()}


def tone(word: str) -> str:
    """Return the tone of a state word: ok, busy, warn, bad, or idle."""
    return _TONE_OF.get(str(word), "idle")


@register.simple_tag
def state(word: str, label: str, shape: str = "", tone_as: str = "") -> SafeString:
    """Show a state as dot and word; `shape` "badge" for titles, `tone_as` for a tone by hand."""
    return format_html(
        '<span class="state {}{}">{}</span>',
        tone_as or tone(word),
        " badge" if shape == "badge" else "",
        label,
    )


@register.filter
def memory(megabytes: int | None) -> str:
    """Return an amount of memory as people read it."""
    return "–" if megabytes is None else rules.amount("memory_mb", megabytes)


@register.filter
def limit(value: int | None, resource: str) -> str:
    """Return a plan's limit in words."""
    return _("no limit") if value is None else rules.amount(resource, value)


@dataclass(frozen=True)
class QuotaBar:
    """One limit: what is used, what this would add, what is left; percents for the drawing."""

    title: str
    used: str
    limit: str | None
    left: str
    more: str
    mine: str
    used_percent: float
    mine_percent: float
    more_percent: float
    is_over: bool
    reserved: str = ""
    reserved_percent: float = 0

    @property
    def level(self) -> str:
        if self.used_percent >= 100:
            return "full"
        return "near" if self.used_percent >= 85 else ""


def quota_bars(
    limits: Mapping[str, int | None],
    used: Mapping[str, int],
    more: Mapping[str, int] | None = None,
    mine: Mapping[str, int] | None = None,
    reserved: Mapping[str, int] | None = None,
) -> list[QuotaBar]:
    """Return one bar for each resource. `more` is what an act would add, `mine` a part of `used`
    that belongs to one machine, `reserved` the part that is held but not there yet.
    """
    bars = []
    for resource in rules.RESOURCES:
        name, top = resource.name, limits.get(resource.name)
        have, adds = used.get(name, 0), (more or {}).get(name, 0)
        own = min((mine or {}).get(name, 0), have)
        held = (reserved or {}).get(name, 0)
        left = None if top is None else max(0, top - have - adds)
        bars.append(
            QuotaBar(
                title=_(resource.title),
                used=rules.amount(name, have),
                limit=None if top is None else rules.amount(name, top),
                left="" if left is None else rules.amount(name, left),
                more=rules.amount(name, adds) if adds else "",
                mine=rules.amount(name, own) if own else "",
                used_percent=_percent(have, top),
                mine_percent=_percent(own, top),
                more_percent=min(_percent(adds, top), 100 - _percent(have, top)),
                is_over=top is not None and adds > 0 and have + adds > top,
                reserved=rules.amount(name, held) if held else "",
                reserved_percent=_percent(held, top),
            )
        )
    return bars


def _percent(part: int, whole: int | None) -> float:
    if whole is None:
        return 0
    return round(min(100.0, part * 100 / whole), 1) if whole else (100 if part else 0)


@register.inclusion_tag("components/quota.html")
def quota(
    limits: Mapping[str, int | None],
    used: Mapping[str, int],
    more: Mapping[str, int] | None = None,
    mine: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Show the quota bars of a subscription."""
    return {"bars": quota_bars(limits, used, more, mine), "with_more": more is not None}


@register.inclusion_tag("components/quota.html")
def usage(limits: Mapping[str, int | None], kinds: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    """Show what is reserved, in use and left; `kinds` as plans.actions.quota.by_kind tells it."""
    used = {name: sum(amounts) for name, amounts in kinds.items()}
    reserved = {name: waiting for name, (waiting, _there) in kinds.items()}
    return {"bars": quota_bars(limits, used, reserved=reserved), "with_left": True}


@register.inclusion_tag("components/sort_header.html", takes_context=True)
def sort_header(context: Any, title: str, key: str, extra: str = "") -> dict[str, Any]:
    """A table head that sorts: the URL's `sort` is `key` or `-key`. The view sets `sort`."""
    current = context.get("sort", "")
    query: QueryDict = context["request"].GET.copy()
    query["sort"] = f"-{key}" if current == key else key
    for name in ("after", "before"):
        query.pop(name, None)
    direction = {key: "ascending", f"-{key}": "descending"}.get(current, "")
    return {"title": title, "extra": extra, "direction": direction, "query": query.urlencode()}


@register.simple_tag(takes_context=True)
def command_button(context: Any, command: Any, reason: str, number: int | str = "") -> SafeString:
    """Show a command of components/commands.html; `reason` and `number` make the id of its reason.

    A page of a machine has fifteen, and as an included template they were a tenth of its time. By
    its id who stands on it still does when the bar is drawn anew.
    """
    said = format_html("{}{}", icon(command.icon), command.title)
    place = f"do-{command.value or command.url.rstrip('/').rpartition('/')[2]}"
    if command.reason:
        return format_html(
            '<button id="{}" type="button" aria-disabled="true" aria-describedby="{}{}"'
            ' class="{}">{}</button>',
            place,
            reason,
            number,
            "apart" if command.apart else "",
            said,
        )
    if command.method == "get":
        dialog = format_html(' data-dialog="{}"', command.dialog) if command.dialog else ""
        shape = f"button {command.tone}{' apart' if command.apart else ''}"
        return format_html(
            '<a id="{}" class="{}" href="{}"{}>{}</a>', place, shape, command.url, dialog, said
        )
    named = format_html(' name="{}" value="{}"', command.name, command.value)
    return format_html(
        '<form method="post" action="{}" class="{}">'
        '<input type="hidden" name="csrfmiddlewaretoken" value="{}">'
        '<button id="{}" class="{}"{}>{}</button></form>',
        command.url,
        "apart" if command.apart else "",
        context["csrf_token"],
        place,
        command.tone,
        named if command.name else "",
        said,
    )


@register.simple_tag
def field_id(bound: Any) -> str:
    """Return the id an error summary links to: the first control of a group has its own."""
    return str(getattr(bound, "id_for_label", "") or bound.auto_id)
