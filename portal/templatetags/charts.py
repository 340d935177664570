"""Load curves as figures. Put together here: the template engine took longer than the database."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from portal.charts import GRID, HEIGHT, WIDTH, Chart

register = template.Library()

_LINES = "".join(f"M0 {HEIGHT * line / GRID:g}H{WIDTH}" for line in range(GRID + 1))
_BOX = mark_safe(f'viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none"')  # noqa: S308 - ours
_GRID = mark_safe(f'<path class="grid" d="{_LINES}"/>')  # noqa: S308 - ours


@register.simple_tag
def load_chart(chart: Chart, nothing: str) -> SafeString:
    """Draw a curve, or say `nothing` where there are no samples.

    What each sample is stands in `data-said`: static/js/charts.js shows it beside the pointer, and
    the table has it for everybody.
    """
    plot = _plot(chart) if chart.points else format_html('<div class="none">{}</div>', nothing)
    return format_html(
        '<figure class="card chart"><figcaption><strong>{}</strong>'
        '<span class="now">{}</span></figcaption>{}</figure>',
        chart.title,
        chart.now,
        plot,
    )


def _plot(chart: Chart) -> SafeString:
    return format_html(
        '<div class="plot"><div class="y" aria-hidden="true">{}</div>'
        '<svg {} role="img" aria-label="{}" data-said="{}">{}'
        '<path class="area" d="{}"/><path class="curve" d="{}"/></svg>'
        '<div class="x" aria-hidden="true">{}</div></div>',
        _labels(chart.y_labels),
        _BOX,
        chart.summary,
        "|".join(chart.said),
        _GRID,
        chart.area,
        chart.path,
        _labels(chart.x_labels),
    )


def _labels(words: Iterable[str]) -> SafeString:
    return format_html_join("", "<span>{}</span>", ((word,) for word in words))
