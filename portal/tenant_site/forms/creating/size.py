"""Second step: a size of the plan, the template's own, or one's own within the template's leave."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabric import rules
from fabric.models import HardwareProfile, Template
from plans.rules import amount
from portal.tenant_site.forms.creating.base import About, NeededDecimal, NeededWhole, StepForm

OWN, AS_TEMPLATE = "own", "template"
MOST_CORES, MOST_MEMORY_GB = 1024, 16_384


class SizeForm(StepForm):
    size = forms.ChoiceField(
        label=gettext_lazy("Size"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Choose a size."),
            "invalid_choice": gettext_lazy("The plan does not hold this size."),
        },
    )
    cores = NeededWhole(label=gettext_lazy("Cores"), min_value=1, max_value=MOST_CORES)
    memory_gb = NeededDecimal(
        label=gettext_lazy("Memory in GB"),
        min_value=Decimal("0.25"),
        max_value=MOST_MEMORY_GB,
        widget=forms.NumberInput(attrs={"step": "0.25"}),
    )

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        template = about.template
        if template is None:
            return {"size": AS_TEMPLATE}
        memory = Decimal(template.memory_mb) / 1024
        return {
            "size": AS_TEMPLATE,
            "cores": template.cores,
            "memory_gb": f"{memory.normalize():f}",
        }

    def prepare(self) -> None:
        sizes = [(AS_TEMPLATE, _("As the template"))]
        if not self.is_fixed:
            sizes += [(str(profile.pk), profile.name) for profile in self.about.offer.profiles]
            sizes.append((OWN, _("My own values")))
        self.fields["size"].choices = sizes
        least = self.about.template
        if least is not None:
            self.fields["cores"].help_text = between(least.min_cores, least.max_cores, "cores")
            self.fields["memory_gb"].help_text = between(
                least.min_memory_mb, least.max_memory_mb, "memory_mb"
            )

    @property
    def is_fixed(self) -> bool:
        """Tell whether the plan leaves the template's size to nobody."""
        return bool(getattr(self.about.template, "is_fixed", False))

    @property
    def cards(self) -> list[dict[str, Any]]:
        """Return what there is to choose from; a size the template does not allow says so."""
        template, chosen = self.about.template, self["size"].value()
        if template is None:
            return []
        sizes: list[tuple[str, str, Template | HardwareProfile]] = [
            (AS_TEMPLATE, _("As the template"), template)
        ]
        if not self.is_fixed:
            sizes += [(str(one.pk), one.name, one) for one in self.about.offer.profiles]
        return [
            {
                "value": value,
                "title": title,
                "about": f"{cores_words(size.cores)}, {amount('memory_mb', size.memory_mb)}",
                "description": getattr(size, "description", "") if size is not template else "",
                "reason": reason[1] if reason else "",
                "checked": value == chosen,
            }
            for value, title, size in sizes
            for reason in (size_problem(template, size.cores, size.memory_mb),)
        ]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("size") == OWN:
            for name in ("cores", "memory_gb"):
                if cleaned.get(name) is None and name not in self.errors:
                    self.add_error(name, _("Say how much."))
        template = self.about.template
        if template is None or self.errors:
            return cleaned
        cores, memory_mb = self.wanted()
        problem = size_problem(template, cores, memory_mb)
        if problem and cleaned["size"] != AS_TEMPLATE:
            own = "cores" if problem[0] == "cores" else "memory_gb"
            self.add_error(own if self.is_own else "size", problem[1])
        return cleaned

    @property
    def profile(self) -> HardwareProfile | None:
        """Return the size of the plan that was chosen, if one was."""
        return self.about.offer.profile(self.cleaned_data["size"])

    @property
    def is_own(self) -> bool:
        return bool(self.cleaned_data["size"] == OWN)

    def wanted(self) -> tuple[int, int]:
        """Return cores and memory in MB of what is chosen; for a form without errors."""
        if self.is_own:
            return self.cleaned_data["cores"], int(self.cleaned_data["memory_gb"] * 1024)
        chosen = self.profile or self.about.template
        assert chosen is not None
        return chosen.cores, chosen.memory_mb


def cores_words(cores: int) -> str:
    """Say how many."""
    return ngettext("%(n)d core", "%(n)d cores", cores) % {"n": cores}


def between(least: int | None, most: int | None, resource: str) -> str:
    """Say what a template leaves, nothing where it leaves all."""
    if least is not None and most is not None:
        return _("Between %(least)s and %(most)s.") % {
            "least": amount(resource, least),
            "most": amount(resource, most),
        }
    if most is not None:
        return _("At most %(most)s.") % {"most": amount(resource, most)}
    if least is not None:
        return _("At least %(least)s.") % {"least": amount(resource, least)}
    return ""


def size_problem(template: Template, cores: int, memory_mb: int) -> tuple[str, str] | None:
    """Return the field and why a template does not take this size, None when it does."""
    return rules.size_problem(
        cores,
        memory_mb,
        least=(template.min_cores, template.min_memory_mb),
        most=(template.max_cores, template.max_memory_mb),
    )
