"""Quick create: four fields, the rest as the template has it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import rules
from fabric.models import Template
from fabric.orders import Guest, NewMachine
from plans.models import Subscription
from plans.rules import amount
from portal.tenant_site.creating.offer import Offer
from portal.tenant_site.forms.creating.size import cores_words


class QuickForm(forms.Form):
    """`offer` is that of the chosen subscription, whose templates are shown."""

    subscription = forms.ChoiceField(
        label=gettext_lazy("Plan"),
        error_messages={
            "required": gettext_lazy("Choose a plan."),
            "invalid_choice": gettext_lazy("Choose one of your plans."),
        },
    )
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=rules.NAME_LENGTH,
        help_text=gettext_lazy(
            "Letters, digits and hyphens; up to 15 characters for Windows, 63 otherwise."
        ),
        error_messages={"required": gettext_lazy("Give the machine a name.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    template = forms.ChoiceField(
        label=gettext_lazy("Template"),
        error_messages={
            "required": gettext_lazy("Choose a template."),
            "invalid_choice": gettext_lazy("Choose one of the plan's templates."),
        },
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
        self, *args: Any, usable: Sequence[Subscription], offer: Offer, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.offer = offer
        self.fields["subscription"].choices = [(str(one.pk), plan_of(one)) for one in usable]
        self.fields["template"].choices = [("", _("Choose a template"))] + [
            (str(template.pk), summary(template)) for template in offer.templates
        ]

    @property
    def wanted_template(self) -> Template | None:
        """Return the template the form stands at, for showing what it does to the quota."""
        return self.offer.template(str(self["template"].value() or ""))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        template = self.wanted_template
        for name, problem in (
            ("name", rules.name_problem(cleaned.get("name", "x"), _system(template))),
            ("password", rules.password_problem(cleaned.get("password", ""))),
        ):
            if name in cleaned and problem:
                self.add_error(name, problem)
        return cleaned

    def order(self) -> NewMachine:
        """Return what is ordered; for a form without errors."""
        template = self.wanted_template
        assert template is not None
        guest = Guest(password=self.cleaned_data["password"])
        return NewMachine(name=self.cleaned_data["name"], template=template, guest=guest)


def _system(template: Template | None) -> str:
    return template.os_type if template else ""


def plan_of(subscription: Subscription) -> str:
    """Name the plan, and the subscription where that says something else."""
    plan = subscription.plan.name
    return plan if subscription.name == plan else f"{plan} – {subscription.name}"


def summary(template: Template) -> str:
    """Say what a machine of the template has."""
    return _("%(name)s – %(cores)s, %(memory)s, %(storage)d GB disk") % {
        "name": template.name,
        "cores": cores_words(template.cores),
        "memory": amount("memory_mb", template.memory_mb),
        "storage": template.storage_gb,
    }
