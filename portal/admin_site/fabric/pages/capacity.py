"""How much there is, is taken, is free and was promised: of server, host groups and clouds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from fabric.vmm import capacity
from fabric.vmm.capacity import Capacity, Line
from fabric.vmm.models import Cloud, HostGroup
from portal.admin_site.fabric import cells, sections
from portal.admin_site.fabric.console import Console, fabric_page

MB_IN_GB = 1024
TITLES: Mapping[str, tuple[Any, Any]] = {
    "cores": (_("Virtual processors"), lambda value: f"{value:,}"),
    "memory_mb": (_("Memory"), lambda value: f"{value / MB_IN_GB:,.1f}".removesuffix(".0") + " GB"),
    "storage_gb": (_("Storage"), cells.storage),
}
MOST_DEPTH = 8


@dataclass(frozen=True)
class Measure:
    """A dimension as it is shown."""

    title: Any
    bar: Any
    free: str
    promised: str
    is_overpromised: bool


@dataclass(frozen=True)
class Row:
    """A host group or a cloud with its measures."""

    kind: str
    row: Any
    depth: int
    hosts: int
    usable: int
    measures: list[Measure]


def measure(line: Line) -> Measure:
    title, shown = TITLES[line.dimension]
    promised = shown(line.promised)
    if line.unlimited:
        promised = _("no limit") if not line.promised else _("%s and more without limit") % promised
    bar = cells.bar(line.used, line.total, shown)
    # Without a limit it is more than there is in any case, and said already.
    is_over = not line.unlimited and line.is_overpromised
    return Measure(title, bar, shown(line.free), str(promised), is_over)


def measures(of: Capacity) -> list[Measure]:
    return [measure(line) for line in of.lines]


def row(kind: str, thing: Any, of: Capacity, depth: int = 0) -> Row:
    return Row(kind, thing, min(depth, MOST_DEPTH), of.hosts, of.usable_hosts, measures(of))


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
    """Show all of it. Six queries for the numbers, and one for the names of each kind."""
    server = console.server
    assert server is not None
    told = capacity.overview(server)
    groups = HostGroup.objects.visible_to(console.caller).filter(server=server).order_by("name")
    clouds = Cloud.objects.visible_to(console.caller).filter(server=server).order_by("name")
    tables = [
        (
            _("Host groups"),
            _("Each with all below it."),
            [
                row("host-group", group, told.groups[group.pk], depth)
                for depth, group in tree(list(groups))
                if group.pk in told.groups
            ],
        ),
        (
            _("Clouds"),
            _("What their hosts and their own limits leave them."),
            [row("cloud", cloud, told.clouds[cloud.pk]) for cloud in clouds],
        ),
    ]
    context = {
        "console": console,
        "tabs": sections.section_tabs("overview", "fabric-capacity", console),
        "whole": told.whole,
        "measures": measures(told.whole),
        "tables": tables,
        "heads": [title for title, _shown in TITLES.values()],
    }
    return render(request, "admin_site/fabric/capacity/show.html", context)


show_page = fabric_page(require_GET(show))
