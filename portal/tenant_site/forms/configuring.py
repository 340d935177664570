"""What a machine is called, its size, and its end date."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import rules
from fabric.actions.ordering import DESCRIPTION_LENGTH
from fabric.models import EndAction, HardwareProfile, Machine
from plans.rules import amount
from portal.tenant_site.forms.creating.size import between, cores_words, size_problem

OWN = ""
MOST_CORES, MOST_MEMORY_GB = 1024, 16_384


class WordsForm(forms.Form):
    """Name and description."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=rules.NAME_LENGTH,
        help_text=gettext_lazy(
            "What it is called here and in the cloud. The computer's own name stays as it is."
        ),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": gettext_lazy("Give the machine a name.")},
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=DESCRIPTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        problem = rules.name_problem(name, "")
        if problem:
            raise forms.ValidationError(problem)
        return name

    def clean_description(self) -> str:
        """Keep lines apart by one character, as the row does."""
        text: str = self.cleaned_data["description"]
        return text.replace("\r\n", "\n")


class ProfileField(forms.ModelChoiceField):
    def label_from_instance(self, profile: HardwareProfile) -> str:
        memory = amount("memory_mb", profile.memory_mb)
        return f"{profile.name} – {cores_words(profile.cores)}, {memory}"


class SizeForm(forms.Form):
    """A size of the plan, or own values within what the template leaves."""

    hardware_profile = ProfileField(
        queryset=HardwareProfile.objects.none(),
        label=gettext_lazy("Size"),
        required=False,
        empty_label=gettext_lazy("My own values, below"),
    )
    cores = forms.IntegerField(
        label=gettext_lazy("Processors"), required=False, min_value=1, max_value=MOST_CORES
    )
    memory_gb = forms.DecimalField(
        label=gettext_lazy("Memory in GB"),
        required=False,
        min_value=Decimal("0.25"),
        max_value=MOST_MEMORY_GB,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )

    def __init__(self, *args: Any, machine: Machine, closed: bool = False, **kwargs: Any) -> None:
        memory = (Decimal(machine.memory_mb) / 1024).normalize()
        kwargs.setdefault("initial", {"cores": machine.cores, "memory_gb": f"{memory:f}"})
        super().__init__(*args, **kwargs)
        self.machine = machine
        offering = machine.subscription.plan.offering
        self.fields["hardware_profile"].queryset = offering.hardware_profiles.present()
        template = machine.template
        if template is not None:
            self.fields["cores"].help_text = between(
                template.min_cores, template.max_cores, "cores"
            )
            self.fields["memory_gb"].help_text = between(
                template.min_memory_mb, template.max_memory_mb, "memory_mb"
            )
        for field in self.fields.values():
            field.disabled = closed

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.errors:
            return cleaned
        profile = cleaned.get("hardware_profile")
        if profile is None:
            for name in ("cores", "memory_gb"):
                if cleaned.get(name) is None:
                    self.add_error(name, _("Say how much."))
            if self.errors:
                return cleaned
        cores, memory_mb = self.wanted()
        if self.machine.template is not None:
            problem = size_problem(self.machine.template, cores, memory_mb)
            if problem:
                own = "cores" if problem[0] == "cores" else "memory_gb"
                self.add_error("hardware_profile" if profile else own, problem[1])
        return cleaned

    def wanted(self) -> tuple[int, int]:
        """Return cores and memory in MB; for a form without errors."""
        profile = self.cleaned_data["hardware_profile"]
        if profile is not None:
            return profile.cores, profile.memory_mb
        return self.cleaned_data["cores"], int(self.cleaned_data["memory_gb"] * 1024)


class EndForm(forms.Form):
    """A day and an hour by the viewer's clock, and what becomes of the machine then."""

    ends_at = forms.DateTimeField(
        label=gettext_lazy("End date"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        error_messages={
            "required": gettext_lazy("Choose a day and an hour."),
            "invalid": gettext_lazy("This is no date with a time."),
        },
    )
    end_action = forms.ChoiceField(
        label=gettext_lazy("What happens then"), choices=EndAction.choices
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["ends_at"].help_text = _(
            "By the clock of %(zone)s. Everybody with rights on it is warned before."
        ) % {"zone": timezone.get_current_timezone_name()}
