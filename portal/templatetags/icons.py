"""Icons, drawn into the page: no second request, no shift. Always beside a word."""

from __future__ import annotations

import re
from functools import cache

from django import template
from django.conf import settings
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
_SHAPES = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
# Size and stroke are the style sheet's: said in each of forty icons they were a tenth of a page.
_SVG = '<svg class="icon{extra}" aria-hidden="true" viewBox="0 0 24 24">{shapes}</svg>'


@cache
def _shapes(name: str) -> str:
    path = settings.BASE_DIR / "static" / "vendor" / "lucide" / "icons" / f"{name}.svg"
    found = _SHAPES.search(path.read_text())
    if found is None:
        raise ValueError(f"{path.name} holds no drawing")
    return re.sub(r"\s+", " ", found[1]).strip().replace("> <", "><").replace(" />", "/>")


@register.simple_tag
def icon(name: str, extra: str = "") -> SafeString:
    """Draw a vendored icon by its file name; `extra` is added to its class."""
    classes = f" {extra}" if extra else ""
    return mark_safe(_SVG.format(extra=classes, shapes=_shapes(name)))  # noqa: S308 - our own files
