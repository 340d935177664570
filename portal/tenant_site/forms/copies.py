"""Copies of a machine, and its rebuilding on fresh disks."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric import abilities, rules, sshkeys
from fabric.models import Machine, Template
from fabric.orders import Guest
from fabric.providers.abilities import SSH_KEYS
from portal.models import SshKey
from portal.tenant_site.forms.typed import TypedNameForm
from tenants.models import User

PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}


class TemplateField(forms.ModelChoiceField):
    def label_from_instance(self, template: Template) -> str:
        return _("%(name)s – %(storage)d GB disk") % {
            "name": template.name,
            "storage": template.storage_gb,
        }


class CopyForm(forms.Form):
    """The name of the machine to be made."""

    name = forms.CharField(
        label=gettext_lazy("Name of the new machine"),
        max_length=rules.NAME_LENGTH,
        widget=forms.TextInput(attrs=PLAIN),
        help_text=gettext_lazy("Letters, digits and hyphens."),
        error_messages={"required": gettext_lazy("Give the machine a name.")},
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        problem = rules.name_problem(name, "")
        if problem:
            raise forms.ValidationError(problem)
        return name


class RebuildForm(TypedNameForm):
    """A template, who may come in afterwards, and the machine's name: its data go."""

    field_order = ("template", "password", "ssh_keys", "confirm")

    template = TemplateField(
        queryset=Template.objects.none(),
        label=gettext_lazy("Template"),
        empty_label=gettext_lazy("Choose a template"),
        error_messages={"required": gettext_lazy("Choose a template.")},
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=gettext_lazy(
            "Of the machine's administrator. At least 8 characters with three of: small letters, "
            "capitals, digits, other characters. It is not shown again: keep it."
        ),
    )
    ssh_keys = forms.CharField(
        label=gettext_lazy("SSH keys"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 3, **PLAIN}),
        help_text=gettext_lazy("For Linux, one a line. With a key the password may stay empty."),
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, *args: Any, machine: Machine, by: User, **kwargs: Any) -> None:
        kept = SshKey.objects.filter(user=by).values_list("text", flat=True)
        first = {"template": machine.template_id, "ssh_keys": "\n".join(kept)}
        super().__init__(*args, name=machine.name, initial=first, **kwargs)
        offered = machine.subscription.plan.offering.templates.present()
        self.fields["template"].queryset = offered
        absent = abilities.why_not(machine.stamp.provider, SSH_KEYS)
        if absent:
            self.fields["ssh_keys"].disabled = True
            self.fields["ssh_keys"].help_text = absent

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        template = cleaned.get("template")
        if template is None:
            return cleaned
        keys = self._keys(template)
        if cleaned.get("password"):
            problem = rules.password_problem(cleaned["password"])
            if problem:
                self.add_error("password", problem)
        elif (template.is_windows or not keys) and "ssh_keys" not in self.errors:
            self.add_error("password", _("Set a password."))
        return cleaned

    def clean_ssh_keys(self) -> list[sshkeys.SshKey]:
        try:
            return sshkeys.read_all(self.cleaned_data["ssh_keys"])
        except sshkeys.NoKey as problem:
            raise forms.ValidationError(str(problem)) from problem

    def _keys(self, template: Template) -> tuple[str, ...]:
        """Return the keys, none for Windows, which takes none."""
        if template.is_windows:
            return ()
        return tuple(key.text for key in self.cleaned_data.get("ssh_keys") or ())

    def guest(self) -> Guest:
        """Return who the machine will be; for a form without errors."""
        template = self.cleaned_data["template"]
        return Guest(password=self.cleaned_data["password"], ssh_keys=self._keys(template))
