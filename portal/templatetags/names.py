"""Long names: where a host's name or an e-mail address may be broken into lines."""

from __future__ import annotations

import re
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html_join
from django.utils.safestring import SafeString

register = template.Library()

# Before a dot or an @ inside a name; never inside a number or an address.
_MAY_BREAK = re.compile(r"(?<=\w)(?=[.@][^\W\d])")


@register.filter
def broken(value: Any) -> SafeString:
    """Return a name with places to break it at: before dots and @. Markup stays as it is."""
    if isinstance(value, SafeString):
        return value
    parts = _MAY_BREAK.split(str(value))
    if len(parts) == 1:
        return conditional_escape(parts[0])
    return format_html_join(SafeString("<wbr>"), "{}", ((part,) for part in parts))
