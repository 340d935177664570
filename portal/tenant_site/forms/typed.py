"""A name, typed: asked only where data are lost for good; and what is sent but once."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.utils.translation import gettext as _


class OnceField(forms.UUIDField):
    """What tells one form from another; a program that sends none gets a new one each time."""

    def __init__(self) -> None:
        super().__init__(required=False, widget=forms.HiddenInput, initial=uuid.uuid4)

    def clean(self, value: Any) -> uuid.UUID:
        found: uuid.UUID | None = super().clean(value)
        return found or uuid.uuid4()


class TypedNameForm(forms.Form):
    """The name of what is lost."""

    confirm = forms.CharField(
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        )
    )

    def __init__(self, *args: Any, name: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.name = name
        field = self.fields["confirm"]
        field.label = _("Type %(name)s to confirm") % {"name": name}
        field.error_messages["required"] = _("Type %(name)s.") % {"name": name}

    def clean_confirm(self) -> str:
        typed: str = self.cleaned_data["confirm"].strip()
        if typed != self.name:
            raise forms.ValidationError(_("This is not %(name)s.") % {"name": self.name})
        return typed
