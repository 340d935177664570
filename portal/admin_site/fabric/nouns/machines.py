"""Virtual machines: where they stand, whose they are, how large they are."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.vmm.models import Cloud, Host, UserRole, VirtualMachine
from fabric.vmm.states import MachineStatus
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.noun import Actions, Column, Facet, Noun
from portal.templatetags.moments import age

TONES = {
    MachineStatus.RUNNING: "ok",
    MachineStatus.POWER_OFF: "idle",
    MachineStatus.STORED: "idle",
    MachineStatus.PAUSED: "warn",
    MachineStatus.SAVED: "warn",
    MachineStatus.HOST_NOT_RESPONDING: "warn",
    MachineStatus.CREATION_FAILED: "bad",
    MachineStatus.UPDATE_FAILED: "bad",
    MachineStatus.MISSING: "bad",
}


def state(machine: VirtualMachine, shape: str = "") -> SafeString:
    """Return where a machine stands: dot and word."""
    tone = TONES.get(MachineStatus(machine.status), "busy")
    return cells.state(machine.status, _(machine.status_string), shape, tone)


def host(row: Host | None) -> SafeString | str:
    """Return the way to a host, by the first part of its name: the whole of it is long."""
    if row is None:
        return cells.NOTHING
    url, short = cells.address("host", row), row.name.partition(".")[0]
    return format_html('<a href="{}" title="{}">{}</a>', url, row.name, short)


def owner(machine: VirtualMachine) -> Any:
    """Return whose machine it is: the person, and the role it counts against."""
    if machine.role is None:
        return cells.under(machine.owner_name or _("nobody"), _("the operators"))
    return cells.under(machine.owner_name or _("nobody"), machine.role)


class Machines(Noun):
    key, path, section, icon = "machine", "machines", "machines", "monitor"
    one, many = gettext_lazy("virtual machine"), gettext_lazy("Virtual machines")
    model = VirtualMachine
    own_names = ("fabric-machine-act", "fabric-machine-operate")
    actions = Actions(add=lambda *_args, **_words: None)
    search = ("name", "computer_name", "owner_name", "tag")
    search_title = gettext_lazy("Name, owner or tag")
    about = gettext_lazy("Every machine that this VMM server runs, whoever it belongs to.")
    list_template = "admin_site/fabric/machines/list.html"
    columns = (
        Column("name", gettext_lazy("Name"), lambda row: row.name, "name"),
        Column("state", gettext_lazy("State"), state, "status"),
        Column("cloud", gettext_lazy("Cloud"), lambda row: row.cloud.name, "cloud__name", "p2"),
        Column(
            "host",
            gettext_lazy("Host"),
            lambda row: host(row.host),
            "host_name",
            "p3",
        ),
        Column("owner", gettext_lazy("Owner"), owner, "owner_name", "p2 wrap"),
        Column("cores", gettext_lazy("Cores"), lambda row: row.cores, "cores", "number p3"),
        Column(
            "memory",
            gettext_lazy("Memory"),
            lambda row: cells.memory(row.memory_mb),
            "memory_mb",
            "number nowrap p3",
        ),
        Column(
            "storage",
            gettext_lazy("Storage"),
            lambda row: cells.storage(row.storage_gb),
            "storage_gb",
            "number nowrap p3",
        ),
        Column(
            "age", gettext_lazy("Age"), lambda row: age(row.created_at), "created_at", "nowrap p2"
        ),
    )
    facets = (
        Facet(
            "status",
            gettext_lazy("State"),
            gettext_lazy("Every state"),
            [(word, label.rstrip(".")) for word, label in MachineStatus.choices],
        ),
        Facet("cloud", gettext_lazy("Cloud"), gettext_lazy("Every cloud"), model=Cloud),
        Facet("host", gettext_lazy("Host"), gettext_lazy("Every host"), model=Host),
        Facet("role", gettext_lazy("Role"), gettext_lazy("Every role"), model=UserRole),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("cloud", "host", "role").annotate(
            host_name=Coalesce("host__name", Value(""))
        )
