"""Load balancers and VIP templates: declared elements that clouds may hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import balancers
from fabric.vmm.models import (
    BalancingMethod,
    Cloud,
    HostGroup,
    LoadBalancer,
    LogicalNetwork,
    Protocol,
    VIPTemplate,
)
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    NounForm,
    RowsField,
    description,
    flag,
    line,
    name,
    number,
)
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Facet,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)


class LoadBalancerForm(NounForm):
    name = name()
    description = description()
    address = line(
        _("Address"), required=True, help_text=_("Host name or address it is managed at.")
    )
    manufacturer = line(_("Manufacturer"), longest=64)
    model = line(_("Model"), longest=64)
    host_groups = RowsField(HostGroup, label=_("Host groups"))
    logical_networks = RowsField(LogicalNetwork, label=_("Logical networks"))


class LoadBalancers(Noun):
    key, path, section, icon = "load-balancer", "load-balancers", "networks", "layers"
    one, many = _("load balancer"), _("Load balancers")
    model = LoadBalancer
    form = LoadBalancerForm
    actions = Actions(balancers.add_balancer, balancers.change_balancer, balancers.remove_balancer)
    search = ("name", "address")
    search_title = _("Name or address")
    about = _("A load balancer that is there, and which hosts and networks it serves.")
    removal = _("No cloud may hold it any more. The load balancer itself is left alone.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("address", _("Address"), lambda row: row.address, "address"),
        Column("make", _("Make"), lambda row: make(row), "manufacturer", "p2"),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number"),
    )
    related = (Related("cloud", "load_balancers", may_add=False),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(clouds_now=count_of(Cloud, "load_balancers"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        networks = row.logical_networks.order_by("name")
        yield kept(
            row,
            (_("Address"), row.address),
            (_("Make"), make(row)),
            (_("Host groups"), cells.links("host-group", row.host_groups.order_by("name"))),
            (_("Logical networks"), cells.links("logical-network", networks)),
        )


def make(balancer: LoadBalancer) -> str:
    return cells.text(f"{balancer.manufacturer} {balancer.model}".strip())


class VIPTemplateForm(NounForm):
    name = name()
    description = description()
    protocol = forms.ChoiceField(label=_("Protocol"), choices=Protocol.choices)
    port = number(_("Port"), least=1, initial=443)
    method = forms.ChoiceField(label=_("Method"), choices=BalancingMethod.choices)
    is_persistent = flag(_("Persistent"), _("Who came once comes to the same machine again."))


class VIPTemplates(Noun):
    key, path, section, icon = "vip-template", "vip-templates", "networks", "copy"
    one, many = _("VIP template"), _("VIP templates")
    model = VIPTemplate
    form = VIPTemplateForm
    actions = Actions(balancers.add_vip, balancers.change_vip, balancers.remove_vip)
    about = _("How a virtual address is balanced: protocol, port and method.")
    removal = _("No cloud may hold it any more.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("protocol", _("Protocol"), lambda row: row.protocol, "protocol"),
        Column("port", _("Port"), lambda row: row.port, "port", "number"),
        Column("method", _("Method"), lambda row: row.get_method_display(), "method", "p2"),
        Column(
            "persistent",
            _("Persistent"),
            lambda row: cells.yes(row.is_persistent),
            "is_persistent",
            "p2",
        ),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number p2"),
    )
    facets = (Facet("protocol", _("Protocol"), _("Every protocol"), Protocol.choices),)
    related = (Related("cloud", "vip_templates", may_add=False),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(clouds_now=count_of(Cloud, "vip_templates"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield kept(
            row,
            (_("Protocol"), row.protocol),
            (_("Port"), row.port),
            (_("Method"), row.get_method_display()),
            (_("Persistent"), cells.yes(row.is_persistent)),
        )
