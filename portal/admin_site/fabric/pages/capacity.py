"""How much there is, is taken, is free and was promised: of server, host groups and clouds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from fabric.vmm import capacity
from fabric.vmm.capacity import Capacity, Line
from fabric.vmm.models import Cloud, HostGroup
from portal.admin_site.fabric import cells, sections
from portal.admin_site.fabric.console import Console, fabric_page

Shown = Callable[[int], str]
MB_IN_GB = GB_IN_TB = 1024
TITLES: Mapping[str, Any] = {
    "cores": gettext_lazy("Virtual processors"),
    "memory_mb": gettext_lazy("Memory"),
    "storage_gb": gettext_lazy("Storage"),
}
# What one of the dimension is of a GB; and from how many GB on all of a page is told in TB.
OF_A_GB = {"memory_mb": MB_IN_GB, "storage_gb": 1}
IN_TB_FROM = 100 * GB_IN_TB
MOST_DEPTH = 8


@dataclass(frozen=True)
class Measure:
    """A dimension as it is shown."""

    title: Any
    bar: Any
    free: str
    promised: Any
    is_overpromised: bool


@dataclass(frozen=True)
class Row:
    """A host group or a cloud with its measures; one without hosts has none."""

    kind: str
    row: Any
    depth: int
    hosts: int
    usable: int
    measures: list[Measure]


def units(whole: Capacity) -> dict[str, Shown]:
    """Return how each dimension is told: in one unit all over the page, so that rows compare."""
    return {line.dimension: unit(line) for line in whole.lines}


def unit(line: Line) -> Shown:
    if line.dimension not in OF_A_GB:
        return lambda value: f"{value:,}"
    one_gb = OF_A_GB[line.dimension]
    is_large = line.total >= IN_TB_FROM * one_gb
    size, word = (one_gb * GB_IN_TB, "TB") if is_large else (one_gb, "GB")
    return lambda value: f"{value / size:,.1f}".removesuffix(".0") + f" {word}"


def measure(line: Line, shown: Shown) -> Measure:
    """Return a dimension in words. Only a number can be more than there is."""
    without = ngettext("%d role without limit", "%d roles without limit", line.unlimited)
    parts = [shown(line.promised)] if line.promised or not line.unlimited else []
    if line.unlimited:
        parts.append(without % line.unlimited)
    promised = " + ".join(parts)
    bar = cells.bar(line.used, line.total, shown)
    is_over = line.promised > line.total
    return Measure(TITLES[line.dimension], bar, shown(line.free), promised, is_over)


def measures(of: Capacity, shown: Mapping[str, Shown]) -> list[Measure]:
    return [measure(line, shown[line.dimension]) for line in of.lines]


def row(kind: str, thing: Any, of: Capacity, shown: Mapping[str, Shown], depth: int = 0) -> Row:
    told = measures(of, shown) if of.hosts else []
    return Row(kind, thing, min(depth, MOST_DEPTH), of.hosts, of.usable_hosts, told)


def tree(groups: list[HostGroup]) -> list[tuple[int, HostGroup]]:
    """Return the groups as a tree, each with its depth."""
    known = {group.pk for group in groups}
    below: dict[UUID | None, list[HostGroup]] = {}
    for group in groups:
        below.setdefault(group.parent_id if group.parent_id in known else None, []).append(group)
    drawn, waiting = [], [(0, group) for group in reversed(below.get(None, []))]
    while waiting:
        depth, group = waiting.pop()
        drawn.append((depth, group))
        waiting += [(depth + 1, child) for child in reversed(below.get(group.pk, []))]
    return drawn


def show(request: HttpRequest, console: Console) -> HttpResponse:
    """Show all the caller sees. Six queries for the numbers, one for the names of each kind."""
    server = console.server
    assert server is not None
    told = capacity.overview(server, console.caller)
    shown = units(told.whole)
    groups = HostGroup.objects.visible_to(console.caller).filter(server=server).order_by("name")
    clouds = Cloud.objects.visible_to(console.caller).filter(server=server).order_by("name")
    tables = [
        (
            "host-groups",
            _("Host groups"),
            _("Each with all below it."),
            [
                row("host-group", group, told.groups[group.pk], shown, depth)
                for depth, group in tree(list(groups))
                if group.pk in told.groups
            ],
        ),
        (
            "clouds",
            _("Clouds"),
            _("What their hosts and their own limits leave them."),
            [
                row("cloud", cloud, told.clouds[cloud.pk], shown)
                for cloud in clouds
                if cloud.pk in told.clouds
            ],
        ),
    ]
    context = {
        "console": console,
        "tabs": sections.section_tabs("overview", "fabric-capacity", console),
        "whole": told.whole,
        "measures": measures(told.whole, shown),
        "tables": tables,
        "heads": TITLES.values(),
    }
    return render(request, "admin_site/fabric/capacity/show.html", context)


show_page = fabric_page(require_GET(show))
