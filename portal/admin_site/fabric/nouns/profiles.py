"""Hardware profiles, and capability profiles: what machines of a kind may be."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fabric.vmm.actions import capability, profiles
from fabric.vmm.models import (
    CapabilityProfile,
    Cloud,
    HardwareProfile,
    Platform,
)
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.console import Console
from portal.admin_site.fabric.forms import (
    NounForm,
    RowField,
    description,
    flag,
    limit,
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

GENERATIONS = ((1, _("Generation 1")), (2, _("Generation 2")))


def generation() -> forms.TypedChoiceField:
    return forms.TypedChoiceField(label=_("Generation"), choices=GENERATIONS, coerce=int, initial=2)


class HardwareProfileForm(NounForm):
    name = name(max_length=100)
    description = description()
    cores = number(_("Virtual processors"), least=1, initial=2)
    memory_mb = number(_("Memory in MB"), least=1, initial=4096)
    generation = generation()
    capability_profile = RowField(
        CapabilityProfile,
        label=_("Capability profile"),
        required=False,
        help_text=_("The size must be within its limits."),
    )
    is_dynamic_memory = flag(_("Dynamic memory"))
    is_highly_available = flag(_("Highly available"))


class HardwareProfiles(Noun):
    key, path, section, icon = "hardware-profile", "hardware-profiles", "library", "cpu"
    one, many = _("hardware profile"), _("Hardware profiles")
    model = HardwareProfile
    form = HardwareProfileForm
    actions = Actions(profiles.add_hardware, profiles.change_hardware, profiles.remove_hardware)
    about = _("A size with a name: processors and memory that machines are made with.")
    removal = _("Machines made with it stay as they are. Plans that offer it lose it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("cores", _("Processors"), lambda row: row.cores, "cores", "number"),
        Column(
            "memory", _("Memory"), lambda row: cells.memory(row.memory_mb), "memory_mb", "number"
        ),
        Column(
            "generation", _("Generation"), lambda row: row.generation, "generation", "number p2"
        ),
        Column(
            "capability",
            _("Capability profile"),
            lambda row: cells.link("capability-profile", row.capability_profile),
            classes="p2",
        ),
        Column(
            "dynamic",
            _("Dynamic memory"),
            lambda row: cells.yes(row.is_dynamic_memory),
            "is_dynamic_memory",
            "p3",
        ),
        Column(
            "available",
            _("Highly available"),
            lambda row: cells.yes(row.is_highly_available),
            "is_highly_available",
            "p3",
        ),
    )
    facets = (Facet("generation", _("Generation"), _("Every generation"), GENERATIONS),)

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.select_related("capability_profile")

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Hardware"),
            [
                (_("Virtual processors"), row.cores),
                (_("Memory"), cells.memory(row.memory_mb)),
                (_("Generation"), row.generation),
                (_("Dynamic memory"), cells.yes(row.is_dynamic_memory)),
                (_("Highly available"), cells.yes(row.is_highly_available)),
                (
                    _("Capability profile"),
                    cells.link("capability-profile", row.capability_profile),
                ),
            ],
        )
        yield kept(row)


class CapabilityProfileForm(NounForm):
    name = name()
    description = description()
    platform = forms.ChoiceField(label=_("Platform"), choices=Platform.choices)
    least_cores = number(_("Processors, at least"), least=1, initial=1)
    most_cores = limit(_("Processors, at most"), least=1)
    least_memory_mb = number(_("Memory in MB, at least"), least=1, initial=32)
    most_memory_mb = limit(_("Memory in MB, at most"), least=1)
    most_disks = limit(_("Disks, at most"))
    most_disk_gb = limit(_("Size of a disk in GB, at most"), least=1)
    least_adapters = number(_("Network adapters, at least"), initial=0)
    most_adapters = limit(_("Network adapters, at most"))
    most_dvds = limit(_("DVD drives, at most"))
    may_use_dynamic_memory = flag(_("Dynamic memory"), initial=True)
    may_be_highly_available = flag(_("High availability"), initial=True)
    may_have_checkpoints = flag(_("Checkpoints"), initial=True)
    groups = (
        (
            _("Limits of one machine"),
            (
                "least_cores",
                "most_cores",
                "least_memory_mb",
                "most_memory_mb",
                "most_disks",
                "most_disk_gb",
                "least_adapters",
                "most_adapters",
                "most_dvds",
            ),
        ),
        (
            _("Allowed"),
            ("may_use_dynamic_memory", "may_be_highly_available", "may_have_checkpoints"),
        ),
    )


class CapabilityProfiles(Noun):
    key, path, section, icon = "capability-profile", "capability-profiles", "library", "gauge"
    one, many = _("capability profile"), _("Capability profiles")
    model = CapabilityProfile
    form = CapabilityProfileForm
    actions = Actions(capability.add, capability.change, capability.remove)
    about = _(
        "What one machine may be at least and at most. A cloud with such profiles takes only "
        "machines that fit one of them."
    )
    removal = _("Machines stay as they are; nothing limits the next ones by it.")
    columns = (
        Column("name", _("Name"), lambda row: row.name, "name"),
        Column("platform", _("Platform"), lambda row: row.get_platform_display(), "platform", "p2"),
        Column(
            "cores", _("Processors"), lambda row: cells.between(row.least_cores, row.most_cores)
        ),
        Column(
            "memory",
            _("Memory"),
            lambda row: cells.between(row.least_memory_mb, row.most_memory_mb, cells.memory),
        ),
        Column("disks", _("Disks"), lambda row: cells.no_limit(row.most_disks), classes="p2"),
        Column(
            "adapters",
            _("Adapters"),
            lambda row: cells.between(row.least_adapters, row.most_adapters),
            classes="p3",
        ),
        Column("clouds", _("Clouds"), lambda row: row.clouds_now, "clouds_now", "number p2"),
    )
    facets = (Facet("platform", _("Platform"), _("Every platform"), Platform.choices),)
    related = (
        Related("cloud", "capability_profiles", may_add=False),
        Related("template", "capability_profile"),
        Related("hardware-profile", "capability_profile"),
    )

    def prepared(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.annotate(clouds_now=count_of(Cloud, "capability_profiles"))

    def parts(self, row: Any, console: Console) -> Iterable[Part]:
        yield Part(
            _("Limits of one machine"),
            [
                (_("Processors"), cells.between(row.least_cores, row.most_cores)),
                (
                    _("Memory"),
                    cells.between(row.least_memory_mb, row.most_memory_mb, cells.memory),
                ),
                (_("Disks"), cells.no_limit(row.most_disks)),
                (_("Size of a disk"), cells.no_limit(row.most_disk_gb, cells.storage)),
                (_("Network adapters"), cells.between(row.least_adapters, row.most_adapters)),
                (_("DVD drives"), cells.no_limit(row.most_dvds)),
            ],
        )
        yield Part(
            _("Allowed"),
            [
                (_("Dynamic memory"), cells.yes(row.may_use_dynamic_memory)),
                (_("High availability"), cells.yes(row.may_be_highly_available)),
                (_("Checkpoints"), cells.yes(row.may_have_checkpoints)),
            ],
        )
        yield kept(row, (_("Platform"), row.get_platform_display()))
