"""The shape of a new machine, and of a deletion."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from fabric import rules
from fabric.models import Offering, Template
from plans.models import Subscription
from plans.rules import amount


class SubscriptionField(forms.ModelChoiceField):
    def label_from_instance(self, subscription: Subscription) -> str:
        """Name the plan, and the subscription where that says something else."""
        plan = subscription.plan.name
        return plan if subscription.name == plan else f"{plan} – {subscription.name}"


class TemplateField(forms.ModelChoiceField):
    def label_from_instance(self, template: Template) -> str:
        """Say what the machine will have."""
        cores = ngettext("%(n)d core", "%(n)d cores", template.cores) % {"n": template.cores}
        return _("%(name)s – %(cores)s, %(memory)s, %(storage)d GB disk") % {
            "name": template.name,
            "cores": cores,
            "memory": amount("memory_mb", template.memory_mb),
            "storage": template.storage_gb,
        }


class QuickCreateForm(forms.Form):
    """Four fields. `chosen` is the subscription whose templates are offered."""

    subscription = SubscriptionField(
        queryset=Subscription.objects.none(),
        label=gettext_lazy("Plan"),
        empty_label=None,
        error_messages={"required": gettext_lazy("Choose a plan.")},
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=rules.NAME_LENGTH,
        help_text=gettext_lazy(
            "Letters, digits and hyphens; up to 15 characters for Windows, 63 otherwise."
        ),
        error_messages={"required": gettext_lazy("Give the machine a name.")},
    )
    template = TemplateField(
        queryset=Template.objects.none(),
        label=gettext_lazy("Template"),
        empty_label=gettext_lazy("Choose a template"),
        error_messages={"required": gettext_lazy("Choose a template.")},
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "Of the machine's administrator. At least 8 characters with three of: small letters, "
            "capitals, digits, other characters. It is not shown again: keep it."
        ),
        error_messages={"required": gettext_lazy("Set a password.")},
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(
        self, *args: Any, usable: list[Subscription], chosen: Subscription, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.chosen = chosen
        self.offering = Offering.objects.select_related("cloud").get(plan=chosen.plan_id)
        ids = [subscription.pk for subscription in usable]
        subscriptions = Subscription.objects.filter(pk__in=ids).select_related("plan")
        self.fields["subscription"].queryset = subscriptions
        self.fields["template"].queryset = self.offering.templates.present()
        self.fields["name"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "none",
            "spellcheck": "false",
        }

    @property
    def wanted_template(self) -> Template | None:
        """Return the template the form stands at, for showing what it does to the quota."""
        bound = self["template"]
        try:
            return self.fields["template"].clean(bound.value())
        except forms.ValidationError:
            return None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        template = cleaned.get("template")
        if cleaned.get("name"):
            problem = rules.name_problem(cleaned["name"], template.os_type if template else "")
            if problem:
                self.add_error("name", problem)
        if cleaned.get("password"):
            problem = rules.password_problem(cleaned["password"])
            if problem:
                self.add_error("password", problem)
        return cleaned


class DeleteForm(forms.Form):
    """The name, typed: what is deleted is lost for good."""

    confirm = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={"required": gettext_lazy("Type the machine's name.")},
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        self.fields["confirm"].label = _("Type %(name)s to confirm") % {"name": name}

    def clean_confirm(self) -> str:
        if self.cleaned_data["confirm"].strip() != self.name:
            raise forms.ValidationError(_("This is not the machine's name."))
        return self.name
