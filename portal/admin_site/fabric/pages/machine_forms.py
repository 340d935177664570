"""Forms of what can be asked of a machine: a field is a keyword of the action."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from fabric.vmm.models import (
    AddressType,
    AffinitySet,
    Cloud,
    FileKind,
    HardwareProfile,
    Host,
    LibraryFile,
    StartAction,
    StopAction,
    StorageClassification,
    UserRole,
    VirtualHardDisk,
    VirtualMachine,
    VMNetwork,
    VMTemplate,
)
from plans.words import in_sentence
from portal.admin_site.fabric import cells
from portal.admin_site.fabric.forms import (
    OWNERS,
    NounForm,
    RowField,
    description,
    flag,
    limit,
    line,
    name,
    number,
    secret,
)

ENABLED = {"is_enabled": True}


def disk_title(disk: VirtualHardDisk) -> str:
    return f"{disk} ({cells.storage(disk.size_gb)})"


class ActForm(NounForm):
    """What is asked of a machine, or of a `part` of it, such as a disk."""

    # Fields whose rows are those of the machine: what narrows them, by a field of the machine.
    of_machine: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(
        self, *args: Any, machine: VirtualMachine, part: Any = None, **kwargs: Any
    ) -> None:
        self.machine, self.part = machine, part
        kwargs["initial"] = self.begin() | (kwargs.pop("initial", None) or {})
        super().__init__(*args, **kwargs)

    def begin(self) -> dict[str, Any]:
        """Return what the fields begin with."""
        return {}

    def _offer_rows(self) -> None:
        for field, (lookup, attribute) in self.of_machine.items():
            each: Any = self.fields[field]
            each.only = {**each.only, lookup: getattr(self.machine, attribute)}
        super()._offer_rows()


class Sure(ActForm):
    """Nothing more to say: the button is the question."""


class Named(ActForm):
    """Data is lost for good: the name must be typed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.named = str(self.part if self.part is not None else self.machine)
        self.fields["confirm"] = line(_("Type %s to confirm") % self.named, required=True)

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.named:
            raise forms.ValidationError(_("This is not the name."))
        return typed

    def keywords(self) -> dict[str, Any]:
        words = super().keywords()
        words.pop("confirm", None)
        return words


class Configure(ActForm):
    name = name()
    description = description()
    tag = line(_("Tag"), help_text=_("Placement rules go by it."))
    cost_center = line(_("Cost center"), longest=64)
    cores = number(
        _("Virtual processors"),
        least=1,
        help_text=_("Of a machine that is off, or that runs on a host that can do it live."),
    )
    memory_mb = number(_("Memory in MB"), least=1)
    start_action = forms.ChoiceField(label=_("When its host starts"), choices=StartAction.choices)
    stop_action = forms.ChoiceField(label=_("When its host stops"), choices=StopAction.choices)
    groups = (
        (_("Size"), ("cores", "memory_mb")),
        (_("With its host"), ("start_action", "stop_action")),
    )

    def begin(self) -> dict[str, Any]:
        return {field: getattr(self.machine, field) for field in self.base_fields}

    def keywords(self) -> dict[str, Any]:
        """Return what says something else than the machine."""
        return {key: value for key, value in super().keywords().items() if key in self.changed_data}


class Give(ActForm):
    role = RowField(
        UserRole,
        label=_("User role"),
        required=False,
        empty_label=_("None: the operators’ own"),
        only=OWNERS,
        help_text=_("The machine counts against its limits from now on."),
    )
    owner_name = line(_("Owner"), longest=320, help_text=_("A member of the role."))

    def begin(self) -> dict[str, Any]:
        return {"role": self.machine.role_id, "owner_name": self.machine.owner_name}


class AddDisk(ActForm):
    library_disk = RowField(
        VirtualHardDisk,
        label=_("Copy of"),
        required=False,
        only=ENABLED,
        shown=disk_title,
        empty_label=_("An empty disk"),
    )
    size_gb = limit(_("Size in GB"), least=1)
    classification = RowField(
        StorageClassification,
        label=_("Storage classification"),
        required=False,
        empty_label=_("Any"),
    )
    name = line(_("Name"), longest=100)


class GrowDisk(ActForm):
    size_gb = number(
        _("Size in GB"),
        least=1,
        help_text=_("The file systems on it are the guest’s own to enlarge."),
    )

    def begin(self) -> dict[str, Any]:
        return {"size_gb": self.part.size_gb}


class MoveDisk(ActForm):
    classification = RowField(StorageClassification, label=_("Storage classification"))


class AddAdapter(ActForm):
    network = RowField(VMNetwork, label=_("VM network"))
    ipv4_type = forms.ChoiceField(
        label=_("Address"),
        choices=[("", _("By what the network has")), *AddressType.choices],
        required=False,
        help_text=_("Static is one of the network’s pools."),
    )
    address = line(_("This very address"), longest=45)
    mac = line(_("MAC address"), longest=17, help_text=_("Left empty, it is a new one."))
    of_machine = {"network": ("logical_network__clouds", "cloud_id")}


