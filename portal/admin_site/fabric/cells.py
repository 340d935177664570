"""What stands in a table's cell or beside a fact: short, never colour alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from portal.templatetags.moments import ago as ago
from portal.templatetags.names import broken as broken
from portal.templatetags.parts import memory as memory
from portal.templatetags.parts import state as state

NOTHING = "–"
MB_IN_GB = GB_IN_TB = 1024
NEAR, FULL = 85, 100


def text(value: Any) -> str:
    """Return the value, or a dash."""
    return str(value) if value not in (None, "") else NOTHING


def about_memory(megabytes: int) -> str:
    """Return an amount of memory to a tenth of a GB, where the exact number says less."""
    if megabytes < MB_IN_GB:
        return f"{megabytes} MB"
    return f"{megabytes / MB_IN_GB:,.1f}".removesuffix(".0") + " GB"


def storage(gigabytes: int | None) -> str:
    """Return an amount of storage as people read it."""
    if gigabytes is None:
        return NOTHING
    if gigabytes >= GB_IN_TB and gigabytes % GB_IN_TB == 0:
        return f"{gigabytes // GB_IN_TB} TB"
    return f"{gigabytes:,} GB"


def yes(value: bool) -> str:
    return _("yes") if value else _("no")


def no_limit(value: int | None, shown: Any = text) -> str:
    """Return a limit; None is no limit."""
    return _("no limit") if value is None else str(shown(value))


def between(least: int | None, most: int | None, shown: Any = text) -> str:
    """Return what may be at least and at most."""
    if most is None:
        return _("%(least)s or more") % {"least": shown(least)}
    return _("%(least)s to %(most)s") % {"least": shown(least), "most": shown(most)}


def address(kind: str, row: Any) -> str:
    """Return a row's page; "" for a kind that has none."""
    try:
        return reverse(f"fabric-{kind}", args=[row.pk])
    except NoReverseMatch:
        return ""


def link(kind: str, row: Any) -> SafeString | str:
    """Return the way to a row's page, or a dash."""
    if row is None:
        return NOTHING
    url = address(kind, row)
    return format_html('<a href="{}">{}</a>', url, broken(row)) if url else broken(row)


def links(kind: str, rows: Iterable[Any], nothing: str = "") -> SafeString | str:
    """Return the ways to several pages, or what none of them means."""
    found = [(link(kind, row),) for row in rows]
    return format_html_join(", ", "{}", found) if found else nothing or NOTHING


def under(main: Any, more: Any) -> SafeString | str:
    """Return two lines, the second one small. Read as text they are two words."""
    if not more:
        return broken(main)
    return format_html('{} <span class="under">{}</span>', broken(main), broken(more))


def tags(words: Iterable[Any]) -> SafeString | str:
    """Return a row of small labels, or a dash."""
    items = [(word,) for word in words]
    if not items:
        return NOTHING
    return format_html('<ul class="tags">{}</ul>', format_html_join("", "<li>{}</li>", items))


def code(value: Any) -> SafeString | str:
    return format_html("<code>{}</code>", value) if value else NOTHING


def bar(used: int, whole: int, shown: Any = text) -> SafeString:
    """Return how much of a whole is taken, as words and drawn."""
    percent = round(min(100.0, used * 100 / whole), 1) if whole else 0
    level = " full" if percent >= FULL else " near" if percent >= NEAR else ""
    return format_html(
        '<span class="share"><span>{}</span><svg class="bar-svg{}" aria-hidden="true">'
        '<rect class="used" width="{}%" height="100%"/></svg></span>',
        _("%(used)s of %(whole)s") % {"used": shown(used), "whole": shown(whole)},
        level,
        str(percent),
    )


def when(value: Any) -> SafeString | str:
    return ago(value)
