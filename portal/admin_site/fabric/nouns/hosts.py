"""Hosts: how they are, what they hold, and what is kept free on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import hosts
from fabric.vmm.models import Health, Host, HostGroup, StorageClassification, VirtualMachine
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.filters import YES_NO
from portal.admin_site.fabric.forms import (
    LinesField,
    NounForm,
    Repeated,
    RowField,
    description,
    flag,
    limit,
    line,
    number,
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
from portal.admin_site.fabric.nouns.groups import RULES, Tree
from portal.admin_site.fabric.pages import hosts as pages

TONES = {
    Health.OK: "ok",
    Health.WARNING: "warn",
    Health.UNREACHABLE: "bad",
    Health.UNKNOWN: "idle",
}


def health(host: Host, shape: str = "") -> Any:
    """Return how a host is: dot and word."""
    return cells.state(host.health, host.get_health_display(), shape, TONES[Health(host.health)])


class HostForm(NounForm):
    name = line(_("Name"), required=True, help_text=_("Its fully qualified name: its address."))
    description = description()
    group = RowField(HostGroup, label=_("Host group"))
    cluster = line(_("Cluster"), longest=64, help_text=_("The name of the cluster it is part of."))
    tags = LinesField(label=_("Tags"), help_text=_("One a line. Placement rules go by them."))
    cores = number(_("Cores"), least=1, initial=16)
    memory_mb = number(_("Memory in MB"), least=1, initial=65_536)
    storage_gb = limit(_("Storage in GB"), least=1)
    own_reserved_memory_mb = limit(_("Memory kept free, in MB"))
    own_reserved_storage_gb = limit(_("Storage kept free, in GB"))
    own_cores_per_core = limit(_("Virtual processors per core"), least=1)
    own_slots = limit(_("Heavy jobs at once"), least=1)
    is_available = flag(_("Available for placement"), _("New machines may be placed on it."), True)
    fixed = ("name", "cores", "memory_mb", "storage_gb", "volumes")
    groups = (
        (_("Size"), ("cores", "memory_mb", "storage_gb")),
        (
            _("Rules of this host"),
            (
                "own_reserved_memory_mb",
                "own_reserved_storage_gb",
                "own_cores_per_core",
                "own_slots",
                "is_available",
            ),
        ),
    )
    helps = {_("Rules of this host"): _("What is left empty is what its group says.")}
    repeated = (
        Repeated(
            "volumes",
            _("Volumes"),
            _("Volume"),
            {
                "name": lambda: line(_("Name"), longest=64),
                "capacity_gb": lambda: limit(_("Size in GB"), least=1),
                "classification": lambda: RowField(
                    StorageClassification,
                    label=_("Storage classification"),
                    required=False,
                    empty_label=_("None"),
                ),
            },
            help=_("Where it keeps disks. Without any, all its storage is one volume."),
        ),
    )

    def keywords(self) -> dict[str, Any]:
        words = super().keywords()
        if "volumes" in words:
            fields = ("name", "capacity_gb", "classification")
            words["volumes"] = [tuple(each[key] for key in fields) for each in words["volumes"]]
        return words


class Hosts(Noun):
    key, path, section, icon = "host", "hosts", "hosts", "server"
    one, many = _("host"), _("Hosts")
    model = Host
    form = HostForm
    actions = Actions(hosts.add, hosts.change, hosts.remove)
    search_title = _("Name")
    about = _("A machine that runs virtual machines. Every host belongs to a host group.")
    removal = _("No machine may be on it any more. The host itself keeps running.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("group", _("Group"), lambda row: row.group.name, "group__name", "p3"),
        Column(
            "health", _("Health"), lambda row: cells.under(health(row), maintained(row)), "health"
        ),
        Column("cores", _("Cores"), lambda row: row.cores, "cores", "number p3"),
        Column(
            "memory",
            _("Memory"),
            lambda row: cells.bar(row.used_memory_mb, row.memory_mb, cells.about_memory),
            "used_memory_mb",
            "p2",
        ),
        Column(
            "storage",
            _("Storage"),
            lambda row: cells.bar(row.used_storage_gb, row.storage_gb, cells.storage),
            "used_storage_gb",
            "p2",
        ),
        Column(
            "machines", _("Machines"), lambda row: row.machines_now, "machines_now", "number p2"
        ),
    )
    facets = (
        Facet("group", _("Host group"), _("Every host group"), model=HostGroup),
        Facet("health", _("Health"), _("Every health"), Health.choices),
        Facet("is_in_maintenance", _("Maintenance"), _("In maintenance or not"), YES_NO),
    )
    related = (
        Related("machine", "host", may_add=False),
        Related("job", "host", may_add=False),
        Related("volume", "host"),
    )
    show_template = "admin_site/fabric/hosts/show.html"

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("group").annotate(machines_now=count_of(VirtualMachine, "host"))

    def state(self, row: Any) -> Any:
        return health(row, "badge")

    def commands(self, row: Any, console: Console) -> list[Command]:
        return pages.commands(row)

    def show_context(self, row: Any, console: Console) -> dict[str, Any]:
        return pages.context(row, console)

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        tree = Tree(row.server_id)
        yield Part(
            _("Capacity"),
            [
                (_("Memory"), cells.bar(row.used_memory_mb, row.memory_mb, cells.about_memory)),
                (_("Storage"), cells.bar(row.used_storage_gb, row.storage_gb, cells.storage)),
                (
                    _("Virtual processors"),
                    cells.bar(row.used_cores, row.cores * row.cores_per_core),
                ),
                (_("Heavy jobs"), cells.bar(row.busy_slots, row.slots)),
                (_("Machines"), row.machines_now),
            ],
        )
        yield Part(
            _("Rules"),
            [
                (rule.title, tree.said(rule, row.group, getattr(row, f"own_{rule.key}")))
                for rule in RULES
            ]
            + [(_("Available for placement"), cells.yes(row.is_available))],
        )
        yield Part(
            _("Health"),
            [
                (_("Health"), health(row)),
                (_("Message"), cells.text(row.health_message)),
                (_("Checked"), cells.when(row.checked_at)),
                (_("In maintenance"), cells.yes(row.is_in_maintenance)),
            ],
        )
        yield kept(
            row,
            (_("Host group"), cells.link("host-group", row.group)),
            (_("Cores"), row.cores),
            (_("Hypervisor"), f"{row.hypervisor} {row.version}"),
            (_("Cluster"), cells.text(row.cluster)),
            (_("Tags"), cells.tags(row.tags)),
        )


def maintained(host: Host) -> Any:
    return _("in maintenance") if host.is_in_maintenance else ""
