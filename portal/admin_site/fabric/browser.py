"""The library browser: servers and shares on the left, what lies there on the right."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from fabric.vmm.models import FileKind, LibraryFile, LibraryServer, LibraryShare, VirtualHardDisk
from portal.admin_site.fabric import sections
from portal.admin_site.fabric.console import Console, fabric_page
from portal.admin_site.fabric.filters import NounFilter
from portal.admin_site.fabric.noun import Noun, count_of
from portal.admin_site.fabric.nouns import noun_of
from portal.admin_site.fabric.tables import table
from portal.admin_site.listing import listed
from portal.asked import as_uuid

DISKS = "disk"


def browse(request: HttpRequest, console: Console) -> HttpResponse:
    """Show the files of one kind, of the share chosen or of all."""
    share = as_uuid(request.GET.get("share", ""))
    kind = request.GET.get("kind", DISKS)
    kind = kind if kind in FileKind.values else DISKS
    noun = noun_of("disk" if kind == DISKS else "file")
    rows = noun.queryset(console)
    if kind != DISKS:
        rows = rows.filter(kind=kind)
    if share:
        rows = rows.filter(share=share)
    filters = NounFilter(
        request.GET, noun=noun, console=console, facets=(), along=("share", "kind")
    )
    hide = {"kind"} | ({"share"} if share else set())
    context = listed(request, filters.narrow(rows), noun.sorts, default=noun.default_sort)
    context |= {
        "console": console,
        "tabs": sections.tabs(noun_of("library-server"), console),
        "servers": shares_by_server(console),
        "share": share,
        "kind": kind,
        "kinds": kinds(console, share, kind),
        "every_url": console.link("fabric-library-server-list", kind=kind),
        "clear_url": here(console, share, kind),
        "filters": filters,
        "noun": noun,
        "table": table(noun, context["page"].rows, without=hide),
        "new_links": new_links(console, noun, share, kind),
    }
    return render(request, "admin_site/fabric/library.html", context)


def shares_by_server(console: Console) -> list[tuple[Any, list[tuple[Any, str]]]]:
    """Return the tree on the left: servers, and their shares with the way there. Two queries."""
    content = count_of(VirtualHardDisk, "share") + count_of(LibraryFile, "share")
    shares = LibraryShare.objects.visible_to(console.caller).annotate(content_now=content)
    servers = LibraryServer.objects.visible_to(console.caller).filter(server=console.server)
    kind = console.request.GET.get("kind", DISKS)
    return [
        (server, [(share, here(console, share.pk, kind)) for share in server.shares.all()])
        for server in servers.order_by("name").prefetch_related(
            Prefetch("shares", shares.order_by("name"))
        )
    ]


def kinds(console: Console, share: uuid.UUID | None, current: str) -> list[dict[str, Any]]:
    """Return the kinds of files as tabs of the right side."""
    words = [(DISKS, _("Virtual hard disks")), *zip(FileKind.values, plurals(), strict=True)]
    return [
        {"title": title, "url": here(console, share, kind), "current": kind == current}
        for kind, title in words
    ]


def plurals() -> list[str]:
    return [_("ISO images"), _("Answer files"), _("Scripts")]


def here(console: Console, share: uuid.UUID | None, kind: str) -> str:
    asked: dict[str, object] = {} if share is None else {"share": share}
    if kind != DISKS:
        asked["kind"] = kind
    return console.link("fabric-library-server-list", **asked)


def new_links(
    console: Console, noun: Noun, share: uuid.UUID | None, kind: str
) -> list[tuple[str, str]]:
    """Return what can be added to where one stands, the likeliest first."""
    if not console.may_change:
        return []
    asked: dict[str, object] = {} if share is None else {"share": share}
    if kind != DISKS:
        asked["kind"] = kind
    nouns = [(noun, asked), (noun_of("library-share"), {}), (noun_of("library-server"), {})]
    return [
        (_("New %s") % each.one, console.link(each.new_name, **said))
        for each, said in nouns
        if each.actions.add is not None
    ]


show = fabric_page(browse)
