"""VM templates, with their data disks, and the guest profiles that set their systems up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import profiles, templates
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    FileKind,
    GuestProfile,
    LibraryFile,
    OSType,
    StorageClassification,
    VirtualHardDisk,
    VMTemplate,
)
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
    name,
    number,
    secret,
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
from portal.admin_site.fabric.nouns.library import usable
from portal.admin_site.fabric.nouns.profiles import generation
from portal.admin_site.fabric.pages import trials

MAY_CHANGE = (
    ("name", _("Computer name")),
    ("cores", _("Processors")),
    ("memory", _("Memory")),
    ("adapters", _("Network adapters")),
)
PRODUCT_KEY = _("Windows only, such as XXXXX-XXXXX-XXXXX-XXXXX-XXXXX. Stored encrypted.")
PATTERN = _("Number signs become numbers: web-## makes web-01, web-02 …")


def disk_title(disk: VirtualHardDisk) -> str:
    return f"{disk} ({cells.storage(disk.size_gb)})"


class TemplateForm(NounForm):
    name = name(max_length=100)
    description = description()
    disk = RowField(
        VirtualHardDisk,
        label=_("Virtual hard disk"),
        only={"is_enabled": True},
        shown=disk_title,
        help_text=_("The first disk; it holds the operating system."),
    )
    os_type = forms.ChoiceField(label=_("Kind of operating system"), choices=OSType.choices)
    os_name = line(
        _("Operating system"), longest=200, help_text=_("Left empty, it is what the disk says.")
    )
    cores = number(_("Virtual processors"), least=1, initial=1)
    memory_mb = number(_("Memory in MB"), least=1, initial=2048)
    generation = generation()
    adapters = number(_("Network adapters"), initial=1)
    classification = RowField(
        StorageClassification,
        label=_("Storage classification"),
        required=False,
        empty_label=_("Any"),
    )
    capability_profile = RowField(CapabilityProfile, label=_("Capability profile"), required=False)
    is_dynamic_memory = flag(_("Dynamic memory"))
    is_highly_available = flag(_("Highly available"))
    guest_profile = RowField(GuestProfile, label=_("Guest profile"), required=False)
    computer_name_pattern = line(_("Computer name"), longest=63, help_text=PATTERN)
    product_key = secret(_("Product key"), help_text=PRODUCT_KEY)
    cloud = RowField(
        Cloud, label=_("Cloud"), required=False, empty_label=_("Every cloud of this server")
    )
    tenant_may_change = forms.MultipleChoiceField(
        label=_("Who orders may change"),
        choices=MAY_CHANGE,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        initial=[word for word, _title in MAY_CHANGE],
    )
    quota_point = number(_("Quota points of a machine"), initial=1)
    tags = LinesField(label=_("Tags"), help_text=_("One a line. Placement rules go by them."))
    is_enabled = flag(_("Enabled"), _("New machines may be made of it."), True)
    secrets = ("product_key",)
    forgettable = ("product_key",)
    groups = (
        (
            _("Hardware"),
            (
                "cores",
                "memory_mb",
                "generation",
                "adapters",
                "classification",
                "capability_profile",
                "is_dynamic_memory",
                "is_highly_available",
            ),
        ),
        (_("Guest set-up"), ("guest_profile", "computer_name_pattern", "product_key")),
        (
            _("Use"),
            ("cloud", "tenant_may_change", "quota_point", "tags", "is_enabled"),
        ),
    )
    repeated = (
        Repeated(
            "data_disks",
            _("Data disks"),
            _("Data disk"),
            {
                "disk": lambda: RowField(
                    VirtualHardDisk,
                    label=_("Copy of"),
                    required=False,
                    only={"is_enabled": True},
                    shown=disk_title,
                    empty_label=_("An empty disk"),
                ),
                "size_gb": lambda: limit(_("Size in GB"), least=1),
                "classification": lambda: RowField(
                    StorageClassification,
                    label=_("Storage classification"),
                    required=False,
                    empty_label=_("Any"),
                ),
                "name": lambda: line(_("Name"), longest=100),
            },
            help=_("What machines have beside the first disk. A disk left empty is none."),
        ),
    )

    def sets_of(self, row: Any, name: str) -> list[dict[str, Any]]:
        fields = ("disk", "size_gb", "classification", "name")
        return list(row.data_disks.order_by("lun").values(*fields))


class Templates(Noun):
    key, path, section, icon = "template", "templates", "library", "copy"
    one, many = _("VM template"), _("VM templates")
    model = VMTemplate
    form = TemplateForm
    actions = Actions(templates.add, templates.change, templates.remove)
    search = ("name", "os_name")
    search_title = _("Name or system")
    about = _(
        "What machines are made from: a disk with an operating system, hardware, and what may "
        "be chosen."
    )
    removal = _("Machines made of it stay as they are. Plans that offer it lose it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("system", _("Operating system"), lambda row: row.os_name, "os_name", "p2"),
        Column("cores", _("Processors"), lambda row: row.cores, "cores", "number"),
        Column(
            "memory", _("Memory"), lambda row: cells.memory(row.memory_mb), "memory_mb", "number"
        ),
        Column("disk", _("Disk"), lambda row: cells.link("disk", row.disk), "disk__name", "p3"),
        Column(
            "cloud",
            _("Cloud"),
            lambda row: cells.link("cloud", row.cloud) if row.cloud else _("every one"),
            classes="p2",
        ),
        Column("enabled", _("State"), usable, "is_enabled", "p2"),
    )
    facets = (
        Facet("os_type", _("System"), _("Every system"), OSType.choices),
        Facet("cloud", _("Cloud"), _("Every cloud"), model=Cloud),
        Facet("is_enabled", _("Enabled"), _("Enabled or not"), YES_NO),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related(
            "disk", "cloud", "classification", "capability_profile", "guest_profile"
        )

    def state(self, row: Any) -> Any:
        return usable(row, "badge")

    def commands(self, row: Any, console: Console) -> list[Command]:
        return [trials.command(console, template=row)]

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        profile = row.capability_profile
        yield Part(
            _("Hardware"),
            [
                (_("Virtual processors"), row.cores),
                (_("Memory"), cells.memory(row.memory_mb)),
                (_("Generation"), row.generation),
                (_("Network adapters"), row.adapters),
                (_("Dynamic memory"), cells.yes(row.is_dynamic_memory)),
                (_("Highly available"), cells.yes(row.is_highly_available)),
                (_("Capability profile"), cells.link("capability-profile", profile)),
            ],
        )
        yield Part(_("Disks"), list(self.disks(row)))
        yield Part(
            _("Guest set-up"),
            [
                (_("Operating system"), row.os_name),
                (_("Guest profile"), cells.link("guest-profile", row.guest_profile)),
                (_("Computer name"), cells.text(row.computer_name_pattern)),
                (_("Product key"), stored(row.sealed)),
            ],
        )
        may = [title for word, title in MAY_CHANGE if word in row.tenant_may_change]
        yield Part(
            _("Use"),
            [
                (_("Cloud"), cells.link("cloud", row.cloud) if row.cloud else _("every one")),
                (_("Who orders may change"), cells.tags(may)),
                (_("Quota points"), row.quota_point),
                (_("Tags"), cells.tags(row.tags)),
            ],
        )
        yield kept(row)

    def disks(self, row: Any) -> Iterable[tuple[Any, Any]]:
        """Yield the first disk and the data disks, each with its size and classification."""
        first = cells.under(cells.link("disk", row.disk), cells.storage(row.disk.size_gb))
        yield _("First disk"), first
        yield _("Storage"), cells.link("classification", row.classification)
        for disk in row.data_disks.select_related("disk", "classification").order_by("lun"):
            source = cells.link("disk", disk.disk) if disk.disk else _("empty")
            size = cells.storage(disk.size_gb)
            kind = f" · {disk.classification}" if disk.classification else ""
            yield disk.name, cells.under(source, f"{size}{kind}")


class GuestProfileForm(NounForm):
    name = name(max_length=100)
    description = description()
    os_type = forms.ChoiceField(label=_("Operating system"), choices=OSType.choices)
    computer_name_pattern = line(_("Computer name"), longest=63, help_text=PATTERN)
    admin_user = line(_("Administrator"), longest=104)
    admin_password = secret(
        _("Password"), help_text=_("Of the administrator. Stored encrypted; empty keeps it.")
    )
    time_zone = line(_("Time zone"), longest=64)
    workgroup = line(_("Workgroup"), longest=64)
    domain = line(_("Domain"))
    product_key = secret(_("Product key"), help_text=PRODUCT_KEY)
    answer_file = RowField(
        LibraryFile,
        label=_("Answer file"),
        required=False,
        only={"kind": FileKind.ANSWER_FILE, "is_enabled": True},
    )
    script = RowField(
        LibraryFile,
        label=_("Script"),
        required=False,
        only={"kind": FileKind.SCRIPT, "is_enabled": True},
    )
    secrets = ("admin_password", "product_key")
    forgettable = ("admin_password", "product_key")


class GuestProfiles(Noun):
    key, path, section, icon = "guest-profile", "guest-profiles", "library", "terminal"
    one, many = _("guest profile"), _("Guest profiles")
    model = GuestProfile
    form = GuestProfileForm
    actions = Actions(profiles.add_guest, profiles.change_guest, profiles.remove_guest)
    about = _(
        "How a guest’s operating system is set up: its name, administrator, domain and product key."
    )
    removal = _("No template may use it any more. Its password and product key are forgotten.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("system", _("System"), lambda row: row.get_os_type_display(), "os_type"),
        Column(
            "pattern",
            _("Computer name"),
            lambda row: cells.text(row.computer_name_pattern),
            "computer_name_pattern",
            "p2",
        ),
        Column(
            "domain", _("Domain"), lambda row: cells.text(row.domain or row.workgroup), "", "p2"
        ),
        Column(
            "templates", _("Templates"), lambda row: row.templates_now, "templates_now", "number"
        ),
    )
    facets = (Facet("os_type", _("System"), _("Every system"), OSType.choices),)
    related = (Related("template", "guest_profile"),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("answer_file", "script").annotate(
            templates_now=count_of(VMTemplate, "guest_profile")
        )

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Guest"),
            [
                (_("Operating system"), row.get_os_type_display()),
                (_("Computer name"), cells.text(row.computer_name_pattern)),
                (_("Administrator"), cells.text(row.admin_user)),
                (_("Password and product key"), stored(row.sealed)),
                (_("Time zone"), cells.text(row.time_zone)),
                (_("Workgroup"), cells.text(row.workgroup)),
                (_("Domain"), cells.text(row.domain)),
            ],
        )
        yield Part(
            _("Files"),
            [
                (_("Answer file"), cells.link("file", row.answer_file)),
                (_("Script"), cells.link("file", row.script)),
            ],
        )
        yield kept(row)


def stored(sealed: str) -> Any:
    """Return whether secrets are kept, never which."""
    return _("stored encrypted") if sealed else cells.NOTHING
