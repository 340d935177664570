"""The Networks tab: adapters attached, changed, detached."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from fabric.actions import adapters, ordering
from fabric.models import Adapter, Machine
from fabric.states import Verb
from portal.tenant_site.access import own, signed_in
from portal.tenant_site.forms.adapters import AttachNetworkForm, ChangeNetworkForm
from portal.tenant_site.held import rights_in
from portal.tenant_site.machine_access import changing, load_or_none, loader_of
from portal.tenant_site.machine_asking import Asked, ask, confirm, reason_now
from portal.tenant_site.machine_commands import forbidden, why_not
from portal.tenant_site.machine_page import respond

TAB = "machine-networks"
load_adapter = loader_of(Adapter.objects.all())


@signed_in
@own(load_or_none, "GET")
def index(request: HttpRequest, machine: Machine | None) -> HttpResponse:
    if machine is None:
        return respond(request, None, TAB, {})
    rows = list(machine.adapters.select_related("network"))
    mine = rights_in(request, machine.subscription.tenant_id)
    context = {
        "part": "tenant_site/machines/_networks.html",
        "adapters": rows,
        "may": not forbidden(Verb.ADAPTERS, mine),
        "why": why_not(machine, Verb.ADAPTERS, mine),
        "extra": tuple((a.pk, a.network_id, a.network_name, a.mac, a.addresses) for a in rows),
    }
    return respond(request, machine, TAB, context)


@changing(Verb.ADAPTERS, "GET", "POST")
def attach(request: HttpRequest, machine: Machine) -> HttpResponse:
    form = AttachNetworkForm(request.POST or None, machine=machine)

    def act(said: dict[str, Any]) -> None:
        adapters.attach(
            by=request.user,
            machine=machine,
            network=said["network"],
            address=said["address"],
            request_key=str(said["request_key"]),
        )

    asked = Asked(
        _("Attach %(name)s to a network") % {"name": machine.name},
        _("Attach"),
        "network",
        TAB,
        [_("The machine gets one more network adapter. The system in it sees a new card.")],
        reason=reason_now(request, machine, Verb.ADAPTERS),
        look=_("Check the address"),
    )
    return ask(request, machine, asked, form, act, _looker(machine))


@changing(Verb.ADAPTERS, "GET", "POST", load=load_adapter)
def change(request: HttpRequest, adapter: Adapter) -> HttpResponse:
    form = ChangeNetworkForm(request.POST or None, adapter=adapter)
    asked = Asked(
        _("Change adapter %(n)d") % {"n": adapter.slot + 1},
        _("Change"),
        "pencil",
        TAB,
        [_("Connections over this adapter break off; its address may become another one.")],
        reason=reason_now(request, adapter.machine, Verb.ADAPTERS),
        look=_("Check the address"),
    )
    return ask(
        request,
        adapter.machine,
        asked,
        form,
        lambda _said: adapters.change(by=request.user, adapter=adapter, **form.changes()),
        _looker(adapter.machine),
    )


@changing(Verb.ADAPTERS, "GET", "POST", load=load_adapter)
def remove(request: HttpRequest, adapter: Adapter) -> HttpResponse:
    network = adapter.network.name if adapter.network else adapter.network_name
    says = _("The adapter is taken out, and its address goes back to the network.")
    if network:
        says = _("The machine leaves “%(network)s”, and its address there is given back.") % {
            "network": network
        }
    asked = Asked(
        _("Detach adapter %(n)d?") % {"n": adapter.slot + 1},
        _("Detach"),
        "plug",
        TAB,
        [says],
        tone="danger",
        reason=reason_now(request, adapter.machine, Verb.ADAPTERS),
    )
    return confirm(
        request,
        adapter.machine,
        asked,
        lambda: adapters.remove(by=request.user, adapter=adapter),
    )


def _looker(machine: Machine) -> Callable[[dict[str, Any]], str]:
    """Return what tells whether an address is free; it refuses one that is not."""

    def look(said: dict[str, Any]) -> str:
        if not said["address"]:
            return _("The network's pool gives an address.")
        ordering.require_address(said["network"], said["address"], but=machine)
        return _("Free, as far as is known.")

    return look
