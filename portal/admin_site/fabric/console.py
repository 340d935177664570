"""What every page of the fabric stands on: the VMM server in view, who asks, and what they may."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import F, Func, IntegerField, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from fabric.durable.states import LIVE
from fabric.vmm import roles
from fabric.vmm.models import (
    Cloud,
    Drift,
    DriftState,
    Host,
    Job,
    Server,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from fabric.vmm.roles import Caller
from portal.admin_site.access import operator_required

SERVER = "server"


class Console:
    """One for each request: menu, page and form ask the same one, so each query is made once."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self._standing: Any = None

    @cached_property
    def caller(self) -> Caller:
        """Return whom VMM is asked as."""
        return roles.caller_of(self.request.user.email, is_operator=True)

    @cached_property
    def may_change(self) -> bool:
        """Tell whether commands are shown at all; each action decides about its own object."""
        return self.caller.is_fabric and not self.caller.is_read_only

    @cached_property
    def servers(self) -> list[Server]:
        """Return the VMM servers by name, each with the menu's counts. One query."""
        counts = {
            "hosts_now": self._count(Host),
            "templates_now": self._count(VMTemplate),
            "networks_now": self._count(VMNetwork),
            "clouds_now": self._count(Cloud),
            "machines_now": self._count(VirtualMachine),
            "jobs_now": self._count(Job, state__in=LIVE),
            "drifts_now": self._count(Drift, state=DriftState.OPEN),
        }
        return list(Server.objects.visible_to(self.caller).annotate(**counts).order_by("name"))

    @property
    def server(self) -> Any:
        """Return the server in view: the shown row's, the one the URL names, or the first."""
        wanted = self.request.GET.get(SERVER, "")
        named = (each for each in self.servers if each.name == wanted)
        standing = (each for each in self.servers if each.pk == self._standing)
        return next(standing, None) or next(named, None) or next(iter(self.servers), None)

    def stand_on(self, server_id: Any) -> None:
        """Put the server that a shown row belongs to in view."""
        self._standing = server_id

    def link(self, name: str, *args: object, **query: object) -> str:
        """Return the address of a page, with the server in view when there are several."""
        asked = QueryDict(mutable=True)
        if len(self.servers) > 1 and self.server is not None:
            asked[SERVER] = self.server.name
        asked.update({key: str(value) for key, value in query.items()})
        return reverse(name, args=args) + (f"?{asked.urlencode()}" if asked else "")

    def _count(self, model: Any, **only: object) -> Subquery:
        rows: QuerySet[Any] = model.objects.visible_to(self.caller)
        mine = rows.filter(server=OuterRef("pk"), **only).order_by()
        number = mine.annotate(number=Func(F("pk"), function="COUNT")).values("number")
        return Subquery(number, output_field=IntegerField())


def console_of(request: HttpRequest) -> Console:
    """Return the request's console, the same for menu and page."""
    if not hasattr(request, "_katal_console"):
        request._katal_console = Console(request)
    return request._katal_console


def fabric_page(
    view: Callable[..., HttpResponse], *, changes: bool = False, needs_server: bool = True
) -> Any:
    """Let operators in, and to pages that change something only who may change the fabric.

    Without any VMM server, every page that needs one says so instead.
    """

    @operator_required
    @wraps(view)
    def gate(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        console = console_of(request)
        if changes and not console.may_change:
            raise PermissionDenied(_("Your role may look at the fabric, and change nothing of it."))
        if console.server is None and needs_server:
            return render(request, "admin_site/fabric/no_server.html", {"console": console})
        return view(request, console, *args, **kwargs)

    return gate
