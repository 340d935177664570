"""First step: which subscription, and which template of its plan."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from portal.tenant_site.forms.creating.base import About, StepForm


class TemplateForm(StepForm):
    subscription = forms.CharField(widget=forms.HiddenInput)
    template = forms.ChoiceField(
        label=gettext_lazy("Template"),
        widget=forms.RadioSelect,
        error_messages={
            "required": gettext_lazy("Choose a template."),
            "invalid_choice": gettext_lazy("The plan does not hold this template."),
        },
    )

    @classmethod
    def first(cls, about: About) -> dict[str, Any]:
        return {"subscription": str(about.offer.subscription.pk)}

    def prepare(self) -> None:
        self.fields["template"].choices = [
            (str(template.pk), template.name) for template in self.about.offer.templates
        ]
