"""A new API key: for which tenant, what it may do, how long."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tenants import rights
from tenants.actions.api_keys import LONGEST_DAYS
from tenants.models.api_key import READ


class KeyForm(forms.Form):
    """Rights somebody lacks are not offered."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("What uses it: the backup script, the pipeline."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days until it ends"),
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=90,
        help_text=gettext_lazy("Between 1 and 365."),
    )
    scope = forms.ChoiceField(label=gettext_lazy("It may"), widget=forms.RadioSelect, initial=READ)
    rights = forms.MultipleChoiceField(
        label=gettext_lazy("Rights"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, *args: Any, held: Collection[str], **told: Any) -> None:
        super().__init__(*args, **told)
        scopes = [(READ, _("only read"))]
        if held:
            scopes.append(("chosen", _("also what is ticked here")))
        self.fields["scope"].choices = scopes
        self.fields["rights"].choices = [one for one in rights.Right.choices if one[0] in held]

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if given.get("scope") == "chosen" and not given.get("rights"):
            raise ValidationError({"rights": _("Tick at least one, or let it only read.")})
        return given

    @property
    def scopes(self) -> list[str]:
        """Return what the key is to have."""
        chosen = self.cleaned_data["scope"] == "chosen"
        return list(self.cleaned_data["rights"]) if chosen else [READ]
