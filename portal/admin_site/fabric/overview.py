"""The first page of the fabric: how much there is of each noun, and which hosts are in trouble."""

from __future__ import annotations

from django.db.models import F, Func, IntegerField, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from fabric.vmm.models import Health, Host, Server
from portal.admin_site.fabric import sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.noun import Noun
from portal.admin_site.fabric.nouns import NOUNS


def overview(request: HttpRequest, console: Console) -> HttpResponse:
    """Show the counts. One query for all of them, one for the hosts in trouble."""
    listed = [noun for noun in NOUNS if noun.needs_server and not noun.parent]
    columns = {f"n{place}": number_of(noun, console) for place, noun in enumerate(listed)}
    counts = Server.objects.filter(pk=console.server.pk).values(**columns).get()
    groups = []
    for section in sections.SECTIONS:
        lines = [
            {"title": noun.many, "url": console.link(noun.list_name), "count": counts[f"n{place}"]}
            for place, noun in enumerate(listed)
            if noun.section == section.key
        ]
        if lines:
            groups.append((section.title, section.icon, lines))
    hosts = Host.objects.visible_to(console.caller).filter(server=console.server)
    context = {
        "console": console,
        "tabs": sections.section_tabs("overview", "fabric", console),
        "groups": groups,
        "troubled": hosts.filter(health=Health.UNREACHABLE).count(),
        "troubled_url": console.link("fabric-host-list", health=Health.UNREACHABLE),
    }
    return render(request, "admin_site/fabric/overview.html", context)


def number_of(noun: Noun, console: Console) -> Subquery:
    rows = noun.model.objects.visible_to(console.caller)
    if noun.server_path:
        rows = rows.filter(**{noun.server_path: console.server})
    number = rows.order_by().annotate(number=Func(F("pk"), function="COUNT")).values("number")
    return Subquery(number, output_field=IntegerField())


show = fabric_page(overview)
