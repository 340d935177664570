"""The shape of a choice of template, and of a deletion."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fabric.models import Template
from portal.tenant_site.forms.creating.quick import summary


class TemplateField(forms.ModelChoiceField):
    def label_from_instance(self, template: Template) -> str:
        return summary(template)


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
