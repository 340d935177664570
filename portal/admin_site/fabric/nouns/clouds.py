"""Clouds: made of nine kinds of elements, with limits, and a way to choose hosts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import clouds
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    HostGroup,
    LibraryShare,
    LoadBalancer,
    LogicalNetwork,
    StorageClassification,
    Strategy,
    VIPTemplate,
    VirtualMachine,
)
from fabric.vmm.quota import Component
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    NounForm,
    RowField,
    RowsField,
    description,
    limit,
    name,
)
from portal.admin_site.fabric.noun import (
    Actions,
    Column,
    Command,
    Facet,
    Noun,
    Part,
    Related,
    count_of,
    kept,
)
from portal.admin_site.fabric.nouns.library import share_title
from portal.admin_site.fabric.pages import trials

TITLES = {
    "VMCount": _("Virtual machines"),
    "CpuCount": _("Virtual processors"),
    "MemoryMB": _("Memory"),
    "StorageGB": _("Storage"),
    "CustomQuotaCount": _("Quota points"),
}
SHOWN: dict[str, Any] = {"MemoryMB": cells.about_memory, "StorageGB": cells.storage}
HELD = ("machines", "cores", "memory_mb", "storage_gb", "points")


class CloudForm(NounForm):
    name = name()
    description = description()
    host_groups = RowsField(HostGroup, label=_("Host groups"), required=True)
    logical_networks = RowsField(
        LogicalNetwork,
        label=_("Logical networks"),
        help_text=_("Their VM networks belong to the cloud with them."),
    )
    load_balancers = RowsField(LoadBalancer, label=_("Load balancers"))
    vip_templates = RowsField(VIPTemplate, label=_("VIP templates"))
    classifications = RowsField(
        StorageClassification,
        label=_("Storage classifications"),
        help_text=_("Without any, disks may lie on every kind of storage."),
    )
    library_shares = RowsField(
        LibraryShare, label=_("Library shares"), shown=share_title, related=("library_server",)
    )
    store = RowField(
        LibraryShare,
        label=_("Stored machines go to"),
        required=False,
        empty_label=_("Nowhere: nothing can be stored"),
        shown=share_title,
        related=("library_server",),
        help_text=_("One of the library shares above."),
    )
    capability_profiles = RowsField(
        CapabilityProfile,
        label=_("Capability profiles"),
        help_text=_("Machines must fit one of them. Without any, everything goes."),
    )
    strategy = forms.ChoiceField(
        label=_("Hosts are chosen"),
        choices=Strategy.choices,
        initial=Strategy.MOST_FREE,
    )
    machines = limit(_("Virtual machines, at most"))
    cores = limit(_("Virtual processors, at most"))
    memory_mb = limit(_("Memory in MB, at most"))
    storage_gb = limit(_("Storage in GB, at most"))
    points = limit(_("Quota points, at most"))
    groups = (
        (_("Hosts"), ("host_groups", "strategy")),
        (_("Networks"), ("logical_networks", "load_balancers", "vip_templates")),
        (_("Storage and library"), ("classifications", "library_shares", "store")),
        (_("Machines"), ("capability_profiles",)),
        (_("Capacity"), HELD),
    )


class Clouds(Noun):
    key, path, section, icon = "cloud", "clouds", "clouds", "boxes"
    one, many = _("cloud"), _("Clouds")
    model = Cloud
    form = CloudForm
    actions = Actions(clouds.add, clouds.change, clouds.remove)
    about = _(
        "Parts of the fabric behind one name, with limits. Plans and user roles lead to clouds."
    )
    removal = _("It must have no machines, templates or user roles any more. Its elements stay.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("machines", _("Machines"), lambda row: row.machines_now, "machines_now", "number"),
        Column("most", _("At most"), lambda row: cells.no_limit(row.machines), "", "number p2"),
        Column("cores", _("Processors"), lambda row: cells.no_limit(row.cores), "", "number p3"),
        Column(
            "memory",
            _("Memory"),
            lambda row: cells.no_limit(row.memory_mb, cells.memory),
            "",
            "number p2",
        ),
        Column(
            "storage",
            _("Storage"),
            lambda row: cells.no_limit(row.storage_gb, cells.storage),
            "",
            "number p2",
        ),
        Column("strategy", _("Hosts"), lambda row: row.get_strategy_display(), "strategy", "p3"),
    )
    facets = (
        Facet(
            "group", _("Host group"), _("Every host group"), model=HostGroup, lookup="host_groups"
        ),
    )
    related = (Related("machine", "cloud", may_add=False), Related("template", "cloud"))

    def commands(self, row: Any, console: Console) -> list[Command]:
        return [trials.command(console, cloud=row)]

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("store").annotate(machines_now=count_of(VirtualMachine, "cloud"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        made_of = clouds.elements(row)
        yield Part(
            _("Elements"),
            [
                (_("Host groups"), cells.links("host-group", made_of.host_groups)),
                (_("Logical networks"), cells.links("logical-network", made_of.logical_networks)),
                (_("VM networks"), cells.links("vm-network", made_of.vm_networks)),
                (_("Load balancers"), cells.links("load-balancer", made_of.load_balancers)),
                (_("VIP templates"), cells.links("vip-template", made_of.vip_templates)),
                (
                    _("Storage"),
                    cells.links("classification", made_of.classifications, _("every kind")),
                ),
                (_("Library"), cells.links("library-share", made_of.library_shares)),
                (
                    _("Capability profiles"),
                    cells.links(
                        "capability-profile", made_of.capability_profiles, _("any machine")
                    ),
                ),
            ],
        )
        yield Part(
            _("Capacity"),
            [(TITLES[each.dimension], taken(each)) for each in made_of.capacity],
        )
        yield kept(
            row,
            (_("Hosts are chosen"), row.get_strategy_display()),
            (_("Stored machines go to"), cells.link("library-share", row.store)),
        )


def taken(component: Component) -> Any:
    """Return what is used of one dimension, as a bar where there is a limit."""
    shown = SHOWN.get(component.dimension, cells.text)
    if component.limit is None:
        return _("%s · no limit") % shown(component.used)
    return cells.bar(component.used, component.limit, shown)
