"""Times as people say them, with the exact time in the viewer's zone on hover."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from django import template
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

register = template.Library()
MINUTE, HOUR, DAY = 60, 3600, 86400
Words = tuple[tuple[int, Callable[[int], str]], ...]


def _moment(value: dt.datetime | str | None) -> dt.datetime | None:
    """Accept what models and job steps hold: a datetime or ISO 8601 text."""
    return parse_datetime(value) if isinstance(value, str) else value


# Largest unit first, the last one fits always. Other languages bend the words of “ago”.
SPANS: Words = (
    (DAY, lambda n: ngettext("%(n)d day", "%(n)d days", n)),
    (HOUR, lambda n: ngettext("%(n)d hour", "%(n)d hours", n)),
    (MINUTE, lambda n: ngettext("%(n)d minute", "%(n)d minutes", n)),
    (1, lambda n: ngettext("%(n)d second", "%(n)d seconds", n)),
)
AGO: Words = (
    (DAY, lambda n: ngettext("%(n)d day ago", "%(n)d days ago", n)),
    (HOUR, lambda n: ngettext("%(n)d hour ago", "%(n)d hours ago", n)),
    (MINUTE, lambda n: ngettext("%(n)d minute ago", "%(n)d minutes ago", n)),
    (1, lambda n: ngettext("%(n)d second ago", "%(n)d seconds ago", n)),
)


def _in_words(seconds: float, units: Words) -> str:
    whole = max(0, int(seconds))
    size, words = next((unit for unit in units if whole >= unit[0]), units[-1])
    return words(whole // size) % {"n": whole // size}


def span(seconds: float) -> str:
    """Return a length of time in its largest sensible unit."""
    return _in_words(seconds, SPANS)


def since(seconds: float) -> str:
    """Return how long ago that many seconds are."""
    return _("just now") if seconds < 5 else _in_words(seconds, AGO)


def exact_text(value: dt.datetime) -> str:
    """Return date, time and zone, to the second, the same in every language."""
    return f"{timezone.localtime(value):%Y-%m-%d %H:%M:%S %Z}"


def _time(value: dt.datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', value.isoformat(), exact_text(value), text
    )


@register.simple_tag
def ago(value: dt.datetime | str | None) -> SafeString | str:
    """Say how long ago it was."""
    moment = _moment(value)
    if moment is None:
        return "–"
    return _time(moment, since((timezone.now() - moment).total_seconds()))


@register.simple_tag
def age(value: dt.datetime | str | None) -> SafeString | str:
    """Say how old it is, without “ago”."""
    moment = _moment(value)
    return _time(moment, span((timezone.now() - moment).total_seconds())) if moment else "–"


@register.simple_tag
def exact(value: dt.datetime | str | None) -> SafeString | str:
    """Say date and time."""
    moment = _moment(value)
    return _time(moment, date_format(timezone.localtime(moment), "j M Y, H:i")) if moment else "–"


@register.simple_tag
def took(start: dt.datetime | str | None, end: dt.datetime | str | None) -> str:
    """Say how long something took, or has been going on."""
    begun = _moment(start)
    if begun is None:
        return ""
    seconds = ((_moment(end) or timezone.now()) - begun).total_seconds()
    return f"{max(0.0, seconds):.1f} s" if seconds < 10 else span(seconds)


@register.filter
def seconds(value: float) -> str:
    """Say how long, from a number of seconds."""
    return span(max(1.0, value))
