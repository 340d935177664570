"""What a plan holds of a cloud: content, limits, permitted actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fabric.models import Cloud, Offering
from fabric.states import GRANTABLE, GRANTED_BY_DEFAULT
from plans.rules import RESOURCES

# What a plan takes from a cloud, and the order it is shown in: sizes from the smallest.
CONTENT = {
    "templates": ("name",),
    "hardware_profiles": ("cores", "memory_mb", "name"),
    "networks": ("name",),
    "media": ("name",),
    "library_disks": ("name",),
}
# What a cloud may do without.
OPTIONAL = frozenset({"media", "library_disks"})
MB_IN_GB = 1024
# What fits the column a limit is kept in, memory in MB included.
LARGEST = 2_000_000
TITLES = {
    "machines": _("Virtual machines"),
    "cores": _("Cores"),
    "memory_mb": _("Memory, in GB"),
    "storage_gb": _("Storage, in GB"),
}
FIRST_LIMITS = {"machines": 10, "cores": 20, "memory_mb": 40, "storage_gb": 500}


class QuotaForm(forms.Form):
    """For one cloud, with what its content offers.

    Memory is typed in GB and handed on in MB. Beside each limit is a "no limit" box, which wins.
    """

    templates = forms.ModelMultipleChoiceField(
        None, label=_("VM templates"), widget=forms.CheckboxSelectMultiple
    )
    hardware_profiles = forms.ModelMultipleChoiceField(
        None, label=_("Hardware profiles"), widget=forms.CheckboxSelectMultiple
    )
    networks = forms.ModelMultipleChoiceField(
        None, label=_("Networks"), widget=forms.CheckboxSelectMultiple
    )
    media = forms.ModelMultipleChoiceField(
        None, label=_("ISO images"), required=False, widget=forms.CheckboxSelectMultiple
    )
    library_disks = forms.ModelMultipleChoiceField(
        None, label=_("Disks of the library"), required=False, widget=forms.CheckboxSelectMultiple
    )
    fixed_templates = forms.ModelMultipleChoiceField(
        None,
        label=_("Templates in one size"),
        help_text=_("Tenants do not change the processors and memory of machines from these."),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permitted actions"),
        choices=list(GRANTABLE.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, content: Any, initial: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, initial=dict(initial), **kwargs)
        for name, order in CONTENT.items():
            self.fields[name].queryset = getattr(content, name).order_by(*order)
            if name not in OPTIONAL:
                self.fields[name].error_messages["required"] = _("Choose at least one.")
        self.fields["fixed_templates"].queryset = content.templates.order_by("name")
        for resource in RESOURCES:
            self.fields[resource.name] = forms.IntegerField(
                label=TITLES.get(resource.name, resource.title),
                min_value=1,
                max_value=LARGEST,
                required=False,
            )
            self.fields[f"{resource.name}_unlimited"] = forms.BooleanField(
                label=_("No limit"), required=False
            )

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        limits: dict[str, int | None] = {}
        for resource in RESOURCES:
            value = typed.pop(resource.name, None)
            if typed.pop(f"{resource.name}_unlimited", False):
                value = None
            elif value is None and resource.name not in self.errors:
                self.add_error(resource.name, _("Give a number, or choose “No limit”."))
            is_memory = resource.name == "memory_mb"
            limits[resource.name] = value * MB_IN_GB if value and is_memory else value
        return {**typed, "limits": limits}

    @property
    def limits(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return each limit with its "no limit" box, for the page."""
        return [(self[each.name], self[f"{each.name}_unlimited"]) for each in RESOURCES]


def initial_quota(offering: Offering | None, cloud: Cloud, content: Any) -> dict[str, Any]:
    """Return what the form starts with: what the plan holds of this cloud, or all the cloud has."""
    if offering is None or offering.cloud_id != cloud.pk:
        return {
            **{name: getattr(content, name).all() for name in CONTENT},
            **FIRST_LIMITS,
            "permissions": list(GRANTED_BY_DEFAULT),
        }
    limits = dict(offering.limits)
    if limits["memory_mb"]:
        limits["memory_mb"] = max(1, limits["memory_mb"] // MB_IN_GB)
    return {
        **{name: getattr(offering, name).all() for name in (*CONTENT, "fixed_templates")},
        **limits,
        **{f"{name}_unlimited": value is None for name, value in limits.items()},
        "permissions": offering.permissions,
    }