class ChangeAdapter(ActForm):
    network = RowField(
        VMNetwork, label=_("VM network"), required=False, empty_label=_("Not connected")
    )
    ipv4_type = forms.ChoiceField(
        label=_("Address"), choices=AddressType.choices, help_text=_("Static is one of a pool.")
    )
    address = line(_("This very address"), longest=45, help_text=_("Left empty, any of the pool."))
    of_machine = {"network": ("logical_network__clouds", "cloud_id")}

    def begin(self) -> dict[str, Any]:
        return {"network": self.part.network_id, "ipv4_type": self.part.ipv4_type}

    def keywords(self) -> dict[str, Any]:
        return {key: value for key, value in super().keywords().items() if key in self.changed_data}


class Insert(ActForm):
    iso = RowField(
        LibraryFile,
        label=_("ISO image"),
        only={"kind": FileKind.ISO, "is_enabled": True},
        help_text=_("Of the library shares of the machine’s cloud."),
    )
    of_machine = {"iso": ("share__clouds", "cloud_id")}


class MakeCheckpoint(ActForm):
    name = name(max_length=100)
    description = description()


class RenameCheckpoint(MakeCheckpoint):
    def begin(self) -> dict[str, Any]:
        return {"name": self.part.name, "description": self.part.description}


class RemoveCheckpoint(Named):
    with_children = flag(_("And all checkpoints below it"))


class Move(ActForm):
    host = RowField(
        Host, label=_("To the host"), required=False, empty_label=_("The best by its rating")
    )


def set_title(affinity: AffinitySet) -> str:
    kind = in_sentence(affinity.get_kind_display())
    return f"{affinity} ({affinity.role}, {kind})" if affinity.role else f"{affinity} ({kind})"


class ChooseSet(ActForm):
    affinity = RowField(
        AffinitySet,
        label=_("Affinity set"),
        required=False,
        shown=set_title,
        related=("role",),
        empty_label=_("None"),
        help_text=_("One of the operators’, or of the machine’s own user role."),
    )

    def begin(self) -> dict[str, Any]:
        return {"affinity": self.machine.affinity_id}

    def _offer_rows(self) -> None:
        super()._offer_rows()
        sets: Any = self.fields["affinity"]
        sets.queryset = sets.queryset.filter(Q(role=None) | Q(role=self.machine.role_id))


class Clone(ActForm):
    name = name(help_text=_("Of the new machine."))
    start = flag(_("Start it"), _("It has the same computer name as the one it is a clone of."))
    request_key = forms.CharField(widget=forms.HiddenInput, required=False)

    def begin(self) -> dict[str, Any]:
        return {"request_key": uuid.uuid4().hex}


class Deploy(ActForm):
    start = flag(_("Start it"))


class NewMachine(NounForm):
    """A machine made by an operator, for a role or for nobody."""

    name = name()
    cloud_id = RowField(Cloud, label=_("Cloud"))
    template_id = RowField(
        VMTemplate,
        label=_("VM template"),
        required=False,
        only=ENABLED,
        empty_label=_("None: a disk of the library"),
    )
    disk_id = RowField(
        VirtualHardDisk,
        label=_("Virtual hard disk"),
        required=False,
        only={"is_enabled": True, "os_name__gt": ""},
        shown=disk_title,
        help_text=_("Instead of a template: one that holds an operating system."),
    )
    hardware_profile_id = RowField(
        HardwareProfile,
        label=_("Hardware profile"),
        required=False,
        empty_label=_("What the template says"),
    )
    cores = limit(_("Virtual processors"), least=1)
    memory_mb = limit(_("Memory in MB"), least=1)
    classification_id = RowField(
        StorageClassification,
        label=_("Storage classification"),
        required=False,
        empty_label=_("What the template says"),
    )
    network = RowField(
        VMNetwork, label=_("VM network"), required=False, empty_label=_("Not connected")
    )
    owner_role = RowField(
        UserRole,
        label=_("For the user role"),
        required=False,
        only=OWNERS,
        empty_label=_("None: the operators’ own"),
        help_text=_("The machine counts against its limits."),
    )
    computer_name = line(_("Computer name"), longest=63)
    local_admin_password = secret(
        _("Administrator’s password"), help_text=_("Of the guest. Kept encrypted until it is set.")
    )
    product_key = secret(
        _("Product key"), help_text=_("Of Windows, where template and guest profile have none.")
    )
    time_zone = line(
        _("Time zone"), longest=64, help_text=_("Such as “Europe/Berlin”. Empty: the template’s.")
    )
    description = description()
    start = flag(_("Start it"), initial=True)
    request_key = forms.CharField(widget=forms.HiddenInput, required=False)
    secrets = ("local_admin_password", "product_key")
    groups = (
        (
            _("Hardware"),
            ("hardware_profile_id", "cores", "memory_mb", "classification_id", "network"),
        ),
        (
            _("Guest"),
            ("computer_name", "local_admin_password", "product_key", "time_zone", "start"),
        ),
    )
    helps = {_("Hardware"): _("What is left empty is what profile or template say.")}
    rows = ("cloud_id", "template_id", "disk_id", "hardware_profile_id", "classification_id")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {"request_key": uuid.uuid4().hex} | (kwargs.pop("initial", None) or {})
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or self.cleaned_data
        if bool(said.get("template_id")) == bool(said.get("disk_id")):
            self.add_error("template_id", _("Choose either a template or a virtual hard disk."))
        return said
